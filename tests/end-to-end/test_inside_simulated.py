"""Looking inside a container, when the cluster measures nothing."""

from api import BASE, spec


def test_usage_without_metrics(stack):
    stack.api.create(spec(), "unmeasured")
    for status, answer in ((404, (501, "UNIMPLEMENTED")), (503, (503, "UNAVAILABLE"))):
        stack.target.faults({"match": {"path": "/apis/metrics.k8s.io"}, "kind": "status", "status": status, "count": -1})
        problem = stack.api.call("GET", f"{BASE}/unmeasured/usage").problem(*answer)
        assert "metrics.k8s.io" in problem["detail"], problem
        stack.target.faults()
