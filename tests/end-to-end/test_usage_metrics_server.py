"""
Usage of containers, as measured by the real metrics-server (METRICS_SERVER=yes tests/cluster/start.sh). What their Pods use
is set by labels (tests/cluster/kubelet/resource.go).
"""

import os
import signal

import pytest

from api import BASE, spec
from control_plane import CLUSTER, restart_api_server
from processes import wait_for

CORES, BYTES = 0.25, 40 << 20
MEASURED_WITHIN = 90  # two looks, ten seconds apart, after a first start
API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"


def usage(stack, container_id):
    return stack.api.call("GET", f"{BASE}/{container_id}/usage")


def create(stack, container_id, cores=CORES, **hints):
    labels = {"dcm-test/usage-cores": str(cores), "dcm-test/usage-bytes": str(BYTES)}
    answer = stack.api.create(spec(metadata={"name": container_id, "labels": labels},
                                   provider_hints={"kubernetes": hints}), container_id)
    assert answer.status == 201, answer.text


def wait_measured(stack, container_id, replicas=1):
    def measured():
        answer = usage(stack, container_id)
        assert answer.status in (200, 503), answer.text
        return answer.status == 200 and len(answer.json["replicas"]) == replicas and answer.json
    return wait_for(f"{container_id} is measured", measured, MEASURED_WITHIN, 0.5)


def test_a_just_started_container_has_no_usage_yet(stack):
    create(stack, "young")
    stack.wait_status("young", "RUNNING")
    answer = usage(stack, "young")
    problem = answer.problem(503, "UNAVAILABLE")
    assert "measured" in problem["detail"] and int(answer.headers["retry-after"]) > 0, answer.text
    wait_measured(stack, "young")


def test_usage_is_that_of_metrics_server(stack):
    create(stack, "busy", replicas=2)
    shown = wait_measured(stack, "busy", 2)
    assert {r["name"] for r in shown["replicas"]} == {p["metadata"]["name"] for p in stack.kube.of("pods", "busy")}
    for replica in shown["replicas"]:
        assert replica["cpu_cores"] == pytest.approx(CORES, rel=0.01) and replica["memory_bytes"] == BYTES, shown
    assert shown["cpu_cores"] == pytest.approx(2 * CORES, rel=0.01) and shown["memory_bytes"] == 2 * BYTES, shown
    assert shown["cpu_limit"] == 4 and shown["memory_limit_bytes"] == 2 * 128 * 1024 * 1024, shown
    status, metrics = stack.kube.call("GET", f"/apis/metrics.k8s.io/v1beta1/namespaces/{stack.kube.namespace}/pods")
    assert status == 200 and shown["window"] and shown["time"] <= max(m["timestamp"] for m in metrics["items"]), metrics


def test_usage_of_a_stopped_container_is_409(stack):
    create(stack, "still")
    wait_measured(stack, "still")
    assert stack.api.call("POST", f"{BASE}/still:stop").status == 200
    answer = wait_for("earlier measurements have expired", lambda: usage(stack, "still").status != 200 and
                      usage(stack, "still"), 60)
    assert "no replicas" in answer.problem(409, "CONFLICT")["detail"] and "retry-after" not in answer.headers


def test_the_autoscaler_uses_the_metrics(stack):
    create(stack, "elastic", cores=2, autoscale={"min": 1, "max": 3, "cpu_percent": 50})
    wait_for("three replicas", lambda: stack.api.get("elastic").json["replicas"]["ready"] == 3, 240, 0.5)
    shown = wait_measured(stack, "elastic", 3)
    assert shown["cpu_cores"] == pytest.approx(6, rel=0.01), shown
    assert "replicas" not in stack.api.get("elastic").json["spec"]["provider_hints"]["kubernetes"]


def signal_metrics_server(number):
    with open(f"{CLUSTER}/run/metrics-server.pid", encoding="ascii") as f:
        os.kill(int(f.read()), number)


def check_unavailable(stack, container_id, status=503):
    """Without metrics-server only usage is not there."""
    answer = usage(stack, container_id)
    problem = answer.problem(status, "UNAVAILABLE")
    assert "metrics.k8s.io" in problem["detail"], problem
    assert status != 503 or int(answer.headers["retry-after"]) > 0, answer.headers
    assert stack.api.health() == "healthy" and stack.api.get(container_id).json["status"] == "RUNNING"


def api_service_available(stack):
    status, service = stack.kube.call("GET", API_SERVICE)
    assert status == 200, service
    return next(c["status"] for c in service["status"]["conditions"] if c["type"] == "Available") == "True"


def test_a_hanging_metrics_server_is_unavailable(stack):
    create(stack, "hung")
    wait_measured(stack, "hung")
    signal_metrics_server(signal.SIGSTOP)
    try:
        check_unavailable(stack, "hung", 504)
    finally:
        signal_metrics_server(signal.SIGCONT)
    wait_measured(stack, "hung")


def test_a_killed_metrics_server_is_unavailable(stack):
    create(stack, "lone")
    wait_measured(stack, "lone")
    signal_metrics_server(signal.SIGKILL)
    try:
        check_unavailable(stack, "lone")
        wait_for("the API server has detected it", lambda: not api_service_available(stack), 60, 0.5)
        check_unavailable(stack, "lone")
    finally:
        restart_api_server()  # and with it metrics-server
    wait_for("metrics-server serves again", lambda: api_service_available(stack), 90, 0.5)
    wait_measured(stack, "lone")


def test_usage_without_metrics_server_is_501(stack):
    create(stack, "unmeasured")
    wait_measured(stack, "unmeasured")
    status, service = stack.kube.call("GET", API_SERVICE)
    assert status == 200, service
    assert stack.kube.call("DELETE", API_SERVICE)[0] == 200
    try:
        wait_for("no metrics.k8s.io", lambda: stack.kube.call("GET", "/apis/metrics.k8s.io/v1beta1")[0] == 404, 30, 0.2)
        problem = usage(stack, "unmeasured").problem(501, "UNIMPLEMENTED")
        assert "metrics.k8s.io" in problem["detail"], problem
    finally:
        again = {**service, "metadata": {"name": service["metadata"]["name"]}}
        status, answer = stack.kube.call("POST", os.path.dirname(API_SERVICE), again)
        assert status == 201, answer
    wait_for("metrics.k8s.io again", lambda: stack.kube.call("GET", "/apis/metrics.k8s.io/v1beta1")[0] == 200, 90, 0.5)
    wait_measured(stack, "unmeasured")
