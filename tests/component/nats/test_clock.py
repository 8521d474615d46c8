"""A wall clock set back an hour at run time does not cause delays."""

import time

import pytest

from api import spec
from conftest import PROGRAMS
from kube import Kube
from processes import wait_for
from wall_clock import Clock
from wire import Dcm, Nats

HOUR = 3600


@pytest.fixture
def running(start, kubeconfig, tmp_path):
    """The four processes with an adjustable clock, a consumer like DCM's, and a running container."""
    clock = Clock(tmp_path)
    sp = start(f'jetstream {{ store_dir: "{tmp_path}/jetstream" }}', SP_MONITOR_DEBOUNCE_MS="20", SP_FAILED_GRACE="2s",
               **clock.settings)
    sp.wait_healthy()
    dcm, kube = Dcm(sp.nats.port), Kube(kubeconfig, "default")
    assert sp.api.create(spec(), "before").status == 201
    wait_for("RUNNING", lambda: dcm.of("before")[-1:] == ["RUNNING"], 20)
    yield sp, clock, dcm, kube
    kube.call("DELETE", "/sim/faults")
    for item in kube.list("deployments"):
        kube.delete("deployments", item["metadata"]["name"])
    dcm.stop()


def role(sp):
    nats = Nats(sp.nats.port)
    try:
        return [b'"role":"active"' in body.encode() for _, body in nats.ask("$SRV.STATS.monitor", seconds=0.3)]
    finally:
        nats.close()


def scale(kube, dcm, container_id, replicas, status):
    kube.patch("deployments", container_id, {"spec": {"replicas": replicas}})
    wait_for(f"{status} of {dcm.of(container_id)}", lambda: dcm.of(container_id)[-1:] == [status], 10)


def test_events_lease_and_requests_continue(running):
    sp, clock, dcm, kube = running
    for i in range(2):
        clock.step(-HOUR)
        scale(kube, dcm, "before", 0, "FAILED")
        scale(kube, dcm, "before", 1, "RUNNING")
        wait_for("healthy", sp.healthy, 5)
        assert sp.api.create(spec(), f"after-{i}").status == 201
        wait_for("RUNNING", lambda i=i: dcm.of(f"after-{i}")[-1:] == ["RUNNING"], 10)
    end = time.monotonic() + 7  # longer than a lease that is not renewed
    while time.monotonic() < end:
        wait_for("the lease", lambda: role(sp) == [True], 2)
        time.sleep(0.5)
    assert sp.api.delete("before").status == 204
    wait_for("DELETED", lambda: dcm.of("before")[-1:] == ["DELETED"], 10)
    times = [e[3] for e in dcm.events if e[0] == "before"]
    assert times == sorted(times)


def test_a_failure_is_reported_after_the_grace_period(running):
    """Kubernetes dates it by its own clock, an hour ahead."""
    sp, clock, dcm, kube = running
    clock.step(-HOUR)
    kube.call("POST", "/sim/faults", {"match": {"resource": "pods"}, "kind": "quota", "count": -1})
    assert sp.api.create(spec(), "refused").status == 201
    wait_for("FAILED", lambda: dcm.of("refused")[-1:] == ["FAILED"], 10)
    assert set(dcm.of("refused")[:-1]) == {"PENDING"}
    assert sp.api.get("refused").json["status"] == "FAILED"


def test_connections_are_restored(running):
    """The clock is set back between two connection attempts; the next ones follow afterwards."""
    sp, clock, dcm, kube = running
    for _ in range(2):
        before = sp.connected()
        sp.nats.process.kill()
        time.sleep(3)
        clock.step(-HOUR)
        sp.nats.process.start()
        wait_for(f"all have connected again: {PROGRAMS}", lambda before=before: all(
            now > was for now, was in zip(sp.connected(), before)), 12)
        wait_for("healthy", sp.healthy, 5)
        kube.patch("deployments", "before", {"spec": {"replicas": 0}})
        wait_for("FAILED", lambda: dcm.of("before")[-1:] == ["FAILED"], 20)
        scale(kube, dcm, "before", 1, "RUNNING")


def test_shutdown_is_not_delayed(running):
    sp, clock, _, _ = running
    clock.step(-HOUR)
    started = time.monotonic()
    sp.stop()
    assert time.monotonic() - started < 20
