"""A client of exec, frame by frame: a WebSocket with Kubernetes' subprotocols (RFC 6455, KEP-4006)."""

import base64
import json
import os
import socket
import struct
import urllib.parse

from api import BASE

STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
CONTINUATION, TEXT, BINARY, CLOSING, PING, PONG = 0, 1, 2, 8, 9, 10
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
KEY = base64.b64encode(bytes(range(16))).decode()
HEADERS = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY,
           "Sec-WebSocket-Protocol": V5}


def path(container_id, command, **query):
    pairs = [("command", word) for word in command] + list(query.items())
    return f"{BASE}/{container_id}/exec?" + urllib.parse.urlencode(pairs)


class Exec:
    """`status` and `headers` of the answer; after a 101 the frames. Headers of value None are left out."""

    path = staticmethod(path)

    closing = False  # a close frame was sent

    @staticmethod
    def connect(stack, timeout):
        s = socket.create_connection(("127.0.0.1", stack.api_port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def __init__(self, stack, container_id, command=(), headers=None, early=b"", timeout=20.0, method="GET", **query):
        target = self.path(container_id, command, **{"stdout": "true", "stderr": "true", **query})
        self.s = self.connect(stack, timeout)
        host = {"Host": f"127.0.0.1:{self.s.getpeername()[1]}"}
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{k}: {v}" for k, v in {**host, **HEADERS, **(headers or {})}.items() if v is not None]
        self.s.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + early)
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            block = self.s.recv(65536)
            assert block, f"no answer: {self.data!r}"
            self.data += block
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        self.problem = None
        if self.status != 101:
            self.problem = json.loads(self.take(int(self.headers["content-length"])))

    def take(self, count):
        """This many bytes; None: the connection was closed earlier."""
        while len(self.data) < count:
            block = self.s.recv(max(65536, count - len(self.data)))
            if not block:
                return None
            self.data += block
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def send_frame(self, opcode, payload, fin=True, mask=True, rsv=0):
        self.closing = self.closing or opcode == CLOSING
        head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
        size, bit = len(payload), 0x80 if mask else 0
        if size < 126:
            head += bytes([bit | size])
        elif size < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", size)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", size)
        if mask:
            key = os.urandom(4)
            whole = int.from_bytes(payload, "big") ^ int.from_bytes((key * (size // 4 + 1))[:size], "big")
            payload = key + whole.to_bytes(size, "big")
        self.s.sendall(head + payload)

    def send(self, channel, data):
        self.send_frame(BINARY, bytes([channel]) + data)

    def end_input(self):
        self.send(CLOSE, bytes([STDIN]))

    def frame(self):
        """(opcode, payload); None: the connection was closed."""
        head = self.take(2)
        if head is None:
            return None
        assert head[1] < 0x80, "a server's frame is not masked"
        size = head[1]
        if size == 126:
            size = struct.unpack(">H", self.take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.take(8))[0]
        return head[0] & 15, self.take(size)

    def message(self):
        """(channel, data) of the next message; a close frame is (None, its payload), the end None."""
        while True:
            got = self.frame()
            if got is None:
                return None
            if got[0] == CLOSING:
                return None, got[1]
            if got[0] in (TEXT, BINARY) and got[1]:
                return got[1][0], got[1][1:]

    def until(self, text, channel=STDOUT):
        """Read until the text was received on the channel."""
        said = b""
        while text not in said:
            got = self.message()
            assert got and got[0] is not None, f"ended: {got}, after {said!r}"
            if got[0] == channel:
                said += got[1]
        return said

    def result(self):
        """Read to the end: stdout, stderr, the Status (None: there was none), and the close code (None: no close frame)."""
        said, status, code = {STDOUT: bytearray(), STDERR: bytearray()}, None, None
        while True:
            got = self.message()
            if got is None:
                break
            if got[0] is None:
                code = struct.unpack(">H", got[1][:2])[0] if got[1] else 1005
                self.reason = got[1][2:].decode()
                if not self.closing:
                    self.send_frame(CLOSING, got[1])
                break
            if got[0] == STATUS:
                status = json.loads(got[1])
            else:
                said[got[0]] += got[1]
        return bytes(said[STDOUT]), bytes(said[STDERR]), status, code

    def close(self):
        self.s.close()


def exit_code(status):
    """The exit code in a Status; None: it could not be run."""
    if status["status"] == "Success":
        return 0
    if status.get("reason") != "NonZeroExitCode":
        return None
    return int(next(c["message"] for c in status["details"]["causes"] if c["reason"] == "ExitCode"))
