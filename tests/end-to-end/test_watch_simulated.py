"""A watch whose Kubernetes is away, or does not allow it."""

import time

import pytest

from conftest import Stack, Target
from processes import wait_for
from watcher import Watcher, path


@pytest.fixture
def lonely(tmp_path):
    """A pipeline with a simulator of its own."""
    target = Target(str(tmp_path))
    stack = Stack(target, str(tmp_path)).start(workers=1)
    yield stack
    stack.stop()
    target.stop()


def test_watch_is_refused_while_kubernetes_is_away(lonely):
    lonely.target.process.kill()
    begun = time.monotonic()
    problem = lonely.api.call("GET", path()).problem(503, "UNAVAILABLE")
    assert time.monotonic() - begun < 10, problem
    lonely.target.process.start()
    wait_for("healthy", lambda: lonely.api.health() == "healthy", 30)
    Watcher(lonely.api_port).sync().close()


def test_watch_tells_what_the_role_does_not_allow(lonely):
    lonely.target.faults({"match": {"resource": "deployments"}, "kind": "forbidden", "count": -1})
    problem = lonely.api.call("GET", path()).problem(403, "PERMISSION_DENIED")
    assert "deployments" in problem["detail"], problem
    lonely.target.faults()
    Watcher(lonely.api_port).sync().close()
