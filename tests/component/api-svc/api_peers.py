"""Peers of api-svc for its component tests: a fake worker, and the real process. Everything listens on free ports of 127.0.0.1 and is stopped by pid."""

import heapq
import http.client
import itertools
import json
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import time

from nats_peers import Subscriber
from processes import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]

BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
# Generous limits for sanitizers and busy machines; the tests only detect hangs.
PATIENCE = float(os.environ.get("TEST_PATIENCE", "10"))
SLOW = max(1.0, PATIENCE / 10)  # tolerance for time limits


def is_sanitized():
    """Sanitizers retain freed memory, so memory is not checked."""
    binary = (BUILD / "bin" / "api-svc").read_bytes()
    return b"__asan_init" in binary or b"__tsan_init" in binary


SPEC = {
    "service_type": "container",
    "metadata": {"name": "web"},
    "image": {"reference": "docker.io/library/nginx:1.27"},
    "resources": {"cpu": {"min": 1, "max": 2}, "memory": {"min": "256MB", "max": "1GB"}},
}
ETAG = "0123456789abcdef0123456789abcdef"  # of every container of the fake worker
CONTAINERS = "/api/v1alpha1/containers"
HEALTH = CONTAINERS + "/health"


class Asked:
    """One request received by a worker."""

    def __init__(self, operation, headers, body, reply_to):
        self.operation = operation
        self.headers = headers
        self.body = json.loads(body)
        self.reply_to = reply_to
        self.attempt = int(headers["Sp-Attempt"])
        self.at = time.monotonic()


class Ok:
    """A successful reply, split into `parts`, sent after `delay` seconds."""

    def __init__(self, body=None, delay=0, parts=1, etag=None):
        self.body = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.delay = delay
        self.parts = parts
        self.status = "OK"
        self.etag = etag


class Fail(Ok):
    def __init__(self, status, detail="told to fail", delay=0, **more):
        super().__init__({"detail": detail, **more}, delay)
        self.status = status


def subject_token(name):
    return "".join(c if c.isalnum() and c.isascii() or c == "-" else "".join(f"_{b:02X}" for b in c.encode())
                   for c in name)


class FakeWorker(Subscriber):
    """Replies with `on[operation](asked)`: Ok, Fail, or None for no reply. Records all requests."""

    def __init__(self, nats, name="provider"):
        self.nats = nats
        self.name = name
        self.asked = []
        self.store = {}
        self.on = {
            "create": self.create, "undo": self.undo, "get": self.get, "list": self.list,
            "delete": self.delete, "health": lambda asked: Ok({"healthy": True}),
        }
        self.lock = threading.Lock()
        self.due = []
        self.counter = itertools.count()
        self.wake = threading.Condition(self.lock)
        self.start()

    def start(self):
        self.alive = True
        super().__init__(self.nats, f"k8s-container-sp.{subject_token(self.name)}.op.*", "kube-worker", echo=False)
        threading.Thread(target=self.run_sender, daemon=True).start()

    def stop(self):
        with self.lock:
            self.alive = False
            self.due.clear()
            self.wake.notify_all()
        super().stop()

    def take(self, subject, reply, headers, body):
        asked = Asked(subject.rsplit(".", 1)[1], headers, body, reply)
        with self.lock:
            self.asked.append(asked)
        answer = self.on[asked.operation](asked)
        if answer:
            with self.wake:
                heapq.heappush(self.due, (time.monotonic() + answer.delay, next(self.counter), asked, answer))
                self.wake.notify()

    def run_sender(self):
        while True:
            with self.wake:
                while self.alive and (not self.due or self.due[0][0] > time.monotonic()):
                    self.wake.wait(self.due[0][0] - time.monotonic() if self.due else None)
                if not self.alive:
                    return
                _, _, asked, answer = heapq.heappop(self.due)
            self.reply(asked.reply_to, answer)

    def reply(self, to, answer):
        count = answer.parts
        size = -(-len(answer.body) // count)
        for i in range(count):
            headers = {"Sp-Status": answer.status} if answer.status is not None else {"Other": "x"}
            if answer.etag is not None:
                headers["Sp-Etag"] = answer.etag
            if count > 1:
                headers["Sp-Part"] = f"{i + 1}/{count}"
            self.publish(to, headers, answer.body[i * size:(i + 1) * size])

    def of(self, operation):
        with self.lock:
            return [a for a in self.asked if a.operation == operation]

    # The state of a fake worker.

    def container(self, ident, spec):
        return {"id": ident, "path": f"containers/{ident}", "uid": f"uid-{ident}", "spec": spec, "status": "PENDING",
                "create_time": "2026-01-02T03:04:05Z", "update_time": "2026-01-02T03:04:05Z"}

    def create(self, asked):
        ident, token = asked.body["id"], asked.body["token"]
        if ident in self.store and self.store[ident][0] != token:
            return Fail("ALREADY_EXISTS", f"container '{ident}' exists already")
        self.store.setdefault(ident, (token, self.container(ident, asked.body["spec"])))
        return Ok(self.store[ident][1], etag=ETAG)

    def undo(self, asked):
        kept = self.store.get(asked.body["id"])
        if kept and kept[0] == asked.body["token"]:
            del self.store[asked.body["id"]]
        return Ok()

    def get(self, asked):
        kept = self.store.get(asked.body["id"])
        return Ok(kept[1], etag=ETAG) if kept else Fail("NOT_FOUND", f"container '{asked.body['id']}' does not exist")

    def list(self, asked):
        return Ok({"containers": [c for _, c in sorted(self.store.values(), key=lambda k: k[1]["id"])],
                   "next_page_token": ""})

    def delete(self, asked):
        if not self.store.pop(asked.body["id"], None) and not asked.body["absent_ok"]:
            return Fail("NOT_FOUND", "does not exist")
        return Ok()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Api:
    """The real process."""

    def __init__(self, nats, tmp_path, name="provider", **environment):
        self.log_path = tmp_path / f"api-{time.monotonic_ns()}.log"
        self.context = None  # for HTTPS
        env = {k: v for k, v in os.environ.items() if not k.startswith("SP_")}
        env |= {"SP_NAME": name, "SP_NATS_URL": nats.url if nats else "nats://127.0.0.1:1",
                "SP_SERVER_ADDRESS": "127.0.0.1:0", "SP_LOG_LEVEL": "debug", **environment}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([BUILD / "bin" / "api-svc"], env=env, cwd="/", stderr=log, stdout=log)
        line = wait_for("api-svc", lambda: self.find_log("listening") or self.process.poll() is not None and "ended")
        assert line != "ended", self.log_path.read_text()
        self.port = int(line["address"].rsplit(":", 1)[1])

    def logs(self):
        lines = []
        for line in self.log_path.read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"msg": line})
        return lines

    def find_log(self, msg, **fields):
        for line in self.logs():
            if line.get("msg") == msg and all(line.get(k) == v for k, v in fields.items()):
                return line
        return None

    def connection(self, timeout):
        if self.context:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=None):
        connection = self.connection(timeout or PATIENCE * 4)
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            r = connection.getresponse()
            return Answer(r.status, r.headers, r.read())
        finally:
            connection.close()

    def create(self, ident=None, spec=None, headers=None, **more):
        path = CONTAINERS + (f"?id={ident}" if ident else "")
        return self.request("POST", path, {"spec": {**SPEC, **(spec or {})}}, headers, **more)

    def connect_plain(self):
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE * 4)
        s.settimeout(PATIENCE * 4)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as curl, Go and http.client do
        return s

    def connect(self):
        s = self.connect_plain()
        return self.context.wrap_socket(s, server_hostname="127.0.0.1") if self.context else s

    def raw(self, data, until_closed=True):
        """Send bytes; return everything received until the server closes."""
        with self.connect() as s:
            got = b""
            try:
                s.sendall(data)
                while part := s.recv(65536):
                    got += part
                    if not until_closed and b"\r\n\r\n" in got:
                        break
            except (ConnectionResetError, ssl.SSLEOFError):  # it has closed before it read all
                pass
            return got

    def healthy(self):
        return self.request("GET", HEALTH).json()["status"] == "healthy"

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def terminate(self, timeout=None):
        self.process.terminate()
        return self.process.wait(timeout or PATIENCE * 3)
