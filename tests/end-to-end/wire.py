"""A raw NATS client: the messages of the `nats` tool, and a consumer of status events like that of DCM."""

import json
import select
import socket
import threading
import time


class Nats:
    """One connection with one inbox; `login`: {"user": ..., "pass": ...}."""

    def __init__(self, port, login=None, host="127.0.0.1"):
        self.s = socket.create_connection((host, port), timeout=5)
        self.buffer = b""
        options = {"verbose": False, "headers": True, "no_responders": True, **(login or {})}
        self.s.sendall(f"CONNECT {json.dumps(options)}\r\n".encode())
        self.inbox = f"_INBOX.{id(self)}.{time.monotonic_ns()}"
        self.s.sendall(f"SUB {self.inbox} 2\r\n".encode())

    def close(self):
        self.s.close()

    def publish(self, subject, body=b"", reply=""):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.s.sendall(f"PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")

    def subscribe(self, subject):
        self.s.sendall(f"SUB {subject} 3\r\n".encode())

    def ask(self, subject, headers=b"", seconds=1.0, body=b"", one=False):
        """All replies within a timeout (one: the first), as (headers, body)."""
        reply = self.inbox.encode()
        self.s.sendall(b"HPUB %s %s %d %d\r\n%s%s\r\n" % (subject.encode(), reply, len(headers),
                                                          len(headers) + len(body), headers, body)
                       if headers else b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), reply, len(body), body))
        replies, end = [], time.monotonic() + seconds
        while not (one and replies):
            message = self.next(end - time.monotonic())
            if not message:
                break
            replies.append((message[2], message[3]))
        return replies

    def next(self, seconds):
        """The next message as (subject, reply, headers, body); None: timeout."""
        end = time.monotonic() + seconds
        while True:
            line = self._line(max(0.0, end - time.monotonic()))
            if line is None:
                return None
            if line[0] not in (b"MSG", b"HMSG"):
                continue
            data = self._take(int(line[-1]) + 2)[:-2]
            head = int(line[-2]) if line[0] == b"HMSG" else 0
            sizes = 2 if line[0] == b"HMSG" else 1
            reply = line[3].decode() if len(line) == 4 + sizes else ""
            return line[1].decode(), reply, data[:head].decode(), data[head:].decode()

    def complaints(self, command):
        """The error reported by the server for a command."""
        self.s.sendall(command + b"\r\nPING\r\n")
        lines = []
        while (line := self._line(5.0)) != [b"PONG"]:
            assert line is not None, "the server does not answer"
            lines += [b" ".join(line).decode()] if line[0] == b"-ERR" else []
        return lines

    def _line(self, seconds):
        """The next protocol line; replies to PING. None: timeout."""
        end = time.monotonic() + seconds
        while True:
            while b"\r\n" in self.buffer:
                line, _, self.buffer = self.buffer.partition(b"\r\n")
                if line == b"PING":
                    self.s.sendall(b"PONG\r\n")
                elif line:
                    return line.split()
            if not select.select([self.s], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            self._receive()

    def _receive(self):
        data = self.s.recv(1 << 20)
        if not data:
            raise ConnectionError("NATS has closed the connection")
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def jetstream(self, call, body=None, seconds=5.0):
        """A call of the JetStream API; returns its reply."""
        replies = self.ask(f"$JS.API.{call}", seconds=seconds, body=json.dumps(body).encode() if body else b"",
                           one=True)
        if not replies or not replies[0][1]:
            raise ConnectionError(f"{call}: no JetStream: {replies}")
        return json.loads(replies[0][1])


class Dcm:
    """
    Consumes status events as DCM's control plane does: stream `dcm-status` on `dcm.*`, a durable consumer with explicit
    acknowledgements, structured CloudEvents, the last write wins. Continues when NATS is killed.
    """

    STREAM = "dcm-status"

    def __init__(self, port, stream=True, login=None, host="127.0.0.1", replicas=1):
        self.port, self.stream, self.login, self.host, self.replicas = port, stream, login, host, replicas
        self.events = []  # (id, status, message, timestamp), in the order of the stream
        self.raw = []     # (headers, CloudEvent)
        self.bad = []
        self.stopping = False
        self.seen = set()  # ids of events: after kill -9 a server may count from a lower sequence again
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(30), "the consumer could not start"

    def stop(self):
        self.stopping = True
        self.thread.join(10)

    def of(self, container_id):
        """The statuses of one container, in order."""
        return [e[1] for e in list(self.events) if e[0] == container_id]

    def messages(self, container_id):
        return [e[2] for e in list(self.events) if e[0] == container_id]

    def last(self):
        """The last status of each container."""
        return {e[0]: e[1] for e in list(self.events)}

    def _run(self):
        while not self.stopping:
            try:
                nats = Nats(self.port, self.login, self.host)
                try:
                    self._consume(nats) if self.stream else self._listen(nats)
                finally:
                    nats.close()
            except (OSError, ValueError):
                time.sleep(0.1)

    def _listen(self, nats):
        nats.subscribe("dcm.container")
        nats.publish("warm.up")
        self.ready.set()
        while not self.stopping:
            message = nats.next(0.2)
            if message:
                self._take(message[2], message[3])

    def _consume(self, nats):
        nats.jetstream(f"STREAM.CREATE.{self.STREAM}", {"name": self.STREAM, "subjects": ["dcm.*"], "storage": "file",
                                                          "num_replicas": self.replicas})
        made = nats.jetstream(f"CONSUMER.DURABLE.CREATE.{self.STREAM}.control", {"stream_name": self.STREAM, "config": {
            "durable_name": "control", "ack_policy": "explicit", "ack_wait": 2_000_000_000, "deliver_policy": "all",
            "max_ack_pending": 10000}})
        if "error" in made:
            raise ConnectionError(made["error"])
        self.ready.set()
        while not self.stopping:
            nats.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self.STREAM}.control",
                         {"batch": 256, "expires": 500_000_000}, nats.inbox)
            end = time.monotonic() + 1
            while time.monotonic() < end:
                message = nats.next(end - time.monotonic())
                if message is None or message[2].startswith("NATS/1.0 4"):
                    break
                if message[1].startswith("$JS.ACK"):
                    self._take(message[2], message[3])
                    nats.publish(message[1], b"+ACK")

    def _take(self, headers, body):
        try:
            event = json.loads(body)
            data = event["data"]
            assert data["timestamp"] and event["id"] and event["specversion"] == "1.0"
        except (ValueError, KeyError, AssertionError):
            self.bad.append((headers, body))
            return
        if event["id"] in self.seen:
            return  # delivered again: its acknowledgement was lost with NATS
        self.seen.add(event["id"])
        self.raw.append((headers, event))
        self.events.append((data["id"], data["status"], data["message"], data["timestamp"]))
