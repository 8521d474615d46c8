"""A finished request has no further effects, and unacknowledged containers are removed within a minute, whichever process crashed."""

import concurrent.futures
import signal
import threading
import time

import pytest

from api import spec
from conftest import WORKER_WAIT
from exposition import ANY_PORT, port_of, scrape
from gate import Gate
from kube import Kube
from processes import wait_for
from wire import Nats

PORTS = [(80, "internal")]
DEPLOYMENTS, SERVICES = r"/deployments(\?|$)", r"/services(\?|$)"
MINUTE = 60
BUCKET = "KV_k8s-container-sp-test-provider"


@pytest.fixture
def gated(own_stack, target, tmp_path):
    """A pipeline whose only worker goes through a gate: (stack, gate)."""
    gate = Gate(Kube(target.kubeconfig, target.namespace), str(tmp_path))

    stack = own_stack(1, SP_LOG_LEVEL="debug")
    stack.workers[0].kill()
    stack.workers.clear()
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    yield stack, gate
    gate.stop()


def begin(function, *args, **kwargs):
    """Call it on a thread: result() returns the response."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    return pool.submit(function, *args, **kwargs)


def suspend(process):
    process.suspend()


def resume(process):
    process.popen.send_signal(signal.SIGCONT)


def held_create(stack, gate, when, path, name, headers=None, ports=PORTS):
    """A create whose call to Kubernetes is held: (hold, response)."""
    hold = gate.hold(when, "POST", path)
    answer = begin(stack.api.create, spec(ports=ports), name, headers)
    hold.wait()
    return hold, answer


def taken_by_another(stack, answer, status=201):
    """The worker that is held stops, and another one carries the request out."""
    suspend(stack.workers[0])
    stack.add_worker()
    assert answer.result().status == status


def late_create(stack, gate):
    """The first attempt of a create is held; the second one is answered, and its container deleted again."""
    hold, answer = held_create(stack, gate, "before", DEPLOYMENTS, "late", ports=())
    taken_by_another(stack, answer)
    assert stack.api.delete("late").status == 204
    return hold


def dies_with(stack, hold, answer, victims="api-svc"):
    """api-svc is killed, or its worker as well, and restarted; the client gets no response."""
    stack.api_svc.kill()
    if victims == "both":
        stack.workers[0].kill()
    with pytest.raises(OSError):
        answer.result()
    hold.release()
    if victims == "both":
        stack.add_worker()


def come_back(stack):
    stack.api_svc.start()
    wait_for("healthy", lambda: healthy(stack))


def late_failure(stack, gate):
    """The first attempt is stopped before its Service and then rejected; the second one has returned the container."""
    hold, answer = held_create(stack, gate, "before", SERVICES, "told")
    taken_by_another(stack, answer)
    gate.server.shutdown()  # whatever it does next fails
    hold.release()
    resume(stack.workers[0])
    stays(stack.kube, "told", answer.result().json["uid"], 12)


def healthy(stack):
    try:
        return stack.api.health() == "healthy"
    except OSError:
        return False


def uid(kube, name):
    deployment = kube.get("deployments", name)
    return deployment and deployment["metadata"]["uid"]


def gone(kube, name):
    return not kube.get("deployments", name) and not kube.of("services", name)


def stays(kube, name, expected, seconds=5.0):
    """The Deployment stays the same, all the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert uid(kube, name) == expected
        time.sleep(0.1)


# ---- earlier attempts ------------------------------------------------------------------------------------------------

def test_a_create_in_flight_is_undone_within_a_second(gated):
    """A POST in flight cannot be cancelled: its worker undoes the result after the end of the request."""
    stack, gate = gated
    hold = late_create(stack, gate)
    resume(stack.workers[0])
    hold.release()
    wait_for("deleted again", lambda: stack.workers[0].log().count('"operation":"create"') > 0, 10)
    time.sleep(1)
    assert gone(stack.kube, "late")
    stack.api.get("late").problem(404, "NOT_FOUND")


def test_a_late_result_of_a_dead_worker_is_removed_by_another(gated):
    stack, gate = gated
    hold, answer = held_create(stack, gate, "before", DEPLOYMENTS, "late", ports=())
    stack.workers[0].kill()
    stack.add_worker()
    assert answer.result().status == 201
    assert stack.api.delete("late").status == 204
    hold.release()
    wait_for("it was created late", lambda: uid(stack.kube, "late"), 5, 0.01)
    wait_for("deleted again", lambda: gone(stack.kube, "late"), 5)


def test_a_late_create_does_not_affect_a_newer_container(gated):
    stack, gate = gated
    hold = late_create(stack, gate)
    second = stack.api.create(spec("other"), "late")
    assert second.status == 201, second.text
    hold.release()
    resume(stack.workers[0])
    stays(stack.kube, "late", second.json["uid"])


def test_a_late_delete_does_not_affect_a_newer_container(gated):
    stack, gate = gated
    assert stack.api.create(spec(ports=PORTS), "again").status == 201
    hold = gate.hold("before", "DELETE", "/deployments/again")
    answer = begin(stack.api.delete, "again")
    hold.wait()
    taken_by_another(stack, answer, 204)
    second = stack.api.create(spec(ports=PORTS), "again").json["uid"]
    hold.release()
    resume(stack.workers[0])
    stays(stack.kube, "again", second)
    assert stack.kube.get("services", "again")


def test_a_delete_that_reads_late_deletes_nothing(gated):
    """It has read the newer container, and gets no permission."""
    stack, gate = gated
    assert stack.api.create(spec(), "again").status == 201
    hold = gate.hold("before", "GET", "/deployments/again")
    answer = begin(stack.api.delete, "again")
    hold.wait()
    taken_by_another(stack, answer, 204)
    second = stack.api.create(spec(), "again").json["uid"]
    hold.release()
    resume(stack.workers[0])
    stays(stack.kube, "again", second)
    assert [c["uid"] for c in stack.api.list().json["containers"]] == [second]
    assert stack.api.delete("again").status == 204


def test_both_attempts_in_one_queue_are_executed_once(own_stack):
    """The only worker is stopped: it finds both attempts of each request when it continues."""
    stack = own_stack(1)
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        for i in range(20):
            assert stack.api.create(spec(), f"old-{i}").status == 201
        suspend(stack.workers[0])
        creates = [pool.submit(stack.api.create, spec(ports=PORTS), f"new-{i}") for i in range(20)]
        deletes = [pool.submit(stack.api.delete, f"old-{i}") for i in range(20)]
        time.sleep(5)
        resume(stack.workers[0])
        assert [a.result().status for a in creates] == [201] * 20
        assert [a.result().status for a in deletes] == [204] * 20
        assert all(pool.map(lambda i: stack.api.delete(f"new-{i}").status == 204, range(20)))
        again = list(pool.map(lambda i: stack.api.create(spec(), f"old-{i}").json["uid"], range(20)))
    time.sleep(4)
    assert {d["metadata"]["uid"] for d in stack.kube.list("deployments")} == set(again)
    assert not stack.kube.list("services")


def test_a_stopped_worker_does_not_affect_reused_ids(own_stack):
    """Sixty creates and sixty deletes while a worker is stopped; then the ids are reused."""
    stack = own_stack(2)
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        assert set(pool.map(lambda i: stack.api.create(spec(), f"old-{i}").status, range(60))) == {201}
        suspend(stack.workers[0])
        creates = [pool.submit(stack.api.create, spec(), f"new-{i}") for i in range(60)]
        deletes = [pool.submit(stack.api.delete, f"old-{i}") for i in range(60)]
        assert {a.result().status for a in creates} == {201} and {a.result().status for a in deletes} == {204}
        assert set(pool.map(lambda i: stack.api.delete(f"new-{i}").status, range(60))) == {204}
        again = set(pool.map(lambda i: stack.api.create(spec(), f"old-{i}").json["uid"], range(60)))
        resume(stack.workers[0])
    time.sleep(4)
    assert {d["metadata"]["uid"] for d in stack.kube.list("deployments")} == again


def test_a_late_failure_keeps_an_answered_create(gated):
    stack, gate = gated
    late_failure(stack, gate)
    assert stack.kube.get("services", "told")


# ---- deaths ----------------------------------------------------------------------------------------------------------

STEPS = [("before", DEPLOYMENTS), ("after", DEPLOYMENTS), ("before", SERVICES), ("after", SERVICES)]


@pytest.mark.parametrize("when,path", STEPS)
@pytest.mark.parametrize("victims", ["api-svc", "both"])
def test_a_create_of_a_dead_process_is_removed_within_a_minute(gated, when, path, victims):
    stack, gate = gated
    hold, answer = held_create(stack, gate, when, path, "orphan")
    died = time.monotonic()
    dies_with(stack, hold, answer, victims)
    time.sleep(0.5)
    wait_for("gone", lambda: gone(stack.kube, "orphan"), MINUTE - 10, 0.2)
    time.sleep(3)
    assert gone(stack.kube, "orphan") and time.monotonic() - died < MINUTE
    come_back(stack)
    assert stack.api.create(spec(ports=PORTS), "orphan").status == 201


def test_a_retry_by_key_settles_the_create_of_a_dead_process(gated):
    stack, gate = gated
    key = {"Idempotency-Key": "k1"}
    dies_with(stack, *held_create(stack, gate, "after", SERVICES, "kept", key))
    come_back(stack)
    repeated = stack.api.create(spec(ports=PORTS), "kept", key)
    assert repeated.status == 201
    stays(stack.kube, "kept", repeated.json["uid"], 40)  # longer than an abandoned one is left for a repeat


def test_an_abandoned_create_by_key_is_removed_within_a_minute(gated):
    stack, gate = gated
    dies_with(stack, *held_create(stack, gate, "after", SERVICES, "left", {"Idempotency-Key": "k2"}))
    time.sleep(10)
    assert uid(stack.kube, "left"), "a repeat would still find it"
    wait_for("gone", lambda: gone(stack.kube, "left"), MINUTE - 10, 0.5)


def test_creates_survive_a_nats_crash_between_request_and_reply(gated):
    stack, gate = gated
    hold, answer = held_create(stack, gate, "after", DEPLOYMENTS, "cut", ports=())
    stack.nats.kill()
    hold.release()
    time.sleep(1)
    stack.start_nats()
    told = answer.result()
    if told.status == 201:
        stays(stack.kube, "cut", told.json["uid"], 15)
    else:
        told.problem(told.status, "UNAVAILABLE")
        wait_for("gone", lambda: gone(stack.kube, "cut"), MINUTE, 0.5)


def test_settled_records_are_removed(own_stack):
    stack = own_stack(2)
    for i in range(5):
        assert stack.api.create(spec(), f"clean-{i}").status == 201
    nats = Nats(stack.nats_port)

    def records():
        info = nats.jetstream(f"STREAM.INFO.{BUCKET}", {"subjects_filter": ">"})
        return [s for s in info["state"].get("subjects", {}) if ".owed." in s]
    try:
        wait_for("no record of a debt", lambda: not records(), 10)
    finally:
        nats.close()


def test_finished_records_of_reused_ids_cost_no_calls_of_kubernetes(own_stack):
    """Their containers were created by other requests."""
    stack = own_stack(workers=0)
    port = port_of(stack.add_worker(**ANY_PORT).log())
    for round_number in range(2):
        for i in range(20):
            key = {"Idempotency-Key": f"reuse-{round_number}-{i}"}
            assert stack.api.create(spec(), f"reused-{i}", key).status == 201
        if round_number == 0:
            assert [stack.api.delete(f"reused-{i}").status for i in range(20)] == [204] * 20
    time.sleep(3)  # the last create is in the cache, and was seen by the sweeper

    def gets():
        return sum(scrape(port).sum("dcm_sp_kubernetes_requests_total", verb="get", kind=kind)
                   for kind in ("deployments", "statefulsets"))
    before = gets()
    time.sleep(6)  # three sweeps or more
    assert gets() - before < 20, gets() - before


# ---- one key, one container ------------------------------------------------------------------------------------------

def test_one_key_creates_one_container(stack):
    key = {"Idempotency-Key": "one"}
    first = stack.api.create(spec(ports=PORTS), "a", key)
    assert first.status == 201
    for other_id, other_spec in (("b", spec(ports=PORTS)), ("a", spec("other", ports=PORTS)), (None, spec())):
        problem = stack.api.create(other_spec, other_id, key).problem(422, "INVALID_ARGUMENT")
        assert "'a'" in problem["detail"]
    reordered = dict(reversed(spec(ports=PORTS).items()))
    for container_id in ("a", None):
        again = stack.api.create(reordered, container_id, key)
        assert again.status == 201 and again.json["uid"] == first.json["uid"]
    assert [c["id"] for c in stack.api.list_all(100)] == ["a"]
    assert stack.api.delete("a").status == 204
    wait_for("the key is free", lambda: stack.api.create(spec(), "b", key).status == 201, 10)


def test_concurrent_creates_by_one_key_create_one_container(own_stack):
    stack = own_stack(3)
    for round_ in range(5):
        key = {"Idempotency-Key": f"race-{round_}"}
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda i: stack.api.create(spec(), f"r{round_}-{i}", key), range(10)))
        made = [a for a in answers if a.status == 201]
        assert len(made) == 1 and all(a.status in (201, 422) for a in answers), [a.status for a in answers]
        assert [d["metadata"]["name"] for d in stack.kube.list("deployments") if
                d["metadata"]["name"].startswith(f"r{round_}-")] == [made[0].json["id"]]


# ---- the rest --------------------------------------------------------------------------------------------------------

def test_a_delete_by_a_just_started_worker_leaves_no_service(gated):
    """Its cache has no Services yet: those without an owner are looked up."""
    stack, gate = gated
    labels = {"dcm.project/managed-by": "dcm", "dcm.project/dcm-instance-id": "foreign",
              "dcm.project/dcm-service-type": "container"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    stack.kube.create("deployments", {"metadata": {"name": "by-others", "labels": labels}, "spec": {
        "selector": {"matchLabels": labels}, "template": pod}})
    stack.kube.create("services", {"metadata": {"name": "by-others", "labels": labels}, "spec": {
        "selector": labels, "ports": [{"port": 80}]}})
    hold = gate.hold("before", "GET", r"/services\?(?!.*instance-id)", -1)
    stack.workers[0].kill()
    stack.workers.clear()
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    assert stack.api.delete("foreign").status == 204
    assert not stack.kube.of("services", "foreign") and not stack.kube.of("deployments", "foreign")
    hold.release()


def test_overload_is_rejected_in_time(own_stack):
    """More clients than a worker with one thread can serve: excess requests are rejected, and health stays good."""
    stack = own_stack(1, SP_WORKER_CONCURRENCY="1")
    seen, healths, stop = [], [], threading.Event()

    def client(number):
        serial = 0
        while not stop.is_set():
            serial += 1
            begun = time.monotonic()
            answer = stack.api.create(spec(), f"c{number}-{serial}")
            seen.append((answer.status, time.monotonic() - begun))
            if answer.status == 503:
                assert int(answer.headers["retry-after"]) > 0

    with concurrent.futures.ThreadPoolExecutor(201) as pool:
        clients = [pool.submit(client, i) for i in range(200)]
        end = time.monotonic() + 8
        while time.monotonic() < end:
            begun = time.monotonic()
            healths.append((stack.api.health(), time.monotonic() - begun))
            time.sleep(0.2)
        stop.set()
        for each in clients:
            each.result()
    assert {status for status, _ in seen} <= {201, 503}
    assert max(took for _, took in seen) < WORKER_WAIT + 2, max(took for _, took in seen)
    assert all(h == "healthy" and took < 1 for h, took in healths), healths
    assert stack.api.create(spec(), "after").status == 201
    made = {d["metadata"]["name"] for d in stack.kube.list("deployments")}
    assert len(made) == sum(status == 201 for status, _ in seen) + 1
