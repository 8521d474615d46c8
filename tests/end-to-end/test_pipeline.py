"""Process restarts and crashes, client disconnects, NATS outages: nothing is lost or duplicated."""

import concurrent.futures
import json
import signal
import socket
import threading
import time

import pytest
from api import BASE, spec
from conftest import WORKER_WAIT
from processes import wait_for
from wire import Nats


def test_without_a_worker_503_after_the_wait_without_later_execution(own_stack):
    stack = own_stack(1)
    stack.workers[0].stop()
    started = time.monotonic()
    answer = stack.api.create(spec(), "late")
    waited = time.monotonic() - started
    answer.problem(503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    assert WORKER_WAIT - 0.5 < waited < WORKER_WAIT + 2
    started = time.monotonic()
    assert stack.api.health() == "unhealthy" and time.monotonic() - started < 1
    stack.add_worker()
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    time.sleep(1)
    assert stack.kube.list("deployments") == []


def test_without_nats_503_without_later_requests(own_stack):
    stack = own_stack(1)
    stack.nats.kill()
    started = time.monotonic()
    stack.api.create(spec(), "ghost").problem(503, "UNAVAILABLE")
    assert time.monotonic() - started < 2 * WORKER_WAIT + 2
    assert stack.api.health() == "unhealthy"
    stack.start_nats()
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    time.sleep(1)
    assert stack.kube.list("deployments") == []


def test_a_restart_of_nats_causes_delays_only(own_stack):
    stack = own_stack(1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        stack.nats.kill()
        pending = [pool.submit(stack.api.create, spec(), f"n{i}") for i in range(4)]
        time.sleep(1)
        stack.start_nats()
        assert [p.result().status for p in pending] == [201] * 4


def test_restarts_of_the_only_worker_lose_no_create(own_stack):
    """50 creates a second for six seconds; SIGTERM to the only worker, and a new one, twice."""
    stack = own_stack(1, SP_SERVER_WORKER_WAIT="10s")  # a new one needs seconds to start on a loaded machine
    answers = []

    def create(i):
        answers.append((i, stack.api.create(spec(), f"c{i:04d}")))

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        for i in range(300):
            pool.submit(create, i)
            time.sleep(0.02)
            if i in (100, 200):
                threading.Thread(target=_replace_worker, args=(stack,)).start()
    failed = [(i, a.status, a.text) for i, a in answers if a.status != 201]
    assert not failed, failed[:3]
    assert len(answers) == 300 and len(stack.kube.list("deployments")) == 300


def _replace_worker(stack):
    stack.workers[-1].stop()
    stack.add_worker()


def test_kill_9_of_one_worker_fails_no_request(own_stack):
    stack = own_stack(2)
    statuses = []

    def create(i):
        statuses.append(stack.api.create(spec(ports=[(80, "internal")]), f"k{i:03d}").status)

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        for i in range(200):
            pool.submit(create, i)
            time.sleep(0.01)
            if i == 100:
                stack.workers[0].kill()
    assert statuses == [201] * 200
    assert len(stack.kube.list("services")) == 200


def _leave_early(stack, container_id, delay, key=None):
    """POST, close after `delay` seconds, and return whether a response was read first."""
    body = json.dumps({"spec": spec(ports=[(80, "internal")])})
    head = f"POST {BASE}?id={container_id} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" \
           f"Content-Length: {len(body)}\r\n" + (f"Idempotency-Key: {key}\r\n" if key else "") + "\r\n"
    with socket.create_connection(("127.0.0.1", stack.api_port)) as s:
        s.sendall((head + body).encode())
        s.settimeout(delay)
        try:
            return s.recv(65536).startswith(b"HTTP/1.1 201")
        except TimeoutError:
            return False


def test_a_create_of_a_disconnected_client_is_undone(stack):
    """Each container either does not exist or was answered: its 201 was written before the client had closed."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda i: _leave_early(stack, f"leaver-{i:03d}", 0.005), range(200)))
    got = {f"leaver-{i:03d}" for i, answered in enumerate(read) if answered}

    def answered():
        lines = (json.loads(line) for line in stack.api_svc.log().splitlines() if '"id":"leaver-' in line)
        return {x["id"] for x in lines if x["msg"] == "request" and x["status"] == 201}

    def settled():
        return {d["metadata"]["name"] for d in stack.kube.list("deployments")} == answered()
    wait_for("exactly the answered containers", settled, 90)
    wait_for("their Services only", lambda: len(stack.kube.list("services")) == len(answered()))
    time.sleep(2)
    assert settled() and got <= answered() and len(answered()) < 200


def test_a_create_by_key_of_a_disconnected_client_is_kept(stack):
    assert not _leave_early(stack, "keyed-gone", 0.0001, key="gone-1")
    wait_for("created", lambda: stack.kube.get("deployments", "keyed-gone"))
    time.sleep(2)
    uid = stack.kube.get("deployments", "keyed-gone")["metadata"]["uid"]
    again = stack.api.create(spec(ports=[(80, "internal")]), "keyed-gone", {"Idempotency-Key": "gone-1"})
    assert again.status == 201 and again.json["uid"] == uid and again.json["service"]["name"] == "keyed-gone"


def test_health_responds_with_a_thousand_idle_connections(stack):
    idle = []
    try:
        for _ in range(1000):
            idle.append(socket.create_connection(("127.0.0.1", stack.api_port)))
        started = time.monotonic()
        assert stack.api.health() == "healthy"
        assert time.monotonic() - started < 1
    finally:
        for s in idle:
            s.close()


def test_sigterm_completes_running_requests(own_stack):
    stack = own_stack(1)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        pending = [pool.submit(stack.api.create, spec(), f"t{i}") for i in range(20)]
        time.sleep(0.01)
        stack.api_svc.stop()
        statuses = []
        for p in pending:
            try:
                statuses.append(p.result().status)
            except OSError:
                statuses.append(None)  # it was sent after the listener had closed
    assert set(statuses) <= {201, None}, statuses
    created = {d["metadata"]["name"] for d in stack.kube.list("deployments")}
    assert created == {f"t{i}" for i, s in enumerate(statuses) if s == 201}


def test_adr_32_discovery(stack):
    nats = Nats(stack.nats_port)
    stack.api.get("nobody")
    pings = [json.loads(body) for _, body in nats.ask("$SRV.PING.kube-worker")]
    assert len(pings) == 2 and len({p["id"] for p in pings}) == 2
    for p in pings:
        assert p["type"] == "io.nats.micro.v1.ping_response" and p["metadata"] == {"provider": stack.name, "host": socket.gethostname()}
    info = [json.loads(body) for _, body in nats.ask(f"$SRV.INFO.kube-worker.{pings[0]['id']}")]
    assert len(info) == 1 and {e["name"] for e in info[0]["endpoints"]} >= {"create", "get", "list", "delete"}
    stats = [json.loads(body) for _, body in nats.ask("$SRV.STATS")]
    gets = [e for s in stats for e in s["endpoints"] if e["name"] == "get"]
    assert sum(e["num_requests"] for e in gets) >= 1
    assert all(isinstance(e["average_processing_time"], int) and "last_error" in e for e in gets)


def test_unknown_versions_and_operations_get_a_clear_error(stack):
    nats = Nats(stack.nats_port)
    deadline = int((time.time() + 10) * 1000)
    old = nats.ask("k8s-container-sp.test-provider.op.get", b"NATS/1.0\r\nSp-Protocol: 999\r\n\r\n")
    new = nats.ask("k8s-container-sp.test-provider.op.frob",
                   f"NATS/1.0\r\nSp-Protocol: 1\r\nSp-Deadline: {deadline}\r\n\r\n".encode())
    late = nats.ask("k8s-container-sp.test-provider.op.get",
                    b"NATS/1.0\r\nSp-Protocol: 1\r\nSp-Deadline: 1000\r\n\r\n")
    assert "UNSUPPORTED" in old[0][0] and "999" in old[0][1]
    assert "UNSUPPORTED" in new[0][0] and "frob" in new[0][1]
    assert "TIMEOUT" in late[0][0]


@pytest.mark.parametrize("nats_is", (signal.SIGKILL, signal.SIGSTOP), ids=("killed", "stopped"))
def test_a_worker_terminates_soon_without_nats(own_stack, nats_is):
    stack = own_stack(2)
    stack.nats.popen.send_signal(nats_is)
    try:
        for worker in stack.workers:
            started = time.monotonic()
            worker.stop()
            assert time.monotonic() - started < 10
    finally:
        stack.nats.popen.send_signal(signal.SIGCONT)
    stack.workers.clear()
