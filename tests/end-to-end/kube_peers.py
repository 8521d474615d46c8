"""Peers of a Kubernetes client: a TLS server that records requests, certificates for it, and proxies."""

import http.server
import json
import socket
import ssl
import threading
import urllib.parse

from certificates import Certificates
from listener import Listener


def kube_certificates(folder):
    """Of an API server, and of its users jane and joe."""
    folder.mkdir()
    made = Certificates(folder)
    made.authority("ca")
    made.sign("ca", "server", "IP:127.0.0.1,DNS:kubernetes.default", "serverAuth")
    for user in ("jane", "joe"):
        made.sign("ca", user, usage="clientAuth")
    return made


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        subject = {}
        if isinstance(self.connection, ssl.SSLSocket):
            certificate = self.connection.getpeercert() or {}
            subject = dict(pair for part in certificate.get("subject", ()) for pair in part)
        server.seen.append({"path": self.path, "headers": self.headers.items(), "client": subject.get("commonName"),
                            "server_name": server.server_names.get(self.client_address)})
        allowed = server.allow is None or self.headers.get("Authorization") in server.allow
        body = json.dumps({"kind": "DeploymentList" if allowed else "Status", "message": "Unauthorized"}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class ApiServer(http.server.ThreadingHTTPServer):
    """Answers every GET; with `allow` only those with one of these Authorization headers."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, certificates):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        self.allow = None
        self.server_names = {}
        self.context = None
        if certificates:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificates.path("server.crt"), certificates.path("server.key"))
            self.context.load_verify_locations(certificates.path("ca.crt"))
            self.context.verify_mode = ssl.CERT_OPTIONAL
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def finish_request(self, request, client_address):
        """In the thread of the connection: the handshake, then the requests."""
        if self.context:
            def note(_socket, name, _context):
                self.server_names[client_address] = name

            self.context.sni_callback = note
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        super().finish_request(request, client_address)

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.server_address[1]}"

    def headers(self, name):
        """All values of the header in the last request."""
        return [value for key, value in self.seen[-1]["headers"] if key.lower() == name.lower()]

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class TunnelProxy(Listener):
    """An HTTP proxy (CONNECT, and http:// URLs) or a SOCKS5 proxy; `asked` holds the host and port of each connection."""

    def __init__(self, kind):
        self.kind = kind
        self.asked = []
        super().__init__(self._tunnel)

    def _http(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        method, target = head.decode().split()[:2]
        if method == "CONNECT":
            host, port = target.rsplit(":", 1)
            return host, int(port), b"HTTP/1.1 200 OK\r\n\r\n", b""
        url = urllib.parse.urlsplit(target)
        return url.hostname, url.port, b"", head.replace(target.encode(), url.path.encode(), 1)

    def _socks5(self, client):
        greeting = client.recv(2)
        client.recv(greeting[1])
        client.sendall(b"\x05\x00")
        kind = client.recv(4)[3]
        if kind == 3:
            host = client.recv(client.recv(1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET, client.recv(4))
        return host, int.from_bytes(client.recv(2), "big"), b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", b""

    def _tunnel(self, client):
        host, port, answer, first = self._http(client) if self.kind == "http" else self._socks5(client)
        self.asked.append((host, port))
        upstream = socket.create_connection(("127.0.0.1", port))  # every name is this machine
        client.sendall(answer)
        upstream.sendall(first)
        self.start(self._copy, upstream, client)
        self._copy(client, upstream)

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
