"""A watch during restart, compaction and outage of the API server."""

import time

import pytest

from api import spec
from control_plane import forget_the_past, restart_api_server
from processes import wait_for
from test_watch import create, settle, watch  # noqa: F401  (a fixture)


@pytest.mark.parametrize("fail", [lambda: restart_api_server("--kill"), forget_the_past], ids=["killed", "forgetful"])
def test_watch_continues_during_failures_of_the_api_server(own_stack, watch, fail):  # noqa: F811
    stack = own_stack(workers=1)
    for container_id in ("one", "two"):
        create(stack, container_id)
        stack.wait_status(container_id, "RUNNING")
    watcher = watch(stack)
    settle(stack, watcher, "one", "two")
    told = len(watcher.log)
    fail()
    wait_for("healthy", lambda: stack.api.health() == "healthy", 60)
    assert stack.api.delete("one").status == 204
    answer = stack.api.create(spec(), "three", timeout=60)
    assert answer.status == 201, answer.text
    watcher.until("all is told", lambda s: set(s) == {"two", "three"} and s["three"]["status"] == "RUNNING", 90)
    assert {i for kind, i in watcher.log[told:] if kind in ("DELETED", "snapshot")} == {"one"}, watcher.log[told:]
    settle(stack, watcher, "two", "three")


