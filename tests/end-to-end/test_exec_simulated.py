"""Commands whose connection to Kubernetes breaks, or ends while stdin is still being sent."""

import base64
import hashlib
import json
import re
import signal
import socket
import struct
import threading
import time

import pytest
import yaml

from exec_client import BINARY, CLOSING, STATUS, STDIN, STDOUT, exit_code
from kube_peers import TunnelProxy
from listener import Listener
from test_exec import post, run, web  # noqa: F401  (run is a fixture)

SUCCESS = json.dumps({"metadata": {}, "status": "Success"}).encode()


def frame(opcode, payload):
    """Of a server, up to 125 bytes."""
    return bytes([0x80 | opcode, len(payload)]) + payload


class ExecServer(Listener):
    """An API server in front of kubesim, which handles commands itself: `end` is called with their open connections."""

    def __init__(self, port, accepts=True):
        self.kubesim, self.accepts, self.started, self.end = port, accepts, 0, lambda connection: None
        super().__init__(self._serve_one)

    def _serve_one(self, client):
        head = b""
        while b"\r\n\r\n" not in head and (block := client.recv(65536)):
            head += block
        if b"/exec?" not in head.split(b"\r\n")[0]:
            server = socket.create_connection(("127.0.0.1", self.kubesim))
            server.sendall(head)
            self.start(TunnelProxy._copy, client, server)
            TunnelProxy._copy(server, client)
            return
        self.started += 1
        if self.accepts:
            key, protocol = (re.search(rb"\r\n" + name + rb": (\S+)", head)[1].decode() for name in
                             (b"Sec-WebSocket-Key", b"Sec-WebSocket-Protocol"))
            accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            client.sendall(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept +
                           f"\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n".encode())
        self.end(client)
        client.close()


@pytest.fixture
def lost(own_stack, target, tmp_path):
    """A pipeline with one worker, whose commands are handled by the returned server; call with its settings."""
    servers = []

    def make(**kwargs):
        with open(target.kubeconfig) as f:
            config = yaml.safe_load(f)
        cluster = config["clusters"][0]["cluster"]
        servers.append(ExecServer(int(cluster["server"].rsplit(":", 1)[1]), **kwargs))
        cluster["server"] = f"http://127.0.0.1:{servers[-1].port}"
        (tmp_path / "kubeconfig").write_text(yaml.dump(config))
        stack = own_stack(0)
        stack.add_worker(SP_K8S_KUBECONFIG=str(tmp_path / "kubeconfig"))
        web(stack)
        return stack, servers[-1]
    yield make
    for server in servers:
        server.close()


ENDS = {
    "a close": lambda c: None,
    "a close frame": lambda c: c.sendall(frame(CLOSING, b"\x03\xe8")),
    "an invalid frame": lambda c: c.sendall(b"\xff\xff\xff"),
    "an invalid Status": lambda c: c.sendall(frame(BINARY, b"\x03x") + frame(CLOSING, b"\x03\xe8")),
    "a Status without an exit code": lambda c: c.sendall(
        frame(BINARY, b'\x03{"status":"Failure","message":"error reading from error stream"}') + frame(CLOSING, b"\x03\xe8")),
}


@pytest.mark.parametrize("end", ENDS)
def test_exec_run_of_a_lost_command_is_504_without_retry_after(lost, end):
    stack, server = lost()
    server.end = ENDS[end]
    answer = post(stack, "web", command=["x"])
    answer.problem(504, "UNAVAILABLE")
    assert "retry-after" not in answer.headers and server.started == 1


def test_exec_run_lost_before_the_handshake_is_504_without_retry_after(lost):
    """It may have been started."""
    stack, server = lost(accepts=False)
    answer = post(stack, "web", command=["x"])
    answer.problem(504, "UNAVAILABLE")
    assert "retry-after" not in answer.headers and server.started == 1


def test_exec_run_of_a_half_closed_client_has_no_retry_after(lost):
    stack, server = lost()
    server.end = lambda connection: connection.recv(1)
    body = b'{"command":["x"]}'
    with socket.create_connection(("127.0.0.1", stack.api_port), timeout=10) as s:
        s.sendall(b"POST /api/v1alpha1/containers/web:exec HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
        while not server.started:
            time.sleep(0.01)
        s.shutdown(socket.SHUT_WR)
        answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 504") and b"Retry-After" not in answer, answer


def test_exec_of_a_lost_command_returns_its_output_and_a_failure(lost, run):
    stack, server = lost()
    server.end = lambda c: c.sendall(frame(BINARY, b"\x01half"))
    out, _, status, code = run("web", stack=stack, stdin="false").result()
    assert out == b"half" and code == 1011
    assert status["status"] == "Failure" and "was lost before it exited" in status["message"], status


def test_exec_returns_the_result_if_the_command_exits_while_stdin_is_sent(lost, run):
    """The server closes with unread stdin: its RST arrives together with the output and the Status."""
    stack, server = lost()
    full = threading.Event()

    def end(connection):
        full.wait(30)
        connection.sendall(frame(BINARY, bytes([STDOUT]) + b"out") + frame(BINARY, bytes([STATUS]) + SUCCESS) +
                           frame(CLOSING, b"\x03\xe8"))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        full.clear()
    server.end = end
    client = run("web", stack=stack, timeout=1)
    with pytest.raises(TimeoutError):
        while True:  # until the worker waits for the server to read
            client.send(STDIN, bytes(30000))
    stack.workers[0].suspend()
    full.set()
    while full.is_set():
        time.sleep(0.01)
    stack.workers[0].popen.send_signal(signal.SIGCONT)
    client.s.settimeout(20)
    out, _, status, code = client.result()
    assert (out, status and exit_code(status), code) == (b"out", 0, 1000), (out, status, code)


def test_exec_with_a_reset_connection_and_a_client_that_does_not_read_uses_no_cpu(lost, run):
    stack, server = lost()
    reset = threading.Event()

    def end(connection):
        connection.settimeout(1)
        data = bytes([STDOUT]) + bytes(60000)
        try:
            while True:
                connection.sendall(struct.pack(">BBH", 0x80 | BINARY, 126, len(data)) + data)
        except TimeoutError:
            pass
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        reset.set()
    server.end = end
    run("web", stack=stack, stdin="false")
    assert reset.wait(30)
    before = stack.workers[0].cpu_s()
    time.sleep(2)
    assert stack.workers[0].cpu_s() - before < 0.5
