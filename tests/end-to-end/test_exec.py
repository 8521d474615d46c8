"""Commands in containers, over WebSockets and by POST. The command is `cat`, which the simulator supports."""

import hashlib
import json
import random
import signal
import socket
import threading
import time

import pytest

from api import BASE, spec
from container_logs import pod_of
from exec_client import (BINARY, CLOSING, CONTINUATION, KEY, PING, PONG, RESIZE, STDIN, STDOUT, TEXT, V4, Exec, exit_code)
from processes import wait_for


@pytest.fixture
def run(stack):
    """A client that runs a command; closed at the end."""
    clients = []

    def make(container_id, command=("cat",), **kwargs):
        clients.append(Exec(kwargs.pop("stack", stack), container_id, command, **{"stdin": "true", **kwargs}))
        return clients[-1]
    yield make
    for client in clients:
        client.close()


def web(stack, container_id="web", **changes):
    answer = stack.api.create(spec(**changes), container_id)
    assert answer.status == 201, answer.text
    return pod_of(stack, container_id)


def post(stack, container_id, headers=None, **body):
    return stack.api.call("POST", f"{BASE}/{container_id}:exec", body, headers)


# ---- normal operation ------------------------------------------------------------------------------------------------

def test_exec_forwards_stdin_and_output(stack, run):
    web(stack)
    client = run("web")
    assert client.status == 101 and client.headers["sec-websocket-protocol"] == "v5.channel.k8s.io"
    assert client.headers["sec-websocket-accept"] == "Bz3qJYTGdOe8gUSpLosEdiLKDrk="
    client.send(STDIN, b"hello\n")
    assert client.until(b"\n") == b"hello\n"
    client.send(STDIN, bytes(range(256)))
    client.until(bytes([255]))
    client.end_input()
    out, _, status, code = client.result()
    assert out == b"" and exit_code(status) == 0 and code == 1000


def test_exec_supports_v4(stack, run):
    web(stack)
    client = run("web", headers={"Sec-WebSocket-Protocol": f"channel.k8s.io, {V4}"})
    assert client.headers["sec-websocket-protocol"] == V4
    client.send(STDIN, b"hello")
    assert client.until(b"hello") == b"hello"


def test_exec_forwards_large_data_in_both_directions(stack, run):
    web(stack)
    client = run("web", timeout=60)
    data = random.Random(1).randbytes(8 << 20)

    def send():
        for at in range(0, len(data), 30000):
            client.send(STDIN, data[at:at + 30000])
        client.end_input()
    thread = threading.Thread(target=send)
    thread.start()
    out, _, status, _ = client.result()
    thread.join()
    assert len(out) == len(data) and hashlib.sha256(out).digest() == hashlib.sha256(data).digest()
    assert exit_code(status) == 0


def test_exec_accepts_all_forms_of_websocket_messages(stack, run):
    web(stack)
    client = run("web")
    client.send_frame(TEXT, b"\0as text\n")
    assert client.until(b"\n") == b"as text\n"
    client.send_frame(BINARY, b"", fin=False)
    client.send_frame(CONTINUATION, b"\0in ", fin=False)
    client.send_frame(PING, b"are you there?")
    client.send_frame(CONTINUATION, b"pieces\n", fin=True)
    said, pong = b"", None
    while b"pieces\n" not in said or pong is None:
        opcode, payload = client.frame()
        if opcode == PONG:
            pong = payload
        elif payload[0] == STDOUT:
            said += payload[1:]
    assert said == b"in pieces\n" and pong == b"are you there?"
    client.send_frame(BINARY, b"")
    client.send(STDIN, bytes(200000) + b"one large frame\n")
    assert client.until(b"frame\n").count(0) == 200000
    client.send(RESIZE, b'{"Width":132,"Height":43}')
    client.send_frame(CLOSING, b"\x03\xe8")
    assert client.message() == (None, b"\x03\xe8") and client.message() is None


def test_exec_processes_frames_sent_with_the_request(stack, run):
    web(stack)
    early = Exec.__new__(Exec)
    early.s = type("", (), {"sendall": lambda _, data: setattr(early, "wrote", data)})()
    early.send(STDIN, b"early\n")
    client = run("web", early=early.wrote)
    assert client.until(b"\n") == b"early\n"


def test_exec_runs_many_concurrently(stack, run):
    web(stack)
    clients = [run("web") for _ in range(40)]
    for n, client in enumerate(clients):
        client.send(STDIN, f"{n}\n".encode())
    for n, client in enumerate(clients):
        assert client.until(b"\n") == f"{n}\n".encode()
    for client in clients:
        client.end_input()
    assert all(exit_code(client.result()[2]) == 0 for client in clients)


def test_exec_selects_replica_and_container(stack, run):
    web(stack, provider_hints={"kubernetes": {"replicas": 2}})
    second = pod_of(stack, "web", 1)
    assert run("web", replica=second, container="web").status == 101
    problem = run("web", container="side").problem
    assert problem["status"] == 400 and problem["errors"][0]["pointer"] == "/query/container", problem
    assert "existing: 'web'" in problem["detail"], problem
    problem = run("web", replica="absent").problem
    assert problem["status"] == 400 and problem["errors"][0]["pointer"] == "/query/replica", problem
    assert second in problem["detail"], problem
    problem = post(stack, "web", command=["cat"], container="side").problem(400, "INVALID_ARGUMENT")
    assert problem["errors"][0]["pointer"] == "/container", problem


def test_exec_run_returns_the_output(stack):
    web(stack)
    answer = post(stack, "web", command=["cat"], stdin="hello\n")
    assert answer.status == 200, answer.text
    assert answer.json["exit_code"] == 0 and answer.json["stdout"] == "hello\n" and not answer.json["truncated"]
    assert "stdout_base64" not in answer.json


def test_exec_run_accepts_all_members(stack):
    web(stack)
    text = "x" * (512 << 10)
    answer = post(stack, "web", command=["cat"], stdin=text)
    assert answer.status == 200 and answer.json["stdout"] == text and not answer.json["truncated"], answer.text[:300]
    problem = post(stack, "web", command=["cat"], stdin=text + "x").problem(400, "INVALID_ARGUMENT")
    assert problem["errors"][0]["pointer"] == "/stdin", problem


# ---- access ------------------------------------------------------------------------------------------------------------

def test_exec_is_disabled_by_default(own_stack):
    stack = own_stack(SP_EXEC="false")
    web(stack)
    client = Exec(stack, "web", ["cat"])
    assert client.status == 403 and client.problem["type"] == "PERMISSION_DENIED"
    assert "SP_EXEC" in client.problem["detail"], client.problem
    assert "SP_EXEC" in post(stack, "web", command=["cat"]).problem(403, "PERMISSION_DENIED")["detail"]


def test_exec_requires_a_token_with_the_exec_right(own_stack, tmp_path):
    tokens = {"runner": "exec", "reader-runner": "read-only exec", "admin": "", "reader": "read-only"}
    (tmp_path / "tokens").write_text("".join(f"{name} token-of-{name}-0123 {marks}\n" for name, marks in tokens.items()))
    stack = own_stack(SP_SERVER_TOKENS_FILE=str(tmp_path / "tokens"))

    def login(name):
        return {"Authorization": f"Bearer token-of-{name}-0123"}
    assert stack.api.create(spec(), "web", login("runner")).status == 201
    pod_of(stack, "web")
    for name, marks in tokens.items():
        client = Exec(stack, "web", ["cat", "secret-argument"], headers=login(name))
        expected = 101 if "exec" in marks else 403
        assert client.status == expected, (name, client.problem)
        client.close()
        answer = post(stack, "web", login(name), command=["cat"], stdin="secret-input")
        assert answer.status == (200 if "exec" in marks else 403), (name, answer.text)
    assert Exec(stack, "web", ["cat"]).status == 401
    assert stack.api.create(spec(), "other", login("reader-runner")).status == 403
    uses = [json.loads(line) for line in stack.api_svc.log().splitlines() if "a command in a container" in line]
    assert [(use["client"], use["id"], use["program"]) for use in uses] == [
        ("runner", "web", "cat"), ("runner", "web", "cat"), ("reader-runner", "web", "cat"), ("reader-runner", "web", "cat")]
    assert "secret-" not in stack.api_svc.log() + "".join(w.log() for w in stack.workers)


def test_exec_logs_the_first_word_of_a_command_only(own_stack):
    """Also if the words are not separate: such a program does not exist, but its arguments may be secret."""
    stack = own_stack()
    web(stack)
    for command in (["cat secret-argument"], ["cat\tsecret-argument", "secret-argument"], ["cat\nsecret-argument"]):
        post(stack, "web", command=command)
        Exec(stack, "web", command).close()
    uses = [json.loads(line) for line in stack.api_svc.log().splitlines() if "a command in a container" in line]
    assert [use["program"] for use in uses] == ["cat"] * 6
    assert "secret-" not in stack.api_svc.log()


def test_exec_is_denied_to_other_origins(stack, run):
    web(stack)
    assert run("web", headers={"Origin": "https://elsewhere.example"}).problem["status"] == 403
    assert run("web", headers={"Origin": f"http://127.0.0.1:{stack.api_port}"}).status == 101


def test_exec_and_changes_are_denied_after_dns_rebinding(own_stack, run, tmp_path):
    """The name of the page resolves to our address, so that Origin and Host are equal."""
    (tmp_path / "tokens").write_text("runner token-of-runner-0123 exec\n")
    evil = {"Origin": "http://evil.example", "Host": "evil.example"}
    console = {"Origin": "https://console.example", "Host": "api.example"}
    stack = own_stack(SP_SERVER_ORIGINS="https://console.example, https://other.example")
    web(stack)
    assert "SP_SERVER_ORIGINS" in run("web", headers=evil, stack=stack).problem["detail"]
    post(stack, "web", evil, command=["cat"]).problem(403, "PERMISSION_DENIED")
    stack.api.create(spec(), "mine", evil).problem(403, "PERMISSION_DENIED")
    for verb in ("stop", "restart"):  # without a body, browsers send no preflight request
        stack.api.call("POST", f"{BASE}/web:{verb}", headers={"Origin": "http://evil.example"}).problem(
            403, "PERMISSION_DENIED")
    stack.api.delete("web", evil).problem(403, "PERMISSION_DENIED")
    assert run("web", headers=console, stack=stack).status == 101
    assert stack.api.create(spec(), "mine", console).status == 201
    assert stack.api.call("GET", f"{BASE}/web", headers=evil).status == 200
    stack = own_stack(SP_SERVER_TOKENS_FILE=str(tmp_path / "tokens"))
    token = {"Authorization": "Bearer token-of-runner-0123"}
    assert run("web", headers={**evil, **token}, stack=stack).status == 101  # other pages do not have the token
    assert run("web", headers=evil, stack=stack).status == 401


# ---- bad requests ------------------------------------------------------------------------------------------------------

BAD_HANDSHAKES = {
    "no upgrade": ({"Upgrade": None}, "upgrade"),
    "another upgrade": ({"Upgrade": "h2c"}, "upgrade"),
    "no connection": ({"Connection": "keep-alive"}, "upgrade"),
    "no version": ({"Sec-WebSocket-Version": None}, "Sec-WebSocket-Version"),
    "another version": ({"Sec-WebSocket-Version": "8"}, "Sec-WebSocket-Version"),
    "no key": ({"Sec-WebSocket-Key": None}, "Sec-WebSocket-Key"),
    "a short key": ({"Sec-WebSocket-Key": "AAAA"}, "Sec-WebSocket-Key"),
    "a key that is not base64": ({"Sec-WebSocket-Key": "!" * 24}, "Sec-WebSocket-Key"),
    "no subprotocol": ({"Sec-WebSocket-Protocol": None}, "v5.channel.k8s.io"),
    "two keys": ({"Sec-WebSocket-Key": f"{KEY}\r\nSec-WebSocket-Key: {KEY}"}, "Sec-WebSocket-Key"),
    "two versions": ({"Sec-WebSocket-Version": "13\r\nSec-WebSocket-Version: 13"}, "Sec-WebSocket-Version"),
    "another subprotocol": ({"Sec-WebSocket-Protocol": "v3.channel.k8s.io, chat"}, "v5.channel.k8s.io"),
}


def test_exec_accepts_subprotocols_in_several_headers(stack, run):
    web(stack)
    client = run("web", headers={"Connection": "keep-alive\r\nConnection: upgrade", "Upgrade": "h2c\r\nUpgrade: websocket",
                                 "Sec-WebSocket-Protocol": f"chat\r\nSec-WebSocket-Protocol: {V4}"})
    assert client.status == 101 and client.headers["sec-websocket-protocol"] == V4


@pytest.mark.parametrize("name", BAD_HANDSHAKES)
def test_exec_rejects_invalid_handshakes_with_a_reason(stack, run, name):
    headers, word = BAD_HANDSHAKES[name]
    problem = run("web", headers=headers).problem
    assert problem["status"] == 400 and problem["type"] == "INVALID_ARGUMENT" and word in problem["detail"], problem


@pytest.mark.parametrize("command,query,pointer", [
    ((), {}, "/query/command"), (("x",) * 61, {}, "/query/command"),
    (("cat",), {"stdin": "perhaps"}, "/query/stdin"), (("cat",), {"tty": ""}, "/query/tty"),
    (("cat",), {"stdin": "false", "stdout": "false", "stderr": "0"}, "/query"),
    (("cat",), {"container": "x" * 64}, "/query/container"), (("cat",), {"replica": ""}, "/query/replica"),
])
def test_exec_rejects_invalid_queries_with_a_reason(stack, run, command, query, pointer):
    problem = run("web", command, **query).problem
    assert problem["status"] == 400 and problem["errors"][0]["pointer"] == pointer, problem


@pytest.mark.parametrize("body,pointer", [
    ({}, "/command"), ({"command": []}, "/command"), ({"command": "ls"}, "/command"), ({"command": [7]}, "/command/0"),
    ({"command": ["x"], "timeout": "1 week"}, "/timeout"), ({"command": ["x"], "timeout": "0s"}, "/timeout"),
    ({"command": ["x"], "timeout": "1h"}, "/timeout"), ({"command": ["x"], "timeout": 10}, "/timeout"),
    ({"command": ["x"], "stdin": 1}, "/stdin"), ({"command": ["x"], "replica": ""}, "/replica"),
])
def test_exec_run_rejects_invalid_bodies_with_a_reason(stack, body, pointer):
    problem = post(stack, "web", **body).problem(400, "INVALID_ARGUMENT")
    assert problem["errors"][0]["pointer"] == pointer, problem


def test_exec_run_rejects_a_command_too_long_for_kubernetes(stack):
    web(stack)
    problem = post(stack, "web", command=["x" * 30000] * 3).problem(400, "INVALID_ARGUMENT")
    assert problem["errors"][0]["pointer"] == "/command" and "too long" in problem["detail"], problem
    assert post(stack, "web", command=["true", "x" * 10000]).status == 200


def test_exec_of_missing_containers_is_404(stack, run):
    assert run("nothing").problem["type"] == "NOT_FOUND"
    post(stack, "nothing", command=["x"]).problem(404, "NOT_FOUND")


def test_exec_in_a_pending_pod_is_rejected(stack, run):
    stack.api.create(spec(image={"reference": "docker.io/library/nonexistent:1"}), "late")
    wait_for("the reason is known", lambda: "ImagePullBackOff" in (stack.api.get("late").json.get("status_message") or ""),
             30)
    problem = run("late").problem
    assert problem["status"] == 409 and "ImagePullBackOff" in problem["detail"], problem
    assert "ImagePullBackOff" in post(stack, "late", command=["x"]).problem(409, "CONFLICT")["detail"]
    stack.api.create(spec(provider_hints={"kubernetes": {"replicas": 0}}), "none")
    assert wait_for("it has no replica", lambda: run("none").problem)["status"] == 409


# ---- bad frames ----------------------------------------------------------------------------------------------------------

BAD_FRAMES = {
    "not masked": (lambda c: c.send_frame(BINARY, b"\0x", mask=False), 1002),
    "a reserved bit": (lambda c: c.send_frame(BINARY, b"\0x", rsv=4), 1002),
    "an unknown opcode": (lambda c: c.send_frame(3, b"\0x"), 1002),
    "a continuation of nothing": (lambda c: c.send_frame(CONTINUATION, b"\0x"), 1002),
    "a message within another": (lambda c: (c.send_frame(BINARY, b"\0x", fin=False), c.send_frame(BINARY, b"\0y")), 1002),
    "a ping in pieces": (lambda c: c.send_frame(PING, b"x", fin=False), 1002),
    "a ping above the limit": (lambda c: c.send_frame(PING, b"x" * 126), 1002),
    "a truncated close code": (lambda c: c.send_frame(CLOSING, b"\x03"), 1002),
    "a reserved close code": (lambda c: c.send_frame(CLOSING, b"\x03\xed"), 1002),
    "a reason with invalid UTF-8": (lambda c: c.send_frame(CLOSING, b"\x03\xe8\xff"), 1007),
    "text with invalid UTF-8": (lambda c: c.send_frame(TEXT, b"\0\xff\xfe"), 1007),
    "a frame above the limit": (lambda c: c.s.sendall(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"maskdata"), 1009),
    "an unknown channel": (lambda c: c.send(9, b"x"), 1002),
    "an output channel": (lambda c: c.send(STDOUT, b"x"), 1002),
    "a resize above the limit": (lambda c: c.send(RESIZE, bytes(20000)), 1002),
    "garbage": (lambda c: c.s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10), 1002),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_exec_closes_on_invalid_frames(stack, run, name):
    web(stack)
    send, expected = BAD_FRAMES[name]
    client = run("web")
    send(client)
    began = time.monotonic()
    _, _, _, code = client.result()
    assert code == expected, code
    client.s.settimeout(5)
    assert client.take(1) is None and time.monotonic() - began < 5
    assert stack.api.get("web").status == 200


def test_exec_rejects_input_without_stdin(stack, run):
    web(stack)
    client = run("web", ["sh", "-c", "sleep 5"] if not stack.target.simulated else ["cat"],
                 stdin="false" if not stack.target.simulated else "true")
    if stack.target.simulated:  # without stdin, no command runs long enough
        client.end_input()
        return
    client.send(STDIN, b"x")
    _, _, status, code = client.result()
    assert "stdin was not requested" in status["message"] and code == 1011


# ---- ends ------------------------------------------------------------------------------------------------------------------

def streams_open(stack):
    """Requests for commands that workers have ended so far."""
    return sum(w.log().count('"operation":"exec"') for w in stack.workers)


@pytest.mark.parametrize("how", ["close frame", "FIN", "RST"])
def test_exec_ends_with_its_client(stack, run, how):
    web(stack)
    before = streams_open(stack)
    client = run("web")
    client.send(STDIN, b"x\n")
    client.until(b"x\n")
    if how == "close frame":
        client.send_frame(CLOSING, b"\x03\xe9")
    elif how == "FIN":
        client.s.shutdown(socket.SHUT_WR)
    else:
        client.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    wait_for("the worker's stream ends", lambda: streams_open(stack) == before + 1, 3)


def test_exec_ends_if_its_client_sends_no_pongs(stack, run):
    """Like a client whose machine has disappeared; responding clients are not affected."""
    web(stack)
    before = streams_open(stack)
    gone, there = run("web", timeout=60), run("web", timeout=60)
    began = time.monotonic()
    pings = 0
    while streams_open(stack) == before:
        assert time.monotonic() - began < 55
        there.s.settimeout(1)
        try:
            opcode, payload = there.frame()
            if opcode == PING:
                there.send_frame(PONG, payload)
                pings += 1
        except TimeoutError:
            pass
    assert time.monotonic() - began > 40 and pings >= 2, (time.monotonic() - began, pings)
    there.send(STDIN, b"x\n")
    assert there.until(b"x\n") == b"x\n"
    opcodes = []
    while (frame := gone.frame()) is not None:
        opcodes.append(frame[0])
    assert opcodes.count(PING) == 2


def test_exec_of_a_killed_worker_ends_with_a_reason(own_stack, run):
    stack = own_stack(1)
    web(stack)
    client = run("web", stack=stack)
    client.send(STDIN, b"x\n")
    client.until(b"x\n")
    began = time.monotonic()
    stack.workers[0].kill()
    _, _, status, code = client.result()
    assert time.monotonic() - began < 3.2
    assert status["status"] == "Failure" and status["message"] and code == 1011, (status, code)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_exec_ends_at_shutdown_of_api_svc(own_stack, run, end):
    stack = own_stack(1)
    web(stack)
    client = run("web", stack=stack)
    client.send(STDIN, b"x\n")
    client.until(b"x\n")
    getattr(stack.api_svc, end)()
    if end == "stop":
        _, _, status, code = client.result()
        assert "stopping" in status["message"] and code == 1011
    wait_for("the worker's stream ends", lambda: streams_open(stack) == 1, 4)


def test_exec_of_a_stopping_worker_ends_with_a_reason(own_stack, run):
    stack = own_stack(1)
    web(stack)
    client = run("web", stack=stack)
    client.send(STDIN, b"x\n")
    client.until(b"x\n")
    stack.workers[0].stop()
    _, _, status, code = client.result()
    assert "the worker is stopping" in status["message"] and code == 1011


def test_exec_is_rejected_at_the_limit_of_streams(own_stack, run):
    stack = own_stack(0)
    stack.add_worker(SP_WORKER_STREAMS="1")
    web(stack)
    first = run("web", stack=stack)
    assert first.status == 101
    problem = run("web", stack=stack).problem
    assert problem["status"] == 503, problem
    assert post(stack, "web", command=["x"]).status == 503
    first.close()
    wait_for("a stream is free again", lambda: post(stack, "web", command=["cat"]).status == 200)


def test_exec_run_is_never_executed_twice(own_stack, target):
    """A worker stopped with a request, which continues after its client has the response: nothing is started then."""
    stack = own_stack(1)
    web(stack)
    assert post(stack, "web", command=["cat"]).status == 200
    stack.workers[0].suspend()
    began = time.monotonic()
    assert post(stack, "web", command=["cat", "late"]).status == 503
    assert time.monotonic() - began < 6
    stack.add_worker()
    stack.workers[0].popen.send_signal(signal.SIGCONT)
    stack.workers[0].wait_log('"code":"CANCELLED"')
    assert post(stack, "web", command=["cat"]).status == 200


def test_exec_is_retried_on_another_worker_if_one_is_full(own_stack, run):
    stack = own_stack(0, SP_SERVER_WORKER_WAIT="20s")
    for _ in range(2):
        stack.add_worker(SP_WORKER_STREAMS="2")
    web(stack)
    for _ in range(4):  # each retries until it reaches the worker that is not full
        assert run("web", stack=stack, timeout=30).status == 101
