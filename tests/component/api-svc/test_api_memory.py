"""The limit for all memory held on behalf of clients and workers: SP_SERVER_MEMORY."""

import socket
import threading

import pytest

from api_peers import CONTAINERS, HEALTH, Ok, is_sanitized
from exposition import scrape
from processes import wait_for

MIB = 1024 * 1024
HEAD = (f"POST {CONTAINERS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")


def resident(api):
    """MiB."""
    for line in open(f"/proc/{api.process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


def send_part(api, size, declared=None, headers=""):
    """A request with an incomplete body."""
    s = api.connect()
    s.settimeout(20)
    s.sendall((HEAD + headers + f"Content-Length: {declared or size + 1}\r\n\r\n").encode() + b" " * size)
    return s


def refused(s):
    got = s.recv(65536)
    assert got.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in got and b"UNAVAILABLE" in got, got[:300]
    s.close()


def test_incoming_bodies_share_a_limit(worker, start):
    api = start(SP_SERVER_MEMORY=str(4 * MIB), SP_SERVER_READ_TIMEOUT="60s")
    held = []

    def is_full():
        """A response that is being sent may cause the last one to be rejected; the next one is accepted."""
        held.append(send_part(api, MIB - 1))
        return len(held) >= 4 and api.request("GET", CONTAINERS).status == 503

    wait_for("the ceiling", is_full)
    refused(send_part(api, 10))
    assert api.healthy()  # health must respond then, too
    problem = api.create("a", timeout=20)
    assert problem.status == 503 and problem.headers["Retry-After"] and "in flight" in problem.json()["detail"]
    for s in held:
        s.close()
    wait_for("memory for another body", lambda: api.create("a").status == 201)


def test_declared_bytes_are_not_reserved(worker, start):
    """A client that declares bodies and does not send them must not keep others out."""
    api = start(SP_SERVER_MEMORY=str(4 * MIB), SP_SERVER_READ_TIMEOUT="60s")
    held = [send_part(api, 10, declared=MIB) for _ in range(50)]
    assert api.create("a").status == 201 and api.healthy()
    for s in held:
        s.close()


def fill(api, worker):
    """Occupy all memory by incomplete bodies, which the caller closes: a list is rejected."""
    held = []
    worker.on["list"] = lambda asked: Ok({"containers": ["x" * 1000]}, parts=3)

    def is_full():
        held.extend(send_part(api, 1 << k) for k in range(19, -1, -1))
        return api.request("GET", CONTAINERS).status == 503
    wait_for("the ceiling", is_full)
    return held


def test_results_of_changes_and_health_are_answered_without_memory(worker, start):
    """A change that was carried out must not be answered by 503: clients would repeat it."""
    api = start(SP_SERVER_MEMORY=str(4 * MIB), SP_SERVER_READ_TIMEOUT="60s")
    waiting, go = [], threading.Event()

    def slow(asked):
        waiting.append(asked)
        threading.Thread(target=lambda: go.wait() and worker.reply(asked.reply_to, Ok({"id": asked.body["id"]}, parts=3))).start()
    worker.on["restart"] = slow
    got = []
    thread = threading.Thread(target=lambda: got.append(api.request("POST", f"{CONTAINERS}/a:restart").status))
    thread.start()
    wait_for("the request", lambda: waiting)
    held = fill(api, worker)
    assert api.healthy()
    go.set()
    thread.join()
    assert got == [200]
    for s in held:
        s.close()


def test_bodies_above_the_remaining_limit_are_rejected_at_their_headers(worker, start):
    api = start(SP_SERVER_MEMORY=str(4 * MIB), SP_SERVER_MAX_BODY=str(8 * MIB))
    refused(send_part(api, 0, declared=5 * MIB))
    s = send_part(api, 0, declared=5 * MIB, headers="Expect: 100-continue\r\n")
    refused(s)
    assert scrape(api.port).of("dcm_sp_http_requests_rejected_total", reason="memory") == [2]


def test_chunks_are_counted_as_received(worker, start):
    api = start(SP_SERVER_MEMORY=str(4 * MIB), SP_SERVER_MAX_BODY=str(8 * MIB))
    with api.connect() as s:
        s.settimeout(20)
        s.sendall((HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for _ in range(6):
            s.sendall(b"%x\r\n%b\r\n" % (MIB, b" " * MIB))
        s.sendall(b"0\r\n\r\n")
        refused(s)
    assert scrape(api.port).of("dcm_sp_http_requests_rejected_total", reason="memory") == [1]
    assert api.create("a").status == 201


def creates(api, worker, count):
    """Started sequentially, each of 900 KB; the statuses of responses are appended."""
    statuses = []
    spec = {"provider_hints": {"a": "x" * 900_000}}
    threads = []
    for i in range(count):
        t = threading.Thread(target=lambda i=i: statuses.append(api.create(f"c{i}", spec).status))
        t.start()
        threads.append(t)
        wait_for("a create", lambda: len(worker.of("create")) + len(statuses) > i)
    return threads, statuses


def test_a_body_is_counted_once(worker, start):
    """While a request waits for its worker, its original bytes are not kept in addition to the message for the worker."""
    api = start(SP_SERVER_MEMORY=str(7 * MIB))
    worker.on["create"] = lambda asked: Ok({"id": asked.body["id"]}, delay=1)
    threads, statuses = creates(api, worker, 6)
    for t in threads:
        t.join()
    assert statuses == [201] * 6


def test_requests_pending_at_a_worker_are_counted(worker, start):
    api = start(SP_SERVER_MEMORY=str(4 * MIB), SP_SERVER_REQUEST_TIMEOUT="3s")
    worker.on["create"] = lambda asked: None
    threads, statuses = creates(api, worker, 7)
    for t in threads:
        t.join()
    assert statuses.count(503) == 3 and len(statuses) == 7
    worker.on["create"] = worker.create
    assert api.create("later").status == 201


def test_incomplete_replies_share_a_limit(worker, start):
    """A list with an incomplete reply holds memory: the next one is rejected, not buffered."""
    api = start(SP_SERVER_MEMORY=str(4 * MIB), SP_SERVER_REQUEST_TIMEOUT="4s")
    part = b"x" * (512 * 1024)

    def unfinished(asked):
        for i in range(7):
            worker.publish(asked.reply_to, {"Sp-Status": "OK", "Sp-Part": f"{i + 1}/62"}, part)

    worker.on["list"] = unfinished
    got = []
    threads = [threading.Thread(target=lambda: got.append(api.request("GET", CONTAINERS).status)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == [503, 503, 503, 504]
    worker.on["list"] = worker.list
    assert api.request("GET", CONTAINERS).status == 200  # and all memory is released


def test_unread_responses_are_counted(worker, start):
    api = start(SP_SERVER_MEMORY=str(16 * MIB), SP_SERVER_WRITE_TIMEOUT="60s")
    large = {"containers": [{"id": "x" * 5 * MIB}], "next_page_token": ""}  # more than the kernel takes
    worker.on["list"] = lambda asked: Ok(large, parts=10)
    stuck = []
    for _ in range(4):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", api.port))
        s.sendall(f"GET {CONTAINERS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        stuck.append(s)
    wait_for("the ceiling", lambda: api.request("GET", CONTAINERS).status == 503)
    for s in stuck:
        s.close()
    wait_for("memory for another response", lambda: api.request("GET", CONTAINERS).status == 200)


@pytest.mark.skipif(is_sanitized(), reason="sanitizers keep what was freed")
def test_unauthenticated_connections_hold_no_memory(worker, start, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("admin full-token-0123456789\n")
    api = start(SP_SERVER_TOKENS_FILE=str(tokens))
    before = resident(api)
    held = []
    for _ in range(200):
        s = api.connect()
        try:
            s.sendall((HEAD + f"Content-Length: {MIB}\r\n\r\n").encode() + b" " * 65536)
        except OSError:
            pass  # it has been answered and closed already
        held.append(s)
    assert resident(api) - before < 40
    for s in held:
        s.close()
    assert api.request("GET", HEALTH).status == 200
