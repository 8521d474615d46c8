"""A proxy in front of the Kubernetes API that holds selected requests or their responses."""

import http.client
import http.server
import json
import os
import re
import threading


class Hold:
    """One rule: requests of a method whose path matches are held, "before" they are passed on or "after"."""

    def __init__(self, when, method, path, count):
        self.when, self.method, self.path, self.count = when, method, re.compile(path), count
        self.reached, self.released = threading.Event(), threading.Event()

    def wait(self, timeout=20):
        assert self.reached.wait(timeout), f"no request for {self.method} {self.path.pattern}"
        return self

    def release(self):
        self.released.set()


class Gate:
    """A plain HTTP proxy for a worker, which adds the credentials of the provider. `kubeconfig` points to it."""

    def __init__(self, provider, folder):
        self.provider, self.holds, self.refusals, self.lock = provider, [], [], threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None  # a worker that was killed
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.kubeconfig = os.path.join(folder, f"gate-{self.server.server_port}")
        with open(self.kubeconfig, "w") as f:
            json.dump({"clusters": [{"name": "gate", "cluster": {
                "server": f"http://127.0.0.1:{self.server.server_port}"}}], "users": [{"name": "gate", "user": {}}],
                "contexts": [{"name": "gate", "context": {"cluster": "gate", "user": "gate"}}],
                "current-context": "gate"}, f)

    def hold(self, when, method, path, count=1):
        hold = Hold(when, method, path, count)
        with self.lock:
            self.holds.append(hold)
        return hold

    def refuse(self, method, path, code, reason, message):
        """Respond to matching requests directly, until the end."""
        self.refusals.append((method, path, code, reason, message))

    def stop(self):
        for hold in self.holds:
            hold.release()
        self.server.shutdown()
        self.server.server_close()

    def _pause(self, when, method, path):
        with self.lock:
            hold = next((h for h in self.holds if h.count and (h.when, h.method) == (when, method) and
                         h.path.search(path)), None)
            if hold:
                hold.count -= 1
        if hold:
            hold.reached.set()
            hold.released.wait(120)

    def _connect(self):
        url, context = self.provider.url, self.provider.context
        if context:
            return http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=120)
        return http.client.HTTPConnection(url.hostname, url.port, timeout=120)

    def _handler(gate):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                gate._pause("before", self.command, self.path)
                refusal = next((r for r in gate.refusals if r[0] == self.command and re.search(r[1], self.path)), None)
                if refusal:
                    self.refuse(*refusal[2:])
                    return
                server = gate._connect()
                try:
                    headers = {k: v for k, v in self.headers.items() if k.lower() in ("content-type", "accept")}
                    server.request(self.command, self.path, body or None, {**headers, **gate.provider.headers})
                    answer = server.getresponse()
                    if "watch=" in self.path or "watch=true" in self.path:
                        self.stream(answer)
                    else:
                        self.whole(answer)
                except (OSError, ValueError, http.client.HTTPException):  # one side has ended
                    self.close_connection = True
                finally:
                    server.close()

            def refuse(self, code, reason, message):
                data = json.dumps({"kind": "Status", "status": "Failure", "code": code, "reason": reason,
                                   "message": message}).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def whole(self, answer):
                data = answer.read()
                gate._pause("after", self.command, self.path)
                self.send_response(answer.status)
                for name in ("Content-Type", "Retry-After"):
                    if answer.getheader(name):
                        self.send_header(name, answer.getheader(name))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def stream(self, answer):
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                while data := answer.read1(65536):
                    self.wfile.write(data)
                    self.wfile.flush()

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on

        return Handler
