"""A NATS client that sends arbitrary messages, valid or invalid; used on the thread of the test."""

import json
import select
import socket
import time

VERSION = {"Sp-Protocol": "1"}


class Message:
    def __init__(self, subject, reply, headers, data):
        self.subject, self.reply, self.headers, self.data = subject, reply, headers, data

    @property
    def status(self):
        return self.headers.get("Sp-Status")


class RawNats:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.buffer = b""
        self.sids = 0
        self.line()
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nPING\r\n')
        assert self.line() == b"PONG"

    def fill(self, timeout):
        poll = select.poll()  # descriptors may be beyond what select() takes
        poll.register(self.socket, select.POLLIN)
        if not poll.poll(max(0, timeout) * 1000):
            return False
        data = self.socket.recv(1 << 18)
        assert data, "nats-server has closed the connection"
        self.buffer += data
        return True

    def line(self):
        while b"\r\n" not in self.buffer:
            assert self.fill(10), "nats-server is silent"
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def subscribe(self, subject, queue=""):
        self.sids += 1
        self.socket.sendall(f"SUB {subject} {queue} {self.sids}\r\nPING\r\n".encode())
        assert self.line() == b"PONG"

    def publish(self, subject, headers=None, data=b"", reply=""):
        block = b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in (headers or {}).items()) + b"\r\n"
        self.socket.sendall(f"HPUB {subject} {reply} {len(block)} {len(block) + len(data)}\r\n".encode() + block +
                            data + b"\r\n")

    def next(self, timeout=5.0):
        """The next message; None: timeout."""
        end = time.monotonic() + timeout
        while True:
            while b"\r\n" not in self.buffer:
                if not self.fill(end - time.monotonic()):
                    return None
            line = self.line()
            words = line.decode().split(" ")
            if words[0] == "PING":
                self.socket.sendall(b"PONG\r\n")
            elif words[0] in ("MSG", "HMSG"):
                return self.message(words)
            else:
                assert not line.startswith(b"-ERR"), line

    def message(self, words):
        numbers = 2 if words[0] == "HMSG" else 1
        head, total = (int(words[-2]), int(words[-1])) if numbers == 2 else (0, int(words[-1]))
        reply = words[3] if len(words) == 4 + numbers else ""
        while len(self.buffer) < total + 2:
            assert self.fill(10), "a message that is cut"
        block, data, self.buffer = self.buffer[:head], self.buffer[head:total], self.buffer[total + 2:]
        headers = dict(line.split(": ", 1) for line in block.decode().split("\r\n")[1:] if ": " in line)
        return Message(words[1], reply, headers, data)

    def wait(self, wanted, timeout=5.0):
        """The next message with that status, others are skipped; None: timeout."""
        end = time.monotonic() + timeout
        while True:
            message = self.next(end - time.monotonic())
            if message is None or message.status == wanted:
                return message


def frame(status, offset=0, credit=65536):
    return {"Sp-Status": status, "Sp-Offset": str(offset), "Sp-Credit": str(credit)}


class FakeWorker:
    """Acts as a worker: opens streams as configured."""

    def __init__(self, port):
        self.nats = RawNats(port)
        self.nats.subscribe("k8s-container-sp.provider.op.test_stream", "kube-worker")
        self.subject = "_INBOX.fake.worker"
        self.nats.subscribe(self.subject)

    def take(self):
        request = self.nats.next()
        assert request.subject.endswith(".op.test_stream"), request.subject
        return request

    def begin(self, request, begin=b'{"content_type":"text/plain"}', subject=None, status="STREAM"):
        headers = {**VERSION, "Sp-Status": status}
        if subject != "":
            headers["Sp-Stream"] = subject or self.subject
        self.nats.publish(request.reply, headers, begin)

    def peer(self):
        """The inbox of the caller, from its first frame."""
        return self.nats.wait("END").reply


class FakeCaller:
    """Acts as an api-svc: requests a stream from a worker."""

    def __init__(self, port):
        self.nats = RawNats(port)
        self.subject = "_INBOX.fake.caller.1"
        self.nats.subscribe("_INBOX.fake.caller.*")

    def ask(self, **members):
        headers = {**VERSION, "Sp-Deadline": str(int(time.time() * 1000) + 20000), "Sp-Request-Id": "fake"}
        self.nats.publish("k8s-container-sp.provider.op.test_stream", headers, json.dumps(members).encode(),
                          "_INBOX.fake.caller.0")
        reply = self.nats.wait("STREAM")
        return reply.headers["Sp-Stream"]

    def stats(self):
        """The statistics of the worker about its streams."""
        self.nats.publish("$SRV.STATS.kube-worker", {}, b"", "_INBOX.fake.caller.2")
        message = self.nats.next()
        while message.subject != "_INBOX.fake.caller.2":
            message = self.nats.next()
        endpoints = json.loads(message.data)["endpoints"]
        return next(e["data"] for e in endpoints if e["name"] == "test_stream")
