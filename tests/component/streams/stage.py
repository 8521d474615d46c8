"""Infrastructure of the stream tests: the processes, a raw HTTP client, and the data pattern."""

import json
import os
import pathlib
import socket
import ssl
import time
import urllib.request

from api import Api
from ports import free_port
from processes import Process, listens, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
PRODUCTION = BUILD / "bin"
BIN = BUILD / "test" / "streams" / "bin"
SLOW = 4 if "thread" in BUILD.name else 2 if "address" in BUILD.name else 1  # factor of time limits with sanitizers
USERS = ("API_SVC", "KUBE_WORKER", "MONITOR", "REGISTRAR", "DCM", "OPERATOR")
PATTERN = b"".join(i.to_bytes(8, "big") for i in range(131072))


class Stage:
    def __init__(self, kubeconfig, folder, scheme="http", accounts=False, nats=None, nats_port=None, **settings):
        """nats: further configuration of the server."""
        self.folder = folder
        self.nats_port = nats_port or free_port()
        self.port = free_port()
        self.scheme = scheme
        self.api = Api(self.port)
        self.env = {"SP_NAME": "provider", "SP_NATS_URL": f"nats://127.0.0.1:{self.nats_port}",
                    "SP_SERVER_ADDRESS": f"127.0.0.1:{self.port}", "SP_K8S_KUBECONFIG": kubeconfig,
                    "SP_K8S_NAMESPACE": "default", "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort", "SP_LOG_LEVEL": "info",
                    "SP_SERVER_WORKER_WAIT": "1s", **settings}
        self.monitor_port = free_port()
        config = self.with_accounts() if accounts else self.with_config(nats) if nats else []
        self.accounts = accounts
        self.nats = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(self.nats_port), "-m",
                                     str(self.monitor_port), *config],
                            {f"{user}_PASSWORD": f"secret-{user}" for user in USERS}, str(folder))
        self.svc = Process("api-svc", [str(BIN / "api-svc")], {**self.env, **self.login("api-svc")}, str(folder))
        self.workers = []

    def with_accounts(self):
        """A user of NATS for each process, with the rights of deploy/nats/accounts.conf."""
        accounts = (ROOT / "deploy" / "nats" / "accounts.conf").read_text().replace("PROVIDER", "provider")
        (self.folder / "accounts.conf").write_text(accounts)
        return self.with_config(f"jetstream {{ store_dir: '{self.folder}/jetstream' }}\ninclude accounts.conf\n")

    def with_config(self, text):
        config = self.folder / "nats.conf"
        config.write_text(text)
        return ["-c", str(config)]

    def login(self, program):
        if not self.accounts:
            return {}
        password = self.folder / f"{program}.password"
        password.write_text(f"secret-{program.upper().replace('-', '_')}\n")
        return {"SP_NATS_USER": program, "SP_NATS_PASSWORD_FILE": str(password)}

    def start(self, workers):
        self.nats.start()
        wait_for("nats-server", lambda: listens(self.nats_port))
        self.svc.start().wait_log("connected to NATS")
        for _ in range(workers):
            self.add_worker()
        wait_for("api-svc", lambda: listens(self.port))
        return self

    def add_worker(self, **settings):
        worker = Process(f"kube-worker-{len(self.workers)}", [str(BIN / "kube-worker")],
                         {**self.env, **self.login("kube-worker"), **settings}, str(self.folder)).start()
        self.workers.append(worker)
        worker.wait_log('"ready"')
        return worker.wait_log("connected to NATS")

    @property
    def worker(self):
        return self.workers[0]

    def stop(self):
        for process in (self.svc, *self.workers):
            process.stop(expect=None)
            assert "Sanitizer" not in process.log() and "runtime error" not in process.log(), process.log()[-8000:]
        self.nats.kill()

    def get(self, query, **options):
        return Stream(self, query, **options)

    def sent_bytes(self, name):
        """What nats-server has got from the clients of that name."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor_port}/connz", timeout=10) as answer:
            return sum(c["in_bytes"] for c in json.load(answer)["connections"] if c.get("name") == name)

    def ended(self, worker=None):
        """The log lines of the streams that are over on a worker."""
        written = (worker or self.worker).log().rpartition("\n")[0]  # the last line may be incomplete
        lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("operation") == "test_stream"]

    def wait_ended(self, count=1, timeout=3.0, worker=None):
        wait_for(f"{count} streams are over", lambda: len(self.ended(worker)) >= count, timeout * SLOW, 0.01)
        return self.ended(worker)


class Stream:
    """A request with a streamed response: headers are read immediately, the body on demand."""

    def __init__(self, stage, query, version="1.1", headers="", rcvbuf=None, expect=200, early=b"", path="/test/stream"):
        self.socket = socket.socket()
        if rcvbuf:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.socket.settimeout(10 * SLOW)
        self.socket.connect(("127.0.0.1", stage.port))
        if stage.scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.socket.sendall(f"GET {path}?{query} HTTP/{version}\r\nHost: x\r\n{headers}\r\n".encode() + early)
        self.buffer = b""
        self.complete = False
        head = self.until(b"\r\n\r\n").decode()
        self.status = int(head.split(" ", 2)[1])
        self.headers = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head.split("\r\n")[1:] if ": " in line}
        self.chunked = self.headers.get("transfer-encoding") == "chunked"
        assert expect is None or self.status == expect, head

    def more(self):
        """More bytes into the buffer; False at the end of the connection."""
        try:
            data = self.socket.recv(1 << 18)
        except (ConnectionError, ssl.SSLError):
            data = b""
        self.buffer += data
        return bool(data)

    def until(self, end):
        while end not in self.buffer:
            assert self.more(), f"the connection ended after {self.buffer!r}"
        part, self.buffer = self.buffer.split(end, 1)
        return part

    def exactly(self, count):
        while len(self.buffer) < count:
            assert self.more(), f"the connection ended before {count} bytes"
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def body(self):
        """The parts of the body as received; `complete`: whether its end was received."""
        while self.chunked:
            while b"\r\n" not in self.buffer:
                if not self.more():
                    return
            line, self.buffer = self.buffer.split(b"\r\n", 1)
            size = int(line, 16)
            while len(self.buffer) < size + 2:
                if not self.more():
                    return
            part, self.buffer = self.buffer[:size], self.buffer[size + 2:]
            if not size:
                self.complete = True
                return
            yield part
        while self.buffer or self.more():
            part, self.buffer = self.buffer, b""
            yield part
        self.complete = True  # as far as can be seen

    def read_pattern(self):
        """Read it all, compare it with what op_test_stream.c sends, and return how many bytes there were."""
        at = 0
        for part in self.body():
            while part:
                place = at % len(PATTERN)
                piece, part = part[:len(PATTERN) - place], part[len(PATTERN) - place:]
                assert PATTERN.startswith(piece, place), f"other bytes at {at}"
                at += len(piece)
        return at

    def wait_end(self):
        """Read to the end of the connection; returns how long that took."""
        begun = time.monotonic()
        for _ in self.body():
            pass
        return time.monotonic() - begun

    def close(self):
        self.socket.close()
