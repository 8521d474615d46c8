"""A TLS server that writes down what arrives, certificates for it, and the probe (auth_probe.c) that calls it."""

import base64
import http.server
import json
import os
import pathlib
import shlex
import socket
import ssl
import subprocess
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD
LIBRARIES = "-lnats -lcjson -lcurl -lyaml -lcrypto -lm -ldl".split()


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


class Probe:
    """A running auth_probe; `first` is the answer of kube_auth_create()."""

    def __init__(self, program, kubeconfig, env, log):
        self.log = log
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen([program, kubeconfig], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=stderr, text=True, env=env)
        self.first = self._line()

    def _line(self):
        return self.process.stdout.readline().rstrip("\n")

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._line()

    def get(self, path="/apis/apps/v1/namespaces/x/deployments"):
        return self.say("get " + path)

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        return self.log.read_text(errors="replace")


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    library = BUILD / "libcommon.a"
    assert library.exists(), f"{library} is not built"
    path = tmp_path_factory.mktemp("probe") / "auth_probe"
    command = [os.environ.get("CC", "cc"), "-std=gnu17", "-g", "-I.", "-D_GNU_SOURCE", "-pthread",
               str(HERE / "auth_probe.c"), str(library), "-o", str(path), *LIBRARIES]
    if "address" in BUILD.name:
        command += ["-fsanitize=address,undefined"]
    subprocess.run(command, cwd=ROOT, check=True)
    return path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates") / "pki")


@pytest.fixture
def api(certificates):
    server = ApiServer(certificates)
    yield server
    server.close()


@pytest.fixture
def plain_api():
    server = ApiServer(None)
    yield server
    server.close()


@pytest.fixture
def probe(program, tmp_path):
    """probe(kubeconfig, **env) starts one. At the end: none has crashed, and no secret stands in its log."""
    probes = []

    def start(kubeconfig, **env):
        clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        probes.append(Probe(program, str(kubeconfig), clean | env, tmp_path / f"log{len(probes)}"))
        return probes[-1]

    yield start
    for one in probes:
        log = one.end()
        assert one.process.returncode == (0 if one.first.startswith("OK") else 1), log
        assert "secret" not in log and "PRIVATE" not in log


@pytest.fixture
def kubeconfig(tmp_path, certificates):
    """kubeconfig(server, user, **cluster) writes one (in JSON, which is YAML) and gives its path."""

    def write(server, user=None, **cluster):
        if server.startswith("https") and not {"insecure-skip-tls-verify", "certificate-authority"} & set(cluster):
            cluster.setdefault("certificate-authority-data", certificates.data("ca.crt"))
        path = tmp_path / "config"
        path.write_text(json.dumps({
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server} | cluster}],
            "users": [{"name": "u", "user": user or {}}],
        }))
        return path

    return write


class TunnelProxy:
    """An HTTP proxy (CONNECT) or a SOCKS5 proxy; `asked` holds the host and port of each connection."""

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
        host, port = head.split()[1].decode().rsplit(":", 1)
        return host, int(port), b"HTTP/1.1 200 OK\r\n\r\n"

    def _socks5(self, client):
        greeting = client.recv(2)
        client.recv(greeting[1])
        client.sendall(b"\x05\x00")
        kind = client.recv(4)[3]
        if kind == 3:
            host = client.recv(client.recv(1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET, client.recv(4))
        return host, int.from_bytes(client.recv(2), "big"), b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"

    def _serve(self, client):
        host, port, answer = self._http(client) if self.kind == "http" else self._socks5(client)
        self.asked.append((host, port))
        upstream = socket.create_connection(("127.0.0.1", port))  # every name is this machine
        client.sendall(answer)
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


@pytest.fixture(params=["http", "socks5"])
def proxy(request):
    server = TunnelProxy(request.param)
    yield server
    server.close()
