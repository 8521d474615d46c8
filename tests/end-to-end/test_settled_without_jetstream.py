"""The same guarantees without JetStream: the debt is stored on the object."""

import time

import pytest

from api import spec
from gate import Gate
from kube import Kube
from processes import Process, wait_for
from test_settled import (
    DEPLOYMENTS, MINUTE, PORTS, SERVICES, come_back, dies_with, gone, healthy, held_create, late_create, late_failure, resume,
    stays, uid)

OWED = "dcm.project/owed"


@pytest.fixture
def plain(target, own_stack, tmp_path, no_other_workers):
    """A pipeline on a nats-server without JetStream, whose only worker goes through a gate: (stack, gate)."""
    gate = Gate(Kube(target.kubeconfig, target.namespace), str(tmp_path))
    stack = own_stack(0, start=False, SP_LOG_LEVEL="debug")
    stack.nats = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(stack.nats_port)], {}, str(tmp_path))
    stack.start(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    wait_for("healthy", lambda: healthy(stack))
    yield stack, gate
    gate.stop()


def owed(kube, name):
    deployment = kube.get("deployments", name)
    return deployment and deployment["metadata"].get("annotations", {}).get(OWED)  # "": it is settled


def test_the_mark_is_removed_after_the_reply(plain):
    stack, _ = plain
    for i in range(5):
        assert stack.api.create(spec(ports=PORTS), f"c{i}").status == 201
    wait_for("no mark", lambda: not any(owed(stack.kube, f"c{i}") for i in range(5)), 5)
    time.sleep(8)
    assert len(stack.kube.list("deployments")) == 5 and len(stack.kube.list("services")) == 5


def test_a_late_create_is_undone(plain):
    stack, gate = plain
    hold = late_create(stack, gate)
    resume(stack.workers[0])
    hold.release()
    time.sleep(3)
    assert gone(stack.kube, "late")


def test_a_late_failure_keeps_an_answered_create(plain):
    late_failure(*plain)


@pytest.mark.parametrize("when,path", [("after", DEPLOYMENTS), ("after", SERVICES)])
@pytest.mark.parametrize("victims", ["api-svc", "both"])
def test_a_create_of_a_dead_process_is_removed_within_a_minute(plain, when, path, victims):
    stack, gate = plain
    dies_with(stack, *held_create(stack, gate, when, path, "orphan"), victims)
    wait_for("gone", lambda: gone(stack.kube, "orphan"), MINUTE - 10, 0.2)
    time.sleep(2)
    assert gone(stack.kube, "orphan")


def test_a_mark_left_by_a_dead_worker_is_settled(plain):
    """api-svc remembers that the client has the reply: another worker settles it."""
    stack, gate = plain
    hold = gate.hold("before", "PATCH", "/deployments/told")
    told = stack.api.create(spec(), "told")
    assert told.status == 201
    hold.wait()
    stack.workers[0].kill()
    stack.add_worker()
    wait_for("no mark", lambda: not owed(stack.kube, "told"), 20)
    stays(stack.kube, "told", told.json["uid"], 10)


def test_a_retry_by_key_adopts_the_create_of_a_dead_process(plain):
    stack, gate = plain
    key = {"Idempotency-Key": "k1"}
    dies_with(stack, *held_create(stack, gate, "after", SERVICES, "kept", key))
    come_back(stack)
    repeated = stack.api.create(spec(ports=PORTS), "kept", key)
    assert repeated.status == 201
    wait_for("no mark", lambda: not owed(stack.kube, "kept"), 5)
    stays(stack.kube, "kept", repeated.json["uid"], 5)


def test_one_key_creates_one_container(plain):
    stack, _ = plain
    key = {"Idempotency-Key": "one"}
    first = stack.api.create(spec(), "a", key)
    assert first.status == 201
    wait_for("it is seen", lambda: stack.api.create(spec(), "b", key).status == 422, 5)
    assert stack.api.create(spec(), None, key).json["uid"] == first.json["uid"] == uid(stack.kube, "a")
