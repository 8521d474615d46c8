"""Peers of a Kubernetes client: a TLS server that writes down what arrives, certificates for it, and proxies."""

import base64
import http.server
import json
import shlex
import socket
import ssl
import subprocess
import threading
import urllib.parse


def run(command, **options):
    return subprocess.run(shlex.split(command), check=True, capture_output=True, **options).stdout


class Certificates:
    """An authority and what it signs, made with the openssl program."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self._key("ca")
        run("openssl req -x509 -new -key ca.key -subj /CN=authority -days 2 -out ca.crt", cwd=folder)
        self.sign("server", "server", "subjectAltName=IP:127.0.0.1,DNS:kubernetes.default")
        self.sign("jane", "jane", "extendedKeyUsage=clientAuth")
        self.sign("joe", "joe", "extendedKeyUsage=clientAuth")

    def _key(self, name):
        (self.folder / f"{name}.key").write_bytes(run("openssl ecparam -name prime256v1 -genkey -noout"))

    def sign(self, name, common_name, extension):
        self._key(name)
        (self.folder / "extension").write_text(extension + "\n")
        run(f"openssl req -new -key {name}.key -subj /CN={common_name} -out {name}.csr", cwd=self.folder)
        run(f"openssl x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 "
            f"-extfile extension -out {name}.crt", cwd=self.folder)

    def path(self, name):
        return self.folder / name

    def text(self, name):
        return self.path(name).read_text()

    def data(self, name):
        return base64.b64encode(self.path(name).read_bytes()).decode()


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


class TunnelProxy:
    """An HTTP proxy (CONNECT, and http:// URLs) or a SOCKS5 proxy; `asked` holds the host and port of each connection."""

    def __init__(self, kind):
        self.kind = kind
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

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

    def _serve(self, client):
        host, port, answer, first = self._http(client) if self.kind == "http" else self._socks5(client)
        self.asked.append((host, port))
        upstream = socket.create_connection(("127.0.0.1", port))  # every name is this machine
        client.sendall(answer)
        upstream.sendall(first)
        threading.Thread(target=self._copy, args=(upstream, client), daemon=True).start()
        self._copy(client, upstream)

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()
