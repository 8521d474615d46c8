"""Workers and NATS that are unavailable, slow, full or dead."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from api_peers import CONTAINERS, HEALTH, SLOW, Fail, FakeWorker, Ok
from processes import wait_for


def timed(call):
    begin = time.monotonic()
    answer = call()
    return answer, time.monotonic() - begin


def test_without_a_worker_503_after_the_wait(start):
    api = start(SP_SERVER_WORKER_WAIT="500ms")
    for method, path in (("GET", CONTAINERS), ("GET", CONTAINERS + "/a"), ("DELETE", CONTAINERS + "/a")):
        answer, seconds = timed(lambda: api.request(method, path))
        assert answer.status == 503 and answer.json()["type"] == "UNAVAILABLE"
        assert 1 <= int(answer.headers["Retry-After"]) <= 5
        assert 0.45 <= seconds < 2 * SLOW
    answer, seconds = timed(lambda: api.create("a"))
    assert answer.status == 503 and 0.45 <= seconds < 2 * SLOW
    answer, seconds = timed(lambda: api.request("GET", HEALTH))
    assert answer.json()["status"] == "unhealthy" and seconds < 0.4 * SLOW


def test_starts_without_nats(tmp_path, start):
    class Nowhere:
        url = "nats://127.0.0.1:1"

    api = start(wait=False, nats=Nowhere, SP_SERVER_WORKER_WAIT="300ms")
    answer, seconds = timed(lambda: api.request("GET", HEALTH))
    assert answer.json()["status"] == "unhealthy" and seconds < 0.5 * SLOW
    assert api.create("a").status == 503
    assert api.terminate() == 0


def test_a_worker_started_within_the_wait_serves_the_request(start, nats):
    api = start()
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(api.create, f"c{i}") for i in range(20)]
        time.sleep(1)
        worker = FakeWorker(nats)
        assert {w.result().status for w in waiting} == {201}
    assert len(worker.of("create")) == 20
    worker.stop()


def test_busy_workers_are_retried(api, worker):
    worker.on["get"] = lambda asked: Ok({"id": "a"}) if len(worker.of("get")) > 2 else Fail("BUSY", retry_after_s=4)
    assert api.request("GET", CONTAINERS + "/a").status == 200
    assert [a.attempt for a in worker.of("get")] == [1, 1, 1]  # nothing was started by the first two


def test_workers_busy_beyond_the_wait_are_503(worker, start):
    api = start(SP_SERVER_WORKER_WAIT="300ms")
    for code in ("BUSY", "UNSUPPORTED"):
        worker.on["create"] = lambda asked, code=code: Fail(code, retry_after_s=4)
        answer = api.create("a")
        assert answer.status == 503 and answer.headers["Retry-After"] == "4"
    time.sleep(0.5)
    assert not worker.of("undo")  # nothing was started


def test_a_crashed_worker_is_replaced(api, worker, nats):
    """The first attempt is lost with its worker; the second one succeeds."""
    worker.on["create"] = lambda asked: None
    with ThreadPoolExecutor(30) as pool:
        waiting = pool.submit(timed, lambda: api.create("a"))
        wait_for("the request", lambda: worker.of("create"))
        worker.stop()
        other = FakeWorker(nats)
        answer, seconds = waiting.result()
    assert answer.status == 201 and 2.5 < seconds < 6 * SLOW
    again = other.of("create")[0]
    assert again.attempt == 2
    assert again.body == worker.of("create")[0].body
    assert again.headers["Sp-Deadline"] == worker.of("create")[0].headers["Sp-Deadline"]
    other.stop()


def test_a_slow_worker_sending_working_is_not_retried(api, worker):
    def answer(asked):
        def signs_of_life():
            for _ in range(4):
                worker.publish(asked.reply_to, {"Sp-Status": "WORKING"}, b"")
                time.sleep(1)
        threading.Thread(target=signs_of_life).start()
        return Ok({"id": "a"}, delay=4)
    worker.on["get"] = answer
    assert api.request("GET", CONTAINERS + "/a").status == 200
    assert len(worker.of("get")) == 1


def test_a_late_reply_to_the_first_attempt_is_accepted(api, worker):
    worker.on["get"] = lambda asked: Ok({"id": "a", "attempt": asked.attempt}, delay=3.3 if asked.attempt == 1 else 9)
    answer, seconds = timed(lambda: api.request("GET", CONTAINERS + "/a"))
    assert answer.json()["attempt"] == 1 and seconds < 5 * SLOW
    assert len(worker.of("get")) == 2


def test_the_deadline_is_504_and_sent_to_the_worker(worker, start):
    api = start(SP_SERVER_REQUEST_TIMEOUT="700ms")
    worker.on["get"] = lambda asked: None
    now = time.time()
    answer, seconds = timed(lambda: api.request("GET", CONTAINERS + "/a"))
    assert answer.status == 504 and answer.json()["type"] == "UNAVAILABLE" and 0.65 < seconds < 2 * SLOW
    assert abs(int(worker.of("get")[0].headers["Sp-Deadline"]) / 1000 - now - 0.7) < 0.3


def test_requests_survive_a_restart_of_nats(api, worker, nats):
    worker.on["get"] = lambda asked: None
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(api.request, "GET", CONTAINERS + "/a") for _ in range(10)]
        wait_for("the requests", lambda: len(worker.of("get")) == 10)
        nats.stop()
        new = [pool.submit(api.request, "GET", CONTAINERS + "/b"), pool.submit(api.create, "c")]
        answer, seconds = timed(lambda: api.request("GET", HEALTH))
        assert answer.json()["status"] == "unhealthy" and seconds < 1 * SLOW
        time.sleep(0.5)
        nats.start()
        other = FakeWorker(nats)
        other.on["get"] = lambda asked: Ok({"id": "x"})
        assert {w.result().status for w in waiting} == {200}
        assert [n.result().status for n in new] == [200, 201]
    other.stop()


def test_without_nats_503_after_the_wait(worker, start, nats):
    api = start(SP_SERVER_WORKER_WAIT="500ms")
    worker.on["get"] = lambda asked: None
    with ThreadPoolExecutor(30) as pool:
        waiting = pool.submit(timed, lambda: api.request("GET", CONTAINERS + "/a"))
        wait_for("the request", lambda: worker.of("get"))
        nats.stop()
        answer, seconds = waiting.result()
    assert answer.status == 503 and seconds < 3 * SLOW
    nats.start()


def test_replies_in_parts_are_joined(api, worker):
    worker.on["list"] = lambda asked: Ok({"containers": ["x" * 1000] * 500, "next_page_token": "t"}, parts=7)
    answer = api.request("GET", CONTAINERS)
    assert answer.status == 200 and len(answer.json()["containers"]) == 500


def test_parts_of_different_attempts_are_not_mixed(api, worker):
    def answer(asked):
        if asked.attempt == 1:
            worker.publish(asked.reply_to, {"Sp-Status": "OK", "Sp-Part": "1/2"}, b'{"first":')
            return None
        worker.publish(worker.of("list")[0].reply_to, {"Sp-Status": "OK", "Sp-Part": "3/4"}, b"stray")
        return Ok(b'{"containers":[]}', parts=2)
    worker.on["list"] = answer
    assert api.request("GET", CONTAINERS).body == b'{"containers":[]}'
    assert len(worker.of("list")) == 2


def test_malformed_parts_are_internal_errors(api, worker):
    def answer(part):
        return lambda asked: worker.publish(asked.reply_to, {"Sp-Status": "OK", "Sp-Part": part}, b"x")
    for part in ("0/2", "3/2", "x", "1/99999", "-1/2"):
        worker.on["get"] = answer(part)
        assert api.request("GET", CONTAINERS + "/a").status == 500


def test_a_page_of_32_mib_is_returned(api, worker):
    body = b'{"containers":["' + b"x" * (32 * 1024 * 1024) + b'"]}'
    worker.on["list"] = lambda asked: Ok(body, parts=40)
    assert api.request("GET", CONTAINERS).body == body


def test_two_providers_are_isolated(start, nats, tmp_path):
    names = ["a", "a.b", "a b", "a*", ">", "\u00e4"]
    workers = [FakeWorker(nats, name) for name in names]
    for w in workers:
        w.on["get"] = lambda asked, w=w: Ok({"id": w.name})
    apis = [start(name=name) for name in names]
    for api, name in zip(apis, names):
        assert api.request("GET", CONTAINERS + "/x").json()["id"] == name
    assert [len(w.of("get")) for w in workers] == [1] * len(names)
    for w in workers:
        w.stop()


def test_health_is_fast_and_concurrent_probes_are_merged(api, worker):
    worker.on["health"] = lambda asked: Ok({"healthy": True}, delay=0.3)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: timed(api.healthy), range(20)))
    assert all(healthy and seconds < 0.9 * SLOW for healthy, seconds in answers)
    assert len(worker.of("health")) <= 3
    worker.on["health"] = lambda asked: None
    healthy, seconds = timed(api.healthy)
    assert not healthy and 0.4 < seconds < 0.95 * SLOW


def test_two_thousand_pending_requests_on_two_threads(api, worker):
    worker.on["get"] = lambda asked: Ok({"id": "a"}, delay=2)
    sockets = [api.connect() for _ in range(2000)]
    begin = time.monotonic()
    for s in sockets:
        s.sendall(b"GET %b/a HTTP/1.1\r\nHost: x\r\n\r\n" % CONTAINERS.encode())
    wait_for("2,000 requests", lambda: len(worker.of("get")) == 2000)
    healthy, seconds = timed(api.healthy)
    assert healthy and seconds < 1 * SLOW
    for s in sockets:
        assert s.recv(20).startswith(b"HTTP/1.1 200")
        s.close()
    print("2,000 requests in", time.monotonic() - begin, "s, health among them in", seconds)
    with open(f"/proc/{api.process.pid}/status") as status:
        threads = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
    assert threads < 18  # two of them for streams
