"""HTTP: rejected requests, timeouts, disconnects and shutdown."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from api_peers import BUILD, CONTAINERS, SLOW, SPEC, Ok, is_sanitized
from exposition import scrape
from processes import wait_for

C = CONTAINERS.encode()


def status_of(got):
    return int(got.split()[1]) if got.startswith(b"HTTP/1.") else None


def test_invalid_bytes_do_not_affect_the_service(api):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 100, b"GET", b"\x00" * 1000,
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n"):
        with api.connect() as s:
            s.sendall(data)
    assert api.healthy()


def test_too_many_headers_are_rejected(api):
    got = api.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"y" * 100000 + b"\r\n\r\n")
    assert status_of(got) in (431, 413, None)
    got = api.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-A: yyyyyyyyyyyyyyyy\r\n" * 5000 + b"\r\n")
    assert status_of(got) in (431, 413, None)
    got = api.raw(b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status_of(got) in (414, 431, None)
    assert api.healthy()


def test_pipelined_requests_are_answered_in_order(api, worker):
    worker.on["get"] = lambda asked: Ok({"id": asked.body["id"]}, delay=0.05 if asked.body["id"] == "a0" else 0)
    data = b"".join(b"GET %b/a%d HTTP/1.1\r\nHost: x\r\n%b\r\n" % (C, i, b"Connection: close\r\n" if i == 9 else b"")
                    for i in range(10))
    got = api.raw(data)
    assert re.findall(rb'{"id": "(a\d)"}', got) == [b"a%d" % i for i in range(10)]


def test_a_chunked_body_is_a_body(api, worker):
    body = json.dumps({"spec": SPEC}).encode()
    answer = api.request("POST", CONTAINERS + "?id=c", iter([body[:10], body[10:]]), {"Content-Type": "application/json"})
    assert answer.status == 201
    assert worker.of("create")[0].body["spec"] == SPEC


def test_keep_alive_and_http_1_0(api):
    got = api.raw(b"GET /health HTTP/1.0\r\n\r\n")
    assert status_of(got) == 200
    with api.connect() as s:
        for _ in range(3):
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert s.recv(65536).startswith(b"HTTP/1.1 200")


def closes_within(s, seconds):
    s.settimeout(seconds)
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def drip(api, data, interval=0.1, limit=6):
    """Send byte by byte; return the seconds until the server disconnects."""
    begin = time.monotonic()
    with api.connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.settimeout(interval)
        for i in range(len(data)):
            try:
                s.sendall(data[i:i + 1])
                if s.recv(1000) == b"":
                    return time.monotonic() - begin
            except TimeoutError:
                pass
            except OSError:
                return time.monotonic() - begin
            if time.monotonic() - begin > limit:
                break
    return None


def test_slow_clients_are_disconnected(worker, start):
    api = start(SP_SERVER_READ_TIMEOUT="1s", SP_SERVER_IDLE_TIMEOUT="2s")
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" % C
    with ThreadPoolExecutor() as pool:
        slow_head = pool.submit(drip, api, head * 9)
        with api.connect() as s:
            s.sendall(head)
            assert closes_within(s, 3)  # the body is never sent
        with api.connect() as s:
            assert closes_within(s, 3)  # nothing is ever sent
        seconds = slow_head.result()
        assert seconds and 0.8 < seconds < 3 * SLOW
    with api.connect() as s:
        s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert s.recv(65536)
        begin = time.monotonic()
        assert closes_within(s, 5)
        assert 1.5 < time.monotonic() - begin < 4 * SLOW


def test_a_pending_request_is_not_disconnected(worker, start):
    api = start(SP_SERVER_READ_TIMEOUT="300ms", SP_SERVER_IDLE_TIMEOUT="300ms", SP_SERVER_WRITE_TIMEOUT="300ms")
    worker.on["get"] = lambda asked: Ok({"id": "a"}, delay=1.5)
    assert api.request("GET", CONTAINERS + "/a").status == 200


def test_a_client_that_does_not_read_is_disconnected(worker, start):
    api = start(SP_SERVER_WRITE_TIMEOUT="700ms")
    worker.on["list"] = lambda asked: Ok(b'{"x":"' + b"y" * (16 * 1024 * 1024) + b'"}', parts=32)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", api.port))
        s.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % C)
        wait_for("the end of the connection", lambda: api.find_log("connection ended", phase="WRITING"))
    wait_for("the log line", lambda: api.find_log("request of a disconnected client", status=200))


def test_health_responds_with_1000_idle_connections(api):
    sockets = [api.connect() for _ in range(1000)]
    for s in sockets[:500]:
        s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    for s in sockets[:500]:
        assert s.recv(65536)
    begin = time.monotonic()
    assert api.healthy()
    assert time.monotonic() - begin < 1 * SLOW
    for s in sockets:
        s.close()


def test_health_responds_at_the_connection_limit(worker, start):
    api = start(SP_SERVER_MAX_CONNECTIONS="100")
    worker.on["get"] = lambda asked: Ok({"id": "a"}, delay=3)
    idle = [api.connect() for _ in range(300)]  # above the limit: the oldest ones are closed
    begin = time.monotonic()
    assert api.healthy()
    assert time.monotonic() - begin < 1 * SLOW
    busy = []
    for _ in range(120):
        busy.append(api.connect())
        busy[-1].sendall(b"GET %b/a HTTP/1.1\r\nHost: x\r\n\r\n" % C)
    wait_for("most of the requests", lambda: len(worker.of("get")) >= 90)
    begin = time.monotonic()
    assert api.healthy()
    assert time.monotonic() - begin < 1 * SLOW
    answers = [status_of(s.recv(65536)) for s in busy]
    assert set(answers) <= {200, 503} and answers.count(200) >= 90
    assert 503 in answers
    for s in idle + busy:
        s.close()
    wait_for("better times", lambda: api.request("GET", CONTAINERS + "/a").status == 200)


@pytest.mark.parametrize("part", [b"POST %b HTTP/1.1\r\nHost: x\r\n" % C,
                                  b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n" % C], ids=["head", "body"])
def test_slow_requests_make_room_at_the_connection_limit(worker, start, part):
    api = start(SP_SERVER_MAX_CONNECTIONS="50", SP_SERVER_READ_TIMEOUT="60s")
    slow = []
    for _ in range(300):  # more than the library accepts
        slow.append(api.connect())
        slow[-1].sendall(part)
    begin = time.monotonic()
    assert api.healthy()
    assert time.monotonic() - begin < 3 * SLOW
    wait_for("room for others", lambda: api.request("GET", CONTAINERS).status == 200)
    slow[0].settimeout(5)
    got = slow[0].recv(65536)
    assert got.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in got and b"too slowly" in got, got
    assert scrape(api.port).sum("dcm_sp_http_requests_rejected_total", reason="connections") > 100
    for s in slow:
        s.close()


def test_shutdown_completes_running_requests(api, worker):
    worker.on["get"] = lambda asked: Ok({"id": "a"}, delay=1)
    idle = api.connect()
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(api.request, "GET", CONTAINERS + "/a") for _ in range(20)]
        wait_for("the requests", lambda: len(worker.of("get")) == 20)
        begin = time.monotonic()
        api.process.send_signal(signal.SIGINT)
        assert closes_within(idle, 1)
        answers = [w.result() for w in waiting]
    assert {a.status for a in answers} == {200}
    assert {a.headers["Connection"] for a in answers} == {"close"}
    assert api.process.wait(5) == 0
    assert time.monotonic() - begin < 3 * SLOW


def test_no_connections_are_accepted_during_shutdown(api, worker):
    worker.on["get"] = lambda asked: Ok({"id": "a"}, delay=1)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.request, "GET", CONTAINERS + "/a")
        wait_for("the request", lambda: worker.of("get"))
        api.process.terminate()
        wait_for("the end", lambda: api.find_log("stopping"))
        time.sleep(0.1)
        with pytest.raises(ConnectionRefusedError):
            api.connect()
        assert waiting.result().status == 200


def test_shutdown_has_a_timeout(worker, start):
    api = start(SP_SERVER_SHUTDOWN_TIMEOUT="1s")
    worker.on["get"] = lambda asked: None
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.request, "GET", CONTAINERS + "/a")
        half = api.connect()
        half.sendall(b"GET /health HT")
        wait_for("the request", lambda: worker.of("get"))
        begin = time.monotonic()
        assert api.terminate() == 0
        assert time.monotonic() - begin < 3 * SLOW
        answer = waiting.result()
    assert answer.status == 503 and answer.headers["Retry-After"]


def test_shutdown_under_load_loses_no_request(api):
    def hammer(_):
        done = 0
        try:
            while True:
                assert api.request("GET", CONTAINERS + "/none").status in (404, 503)
                done += 1
        except OSError:
            return done
        except Exception as e:
            return e
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(hammer, i) for i in range(8)]
        time.sleep(1)
        assert api.terminate() == 0
        results = [r.result() for r in running]
    assert all(isinstance(r, int) and r > 0 for r in results), results


def test_invalid_settings_are_rejected(nats):
    def run(*args, **env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SP_")}
        return subprocess.run([BUILD / "bin" / "api-svc", *args], env=clean | env, capture_output=True, text=True,
                              timeout=20)
    good = {"SP_NAME": "x", "SP_NATS_URL": nats.url, "SP_SERVER_ADDRESS": "127.0.0.1:0"}
    assert run("--check-config", **good).returncode == 0
    for address in ("no-such-host.invalid:80", "300.1.1.1:80", "192.0.2.1:80"):
        bad = run("--check-config", **{**good, "SP_SERVER_ADDRESS": address})
        assert bad.returncode == 1 and "SP_SERVER_ADDRESS: " in bad.stderr, (address, bad)
    in_use = {**good, "SP_SERVER_ADDRESS": f"127.0.0.1:{nats.port}"}
    assert run("--check-config", **in_use).returncode == 0
    assert run("--version").stdout.startswith("api-svc ")
    assert "SP_SERVER_WORKER_WAIT" in run("--help").stdout
    bad = run(SP_SERVER_ADDRESS="nonsense", SP_SERVER_READ_TIMEOUT="x", SP_SERVER_MAX_BODY="-1")
    assert bad.returncode == 1
    for name in ("SP_NAME", "SP_NATS_URL", "SP_SERVER_ADDRESS", "SP_SERVER_READ_TIMEOUT", "SP_SERVER_MAX_BODY"):
        assert name in bad.stderr
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        busy = run(**good | {"SP_SERVER_ADDRESS": f"127.0.0.1:{s.getsockname()[1]}"})
    assert busy.returncode == 1 and "Address already in use" in busy.stderr


def test_health_option_queries_the_configured_address(api, worker):
    def health(address):
        return subprocess.run([BUILD / "bin" / "api-svc", "--health"], capture_output=True, text=True, timeout=20,
                              env=os.environ | {"SP_NAME": "x", "SP_NATS_URL": "nats://127.0.0.1:1",
                                                "SP_SERVER_ADDRESS": address, "http_proxy": "http://127.0.0.1:9"})
    for host in ("127.0.0.1", "", "0.0.0.0"):
        asked = health(f"{host}:{api.port}")
        assert (asked.returncode, asked.stdout) == (0, "healthy\n"), asked
    worker.on["health"] = lambda asked: Ok({"healthy": False})
    assert health(f":{api.port}").returncode == 0, "of the process, not of the provider"
    api.terminate()
    gone = health(f":{api.port}")
    assert gone.returncode == 1 and gone.stderr.startswith("unhealthy: ")


def test_listens_on_all_forms_of_addresses(start):
    for address, host in (("[::1]:0", "::1"), ("localhost:0", "localhost"), (":0", "127.0.0.1"), (":0", "::1")):
        api = start(SP_SERVER_ADDRESS=address)
        with socket.create_connection((host, api.port), 5) as s:
            s.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200")


def test_memory_is_bounded(worker, start):
    api = start()

    def resident_kib():
        with open(f"/proc/{api.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    with api.connect() as s:
        def many(count):
            for _ in range(count):
                s.sendall(b"GET %b/none HTTP/1.1\r\nHost: x\r\n\r\n" % C * 50)
                got = 0
                while got < 50:
                    got += s.recv(1 << 20).count(b"HTTP/1.1 404")
        many(20)
        before = resident_kib()
        many(100)
        # Sanitizers keep freed memory for a while, in their own quarantine.
        assert resident_kib() - before < (300 * 1024 if is_sanitized() else 1024)
