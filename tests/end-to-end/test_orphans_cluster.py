"""Containers after `kubectl delete --cascade=orphan`, with a real garbage collector."""

import time

from api import spec
from processes import wait_for

PORTS = [(80, "internal")]


def test_orphaned_pods_survive_a_rejected_create(stack):
    assert stack.api.create(spec(ports=PORTS), "web").status == 201
    wait_for("it runs", lambda: stack.api.get("web").json["status"] == "RUNNING")
    pods = {pod["metadata"]["uid"] for pod in stack.kube.of("pods", "web")}
    status, answer = stack.kube.call("DELETE", stack.kube.path("deployments", "web"), {"propagationPolicy": "Orphan"})
    assert status == 200, answer
    wait_for("only orphans are left", lambda: not stack.kube.get("deployments", "web") and not any(
        "ownerReferences" in orphan["metadata"] for kind in ("replicasets", "services")
        for orphan in stack.kube.of(kind, "web")))

    problem = stack.api.create(spec(ports=PORTS), "web").problem(409, "ALREADY_EXISTS")
    assert "Service named 'web'" in problem["detail"], problem
    time.sleep(2)  # for a controller that would adopt and remove them
    assert {pod["metadata"]["uid"] for pod in stack.kube.of("pods", "web")} == pods
    assert not stack.kube.get("deployments", "web")

    stack.kube.delete("services", "web")
    assert stack.api.create(spec(ports=PORTS), "web").status == 201
    assert {pod["metadata"]["uid"] for pod in stack.kube.of("pods", "web")} >= pods
