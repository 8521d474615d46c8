"""Simulator faults: the mark of a container cannot be removed, a watch is silent."""

import time

import pytest

from api import spec
from processes import Process, wait_for
from test_settled import healthy, stays, uid


@pytest.fixture
def plain(own_stack, tmp_path):
    """A pipeline on a nats-server without JetStream."""
    stack = own_stack(0, start=False)
    stack.nats = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(stack.nats_port)], {}, str(tmp_path))
    stack.start(1)
    return stack


def test_a_mark_that_cannot_be_removed_does_not_prove_a_failure(plain, target):
    """A Role without "patch", as in v0.1: after a restart it is unknown that the client has the reply."""
    target.faults({"match": {"verb": "patch"}, "kind": "forbidden", "count": -1})
    told = plain.api.create(spec(), "told")
    assert told.status == 201
    plain.api_svc.stop()
    plain.api_svc.start()
    wait_for("healthy", lambda: healthy(plain))
    stays(plain.kube, "told", told.json["uid"], 15)


def test_a_key_is_reusable_after_an_unobserved_deletion(own_stack, target):
    """The watch of Deployments is silent: the cache still has the container of a key, which was deleted."""
    stack = own_stack(1)
    key = {"Idempotency-Key": "again"}
    assert stack.api.create(spec(), "a", key).status == 201
    wait_for("it is in the cache", lambda: stack.api.create(spec(), "b", key).status == 422, 5)
    target.faults({"match": {"resource": "deployments"}, "kind": "watch-silent", "count": -1})
    assert stack.api.create(spec(), "last-words").status == 201  # after this the watch is silent
    time.sleep(0.5)
    stack.kube.delete("deployments", "a")
    wait_for("it no longer exists", lambda: not uid(stack.kube, "a"))
    second = stack.api.create(spec(), "b", key)
    assert second.status == 201, second.text
    assert stack.api.create(spec(), "b", key).json["uid"] == second.json["uid"]
