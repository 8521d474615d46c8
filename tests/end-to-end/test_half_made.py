"""Incomplete containers: known debts are undone; others are completed and never removed."""

import concurrent.futures
import time

import pytest

from api import spec
from processes import wait_for

PORTS = [(80, "internal")]


def half_made(kube):
    """Ids of Deployments whose Service is missing."""
    services = {s["metadata"]["labels"]["dcm.project/dcm-instance-id"] for s in kube.list("services")}
    return [d["metadata"]["name"] for d in kube.list("deployments") if d["metadata"]["name"] not in services]


@pytest.fixture
def no_services(target):
    """A quota that forbids Services, until the test ends."""
    if target.simulated:
        target.faults({"match": {"resource": "services", "method": "POST"}, "kind": "quota", "count": -1})
        yield
        target.faults()
        return
    target.admin.create("resourcequotas", {"metadata": {"name": "no-services"}, "spec": {"hard": {"services": "0"}}})
    wait_for("the quota counts", lambda: target.admin.get("resourcequotas", "no-services").get("status", {}).get("hard"))
    yield
    target.admin.delete("resourcequotas", "no-services")


def test_a_deployment_is_removed_if_its_service_is_rejected(stack, no_services):
    answer = stack.api.create(spec(ports=PORTS), "refused")
    problem = answer.problem(503, "UNAVAILABLE")
    assert "exceeded quota" in problem["detail"] and "retry-after" in answer.headers
    assert stack.kube.get("deployments", "refused") is None
    stack.api.get("refused").problem(404, "NOT_FOUND")
    assert stack.api.create(spec(), "portless").status == 201


def abandoned(stack, container_id):
    """A worker and its api-svc crash between the two writes: there is no retry."""
    assert stack.api.create(spec(ports=PORTS), "template").status == 201
    template = stack.kube.get("deployments", "template")
    text = stack.kube.call("GET", stack.kube.path("deployments", "template"))[1]
    assert template and text
    labels = {**template["metadata"]["labels"], "dcm.project/dcm-instance-id": container_id}
    pod = template["spec"]["template"]
    pod["metadata"]["labels"] = labels
    stack.kube.create("deployments", {
        "metadata": {"name": container_id, "labels": labels, "annotations": {
            k: v for k, v in template["metadata"]["annotations"].items() if k.startswith("dcm.project/")}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"dcm.project/managed-by": "dcm",
                                                             "dcm.project/dcm-instance-id": container_id,
                                                             "dcm.project/dcm-service-type": "container"}},
                 "template": pod}})


def test_an_abandoned_incomplete_container_is_completed(stack):
    abandoned(stack, "half-1")
    service = wait_for("completed", lambda: stack.kube.get("services", "half-1"), 30, 0.5)
    assert service["metadata"]["ownerReferences"][0]["uid"] == stack.kube.get("deployments", "half-1")["metadata"]["uid"]
    assert stack.api.get("half-1").json["service"]["name"] == "half-1"


def test_an_incomplete_container_that_cannot_be_completed_is_kept_with_a_reason(stack, target, request):
    abandoned(stack, "half-2")
    request.getfixturevalue("no_services")
    message = wait_for("the reason", lambda: stack.api.get("half-2").json.get("status_message"), 30, 0.5)
    assert "Service" in message and "exceeded quota" in message
    time.sleep(10)
    assert stack.kube.get("deployments", "half-2") and stack.kube.get("deployments", "template")


def test_the_word_internal_in_hints_is_not_a_port(stack):
    hints = {"docker": {"visibility": "internal"}, "text": '"visibility":"external"'}
    assert stack.api.create({**spec(), "provider_hints": hints}, "hinted").status == 201
    time.sleep(20)  # longer than the timeout of a missing Service
    container = stack.api.get("hinted").json
    assert container["status"] == "RUNNING" and container["spec"]["provider_hints"] == hints
    assert "status_message" not in container and "service" not in container


def test_a_deleted_service_is_not_recreated(stack):
    assert stack.api.create(spec(ports=PORTS), "bare").status == 201
    time.sleep(6)  # every worker has seen it complete
    stack.kube.delete("services", "bare")
    time.sleep(20)
    assert stack.kube.get("services", "bare") is None and stack.kube.get("deployments", "bare")


def test_kill_9_of_workers_during_creates_leaves_nothing_incomplete(own_stack):
    stack = own_stack(3)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        pending = []
        for i in range(150):
            pending.append(pool.submit(stack.api.create, spec(ports=PORTS), f"h{i:03d}"))
            time.sleep(0.01)
            if i in (50, 100):
                stack.workers[i // 50].kill()
        statuses = [p.result().status for p in pending]
    assert statuses == [201] * 150
    wait_for("nothing half-made", lambda: not half_made(stack.kube), 30, 0.5)
    assert len(stack.kube.list("deployments")) == 150


CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}


def test_owned_and_unwanted_objects_are_removed(stack):
    """A Service and an autoscaler created after all workers are gone. Objects of others are kept."""
    hints = {"kubernetes": {"autoscale": {"min": 1, "max": 3, "cpu_percent": 50}}}
    assert stack.api.create(spec(), "plain").status == 201
    assert stack.api.create(spec(provider_hints=hints), "scaled").status == 201
    deployment = stack.kube.get("deployments", "plain")
    ours = {"name": "plain", "labels": {k: v for k, v in deployment["metadata"]["labels"].items() if k.startswith("dcm.project/")},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "plain",
                                 "uid": deployment["metadata"]["uid"]}]}
    late = {"services": {"ports": [{"port": 80}], "selector": {"app": "plain"}},
            "horizontalpodautoscalers": {"maxReplicas": 2, "metrics": [CPU], "scaleTargetRef": {
                "apiVersion": "apps/v1", "kind": "Deployment", "name": "plain"}}}
    for kind, body in late.items():
        stack.kube.create(kind, {"metadata": ours, "spec": body})
    assert stack.target.admin.create("horizontalpodautoscalers", {
        "metadata": {"name": "others"}, "spec": late["horizontalpodautoscalers"]})
    wait_for("both are deleted", lambda: not any(stack.kube.get(kind, "plain") for kind in late), 60, 0.2)
    assert stack.kube.get("horizontalpodautoscalers", "scaled")
    assert stack.target.admin.get("horizontalpodautoscalers", "others")
    stack.target.admin.delete("horizontalpodautoscalers", "others")
    wait_for("no mark", lambda: "dcm.project/changing" not in stack.kube.get("deployments", "plain")["metadata"]["annotations"])
    assert stack.kube.get("deployments", "plain")["spec"] == deployment["spec"]
