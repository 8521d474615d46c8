"""Events, usage and logs without metrics-server, or after a restart of the API server."""

from api import BASE, spec
from container_logs import pod_of, say
from test_logs import logs, web


def test_usage_without_metrics_server_is_501_or_503(stack):
    stack.api.create(spec(), "unmeasured")
    for status, answer in ((404, (501, "UNIMPLEMENTED")), (503, (503, "UNAVAILABLE"))):
        stack.target.faults({"match": {"path": "/apis/metrics.k8s.io"}, "kind": "status", "status": status, "count": -1})
        problem = stack.api.call("GET", f"{BASE}/unmeasured/usage").problem(*answer)
        assert "metrics.k8s.io" in problem["detail"], problem
        stack.target.faults()


def test_logs_are_retried_while_a_starting_api_server_denies_everything(stack):
    web(stack, "early")
    say(stack, pod_of(stack, "early"), "x\n")
    of_logs = {"path": "/api/v1", "resource": "pods/log"}
    stack.target.faults({"match": of_logs, "kind": "drop", "count": 2},  # a lost connection is retried once
                        {"match": of_logs, "kind": "forbidden", "count": 3})
    answer = logs(stack, "early")
    assert answer.status == 200 and answer.text == "x\n", answer.text
    stack.target.faults()
