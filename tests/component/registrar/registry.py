"""A stand-in for the service provider manager of DCM: POST /api/v1alpha1/providers.

Implemented responses: 201 with the provider for a new name; 200 for a known name, whose data is replaced; 409 if
another provider has the name; 400 for an invalid body (also if its database is locked); 401 and 429 (with
Retry-After) as sent by a gateway; 408 and 500; a JSON problem document in every rejection. It keeps providers in
memory and drops them on command, like a reinstalled control plane.

Network failures: no response (hang), or a connection closed before or in the middle of the response.
"""

import http.server
import json
import ssl
import threading
import time

MEMBERS = {"name", "service_type", "schema_version", "endpoint", "operations", "display_name", "metadata"}


class Seen:
    """One request as it arrived."""

    def __init__(self, handler, body):
        self.at = time.monotonic()
        self.path = handler.path
        self.headers = dict(handler.headers.items())
        self.raw = body
        self.body = json.loads(body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        registry = self.server.registry
        seen = Seen(self, self.rfile.read(int(self.headers["Content-Length"])))
        with registry.lock:
            registry.seen.append(seen)
            fault = registry.script.pop(0) if registry.script else registry.always
        if fault == "hang":
            registry.released.wait(120)
        elif fault == "close":
            self.close_connection = True
        elif fault == "half":
            self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")
            self.close_connection = True
        elif fault:
            self.refuse(fault)
        else:
            self.register(seen)

    def register(self, seen):
        registry = self.server.registry
        if self.path != registry.path:
            return self.answer(404, {"type": "NOT_FOUND", "status": 404, "title": "no such path"})
        if not {"name", "service_type", "schema_version", "endpoint"} <= seen.body.keys() <= MEMBERS:
            return self.answer(400, {"type": "INVALID_ARGUMENT", "status": 400, "title": "wrong members"})
        with registry.lock:
            known = seen.body["name"] in registry.providers
            registry.providers[seen.body["name"]] = seen.body
        return self.answer(200 if known else 201, {**seen.body, "id": "1", "status": "registered"})

    def refuse(self, fault):
        status, headers = fault if isinstance(fault, tuple) else (fault, {})
        self.answer(status, {"type": "ERROR", "status": status, "title": f"told to answer {status}",
                             "detail": self.server.registry.detail}, headers)

    def answer(self, status, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 300 else "application/problem+json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients are killed in these tests."""


class Registry:
    """`script`: the responses to the next requests in order, then `always`: a status, (status, headers), "hang",
    "close", "half", or None for the normal response."""

    def __init__(self, certificates=None, path="/api/v1alpha1/providers", port=0):
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.seen = []
        self.providers = {}
        self.script = []
        self.always = None
        self.detail = "because the test says so"
        self.path = path
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.registry = self
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if certificates else 'http'}://127.0.0.1:{self.port}/api/v1alpha1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def forget(self):
        with self.lock:
            self.providers.clear()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
