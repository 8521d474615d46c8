"""Complete scenarios with stand-ins of DCM programs (tests/dcm)."""

import os
import sys
import threading
import time

import pytest

from api import BASE, spec
from ports import free_port
from processes import Process, wait_for
from proxy import Proxy
from wire import Dcm

ROOT = os.path.join(os.path.dirname(__file__), "..")
sys.path += [os.path.join(ROOT, "dcm"), os.path.join(ROOT, "component", "registrar")]
from health_poller import HealthPoller  # noqa: E402  (the folders are known only now)
from registry import Registry  # noqa: E402
from resource_manager import Refused, ResourceManager  # noqa: E402
from status_consumer import StatusConsumer  # noqa: E402
from three_tier import TIERS, ThreeTier  # noqa: E402


class Provider:
    """Everything of one provider, and DCM around it."""

    def __init__(self, monitors, own_stack):
        self.monitors = monitors(count=2)
        self.dcm = self.monitors.dcm  # sees every event, for the assertions
        self.stack = own_stack(workers=2, name=self.monitors.name, nats_port=self.monitors.port)
        self.manager = ResourceManager(self.stack.api_port)


@pytest.fixture
def provider(monitors, own_stack):
    return Provider(monitors, own_stack)


def deployments(provider):
    return sorted(d["metadata"]["name"] for d in provider.stack.kube.list("deployments"))


def test_provision_observe_delete_observe(monitors, own_stack):
    m = monitors(stream=None)
    consumer = StatusConsumer(m.port)
    stack = own_stack(workers=2, name=m.name, nats_port=m.port)
    manager = ResourceManager(stack.api_port)
    try:
        made = manager.create("inst-1", spec())
        assert made["id"] == "inst-1" and made["status"] == "PENDING"
        consumer.known.add("inst-1")
        wait_for("RUNNING", lambda: consumer.statuses.get("inst-1") == "RUNNING")
        manager.create("stranger", spec())
        wait_for("an event of an unknown instance", lambda: "stranger" in consumer.dropped)
        manager.delete("inst-1")
        wait_for("DELETED", lambda: consumer.statuses["inst-1"] == "DELETED")
        manager.delete("inst-1")  # swept again: 404 is success
        assert "stranger" not in consumer.statuses
    finally:
        consumer.stop()


def test_changes_are_never_reported_as_failed(monitors, own_stack):
    """DCM tears a run down on FAILED: a change, stop, restart or rollback must never be reported as FAILED, even temporarily."""
    m = monitors(stream=None)
    consumer = StatusConsumer(m.port)
    m.dcm = Dcm(m.port, stream=False)  # gets every event, in order
    stack = own_stack(workers=2, name=m.name, nats_port=m.port)
    api, story = stack.api, f"{BASE}/story"
    consumer.known.add("story")

    def told(status):
        wait_for(status, lambda: consumer.statuses.get("story") == status, 30)

    try:
        ResourceManager(stack.api_port).create("story", spec(ports=[(80, "internal")]))
        told("RUNNING")
        assert api.call("POST", story + ":scale", {"replicas": 3}).status == 200
        wait_for("3 replicas", lambda: api.get("story").json["replicas"]["available"] == 3, 30)
        assert api.call("PATCH", story, {"spec": {"image": {"reference": "nginx:1.28"}}}).status == 200
        wait_for("the rollout", lambda: api.get("story").json["replicas"]["updated"] == 3, 30)
        assert api.call("POST", story + ":restart").status == 200
        assert api.call("PATCH", story, {"spec": {"image": {"reference": "nonexistent:1"}}}).status == 200
        time.sleep(3)
        assert api.call("POST", story + ":rollback").status == 200
        told("RUNNING")
        assert api.call("POST", story + ":stop").status == 200
        told("STOPPED")
        assert api.get("story").json["status"] == "STOPPED"
        assert api.call("POST", story + ":start").status == 200
        told("RUNNING")
        assert api.delete("story").status == 204
        told("DELETED")
        assert "FAILED" not in m.dcm.of("story"), m.dcm.of("story")
    finally:
        consumer.stop()


def test_a_lost_event_is_repeated_by_the_resync(monitors, own_stack):
    """An event received before DCM knew the instance is lost; the resync repairs this."""
    m = monitors(stream=None, SP_MONITOR_RESYNC_PERIOD="2s")
    consumer = StatusConsumer(m.port)
    stack = own_stack(name=m.name, nats_port=m.port)
    try:
        ResourceManager(stack.api_port).create("early", spec())
        wait_for("events that are dropped", lambda: consumer.dropped.count("early") >= 2)
        consumer.known.add("early")
        wait_for("RUNNING", lambda: consumer.statuses.get("early") == "RUNNING")
    finally:
        consumer.stop()


def test_rehydration_has_two_live_containers_with_one_name(provider):
    provider.manager.create("old", spec("same"))
    provider.manager.create("new", spec("same"))
    provider.monitors.wait_last("old", "RUNNING")
    provider.monitors.wait_last("new", "RUNNING")
    provider.manager.delete("old")
    provider.monitors.wait_last("old", "DELETED")
    assert provider.stack.api.get("new").json["status"] == "RUNNING"
    assert provider.dcm.of("new")[-1] == "RUNNING"


def test_an_error_in_a_run_leaves_nothing(provider):
    bad = spec()
    bad["metadata"]["labels"] = {"dcm.project/managed-by": "me"}
    with pytest.raises(Refused):
        provider.manager.place({"a": spec(), "b": spec(), "c": bad})
    assert deployments(provider) == []


def test_a_lost_reply_leaves_no_container_unknown_to_dcm(provider):
    """Connections are lost during the create: it is undone, and its retry succeeds, or is rejected and discarded."""
    proxy = Proxy(provider.stack.api_port)
    manager = ResourceManager(proxy.port)
    known = set()
    for number in range(10):
        proxy.lose = 1
        try:
            manager.create(f"lost-{number}", spec())
            known.add(f"lost-{number}")
        except Refused as refused:
            assert refused.args[0] == 409
    proxy.close()
    assert proxy.lose == 0
    wait_for("the containers known to DCM only", lambda: set(deployments(provider)) == known, 20)


def test_a_restart_of_the_provider_does_not_affect_a_run(provider):
    results = []

    def create_all():
        for number in range(40):
            results.append(provider.manager.create(f"r-{number}", spec())["id"])

    thread = threading.Thread(target=create_all)
    thread.start()
    provider.stack.workers[0].kill()
    provider.stack.add_worker()
    provider.stack.workers[1].kill()
    provider.stack.add_worker()
    thread.join()
    del provider.stack.workers[:2]
    assert results == [f"r-{number}" for number in range(40)]
    assert deployments(provider) == sorted(results)


def test_the_health_poller_drops_and_restores_the_provider(provider):
    poller = HealthPoller(provider.stack.api_port, period=0.3)
    try:
        wait_for("available", lambda: poller.available)
        for worker in provider.stack.workers:
            worker.kill()
        wait_for("unavailable", lambda: poller.available is False)
        provider.stack.workers.clear()
        provider.stack.add_worker()
        wait_for("available again", lambda: poller.available)
    finally:
        poller.stop()


def test_the_three_tiers_can_connect(provider):
    stack = ThreeTier(provider.stack.api_port, "shop")
    containers = stack.create()
    assert {t: c["service"]["name"] for t, c in containers.items()} == {t: f"shop-{t}" for t in TIERS}
    stack.delete()
    for tier in TIERS:
        provider.monitors.wait_last(f"shop-{tier}", "DELETED")


def test_two_instances_of_each_process_cause_no_duplicates(provider, tmp_path):
    registry, port = Registry(), free_port()
    env = {**provider.stack.env, "SP_SERVER_ADDRESS": f"127.0.0.1:{port}", "DCM_REGISTRATION_URL": registry.url,
           "SP_ENDPOINT": f"http://127.0.0.1:{port}", "SP_REGISTRATION_INTERVAL": "1s"}
    bin_folder = os.environ["E2E_BIN"]
    more = [Process("api-svc-2", [f"{bin_folder}/api-svc"], env, str(tmp_path)).start()]
    more += [Process(f"registrar-{n}", [f"{bin_folder}/registrar"], env, str(tmp_path)).start() for n in (1, 2)]
    proxy = Proxy(provider.stack.api_port, port)
    manager = ResourceManager(proxy.port)
    try:
        more[0].wait_log('"listening"')
        for number in range(10):
            manager.create(f"twice-{number}", spec())
            provider.monitors.wait_last(f"twice-{number}", "RUNNING")
        wait_for("registered", lambda: len(registry.providers) == 1)
        registry.forget()
        wait_for("registered again after the registry lost it", lambda: len(registry.providers) == 1, 20)
        assert deployments(provider) == sorted(f"twice-{number}" for number in range(10))
        # One active monitor: no status is reported twice in a row except by a resync, which is far away.
        for number in range(10):
            told = [e for e in provider.dcm.events if e[0] == f"twice-{number}"]
            assert len(told) == len({(e[1], e[2]) for e in told}), told
    finally:
        proxy.close()
        for process in more:
            process.stop()
        registry.stop()
