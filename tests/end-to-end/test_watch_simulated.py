"""A watch while Kubernetes is unavailable or denies it."""

import time

import pytest

from api import BASE, spec
from conftest import Stack, Target
from processes import wait_for
from watcher import Watcher, path


@pytest.fixture
def lonely(tmp_path):
    """A pipeline with its own simulator."""
    target = Target(str(tmp_path))
    stack = Stack(target, str(tmp_path)).start(workers=1)
    yield stack
    stack.stop()
    target.stop()


def test_watch_is_rejected_while_kubernetes_is_down(lonely):
    lonely.target.process.kill()
    begun = time.monotonic()
    problem = lonely.api.call("GET", path()).problem(503, "UNAVAILABLE")
    assert time.monotonic() - begun < 10, problem
    lonely.target.process.start()
    wait_for("healthy", lambda: lonely.api.health() == "healthy", 30)
    Watcher(lonely.api_port).sync().close()


def test_watch_stays_open_while_kubernetes_is_down_and_new_ones_are_rejected(lonely):
    assert lonely.api.create(spec(), "lost").status == 201
    watcher = Watcher(lonely.api_port, timeout=60).sync()
    watcher.until("lost", lambda s: "lost" in s)
    lonely.target.process.kill()

    def is_refused():
        other = Watcher(lonely.api_port, timeout=60)
        other.close()
        return other.status == 503
    wait_for("a new watch is rejected", is_refused, 30)
    lonely.target.process.start()  # with nothing in it
    watcher.until("lost is gone", lambda s: not s, 60)
    assert watcher.log[-1] == ("DELETED", "lost") and watcher.log.count(("synced", None)) == 1
    watcher.close()


@pytest.mark.parametrize("resource", ["deployments", "pods"])
def test_streams_without_the_permission_to_list_are_rejected(lonely, resource):
    assert lonely.api.create(spec(), "web").status == 201
    worker = lonely.workers[0]
    worker.stop()
    lonely.target.faults({"match": {"resource": resource, "verb": "list"}, "kind": "forbidden", "count": -1})
    worker.start().wait_log("not allowed to list")
    for method, url, body in (("GET", path(), None), ("GET", f"{BASE}/web/logs", None),
                              ("POST", f"{BASE}/web:exec", {"command": ["true"]})):
        problem = lonely.api.call(method, url, body).problem(403, "PERMISSION_DENIED")
        assert f'cannot list resource "{resource}"' in problem["detail"], problem
    lonely.target.faults()
    worker.stop()
    worker.start()
    Watcher(lonely.api_port).sync().close()
