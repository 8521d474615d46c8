"""Changes on a real control plane: rollout without interruption, policies, and a crashed API server."""

import concurrent.futures
import os
import signal
import threading
import time

from api import BASE, spec
from control_plane import CLUSTER, restart_api_server
from processes import wait_for
from test_admission_cluster import policy  # noqa: F401  (a fixture)
from test_methods import call, hints, revisions, wait_revision
from test_update import MERGE, patch
from test_update_atomic import MARK, NEW, NEW_STATE, OLD_STATE, state


class Endpoints:
    """Counts the ready endpoints of a Service, as fast as it can."""

    def __init__(self, kube, name):
        self.kube, self.counts, self.stopping = kube, [], threading.Event()
        self.path = (f"/apis/discovery.k8s.io/v1/namespaces/{kube.namespace}/endpointslices"
                     f"?labelSelector=kubernetes.io/service-name%3D{name}")
        self.thread = threading.Thread(target=self._run)

    def ready(self):
        slices = self.kube.call("GET", self.path)[1]["items"]
        return sum(1 for s in slices for e in s["endpoints"] or () if e["conditions"].get("ready"))

    def _run(self):
        while not self.stopping.is_set():
            self.counts.append(self.ready())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def test_rolling_updates_leave_a_ready_endpoint_at_any_moment(stack):
    written = spec(ports=[(80, "internal")], metadata={"name": "web", "labels": {"dcm-test/start-delay": "300ms"}},
                   **hints(replicas=2, strategy={"type": "rolling", "max_surge": 1, "max_unavailable": 0}))
    assert stack.api.create(written, "rolling").status == 201
    with_endpoints = Endpoints(stack.kube, "rolling")
    wait_for("two ready endpoints", lambda: with_endpoints.ready() == 2, 30)
    with with_endpoints as endpoints:
        for i in range(20):
            assert patch(stack, "rolling", {"spec": {"process": {"env": [{"name": "N", "value": str(i)}]}}}).status == 200
            time.sleep(0.4)
        wait_for("the last one is rolled out", lambda: [
            d["status"] for d in [stack.kube.get("deployments", "rolling")]
            if d["status"].get("updatedReplicas") == 2 == d["status"].get("replicas")], 60)
    print(len(endpoints.counts), "looks, at least", min(endpoints.counts), "ready")
    assert len(endpoints.counts) >= 40 and min(endpoints.counts) > 0


def test_update_rejected_by_a_policy_changes_nothing(stack, policy):  # noqa: F811
    assert stack.api.create(spec(), "whole").status == 201
    etag = stack.api.get("whole").json["etag"]
    policy("services", "false", "no Services in this namespace", "Forbidden")
    problem = patch(stack, "whole", NEW).problem(403, "PERMISSION_DENIED")
    assert "no Services in this namespace" in problem["detail"], problem
    assert state(stack) == OLD_STATE and stack.api.get("whole").json["etag"] == etag


def test_updates_during_api_server_crashes_are_atomic(stack, target):
    ids = [f"k{i}" for i in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {a.status for a in pool.map(lambda i: stack.api.create(spec(), i), ids)} == {201}
        pending = [pool.submit(stack.api.call, "PATCH", f"{BASE}/{i}", NEW, MERGE) for i in ids]
        time.sleep(0.05)
        restart_api_server("--kill")
        answers = {i: p.result() for i, p in zip(ids, pending)}
    assert {a.status for a in answers.values()} <= {200, 503, 504}, {a.status: a.text for a in answers.values()}
    wait_for("no marks", lambda: not any(MARK in d["metadata"]["annotations"] for d in stack.kube.list("deployments")), 60, 1)
    states = {i: state(stack, i) for i in ids}
    print({s: list(states.values()).count(s) for s in set(states.values())}, [a.status for a in answers.values()])
    assert set(states.values()) <= {OLD_STATE, NEW_STATE}
    assert all(states[i] == NEW_STATE for i in ids if answers[i].status == 200)


def test_rollback_works_while_the_controllers_are_stopped(stack, root_kind):
    """They have seen neither of two changes: the first one made no revision, the second one has none yet."""
    with open(os.path.join(CLUSTER, "run", "kube-controller-manager.pid")) as f:
        controllers = int(f.read())
    assert stack.api.create(spec(**hints(note="first")), "still").status == 201
    wait_revision(stack, "still", 1)
    os.kill(controllers, signal.SIGSTOP)
    try:
        assert patch(stack, "still", {"spec": hints(note="second", autoscale={"max": 3, "cpu_percent": 50})}).status == 200
        assert [r["spec"]["provider_hints"]["kubernetes"]["note"] for r in revisions(stack, "still")] == ["second"]
        assert patch(stack, "still", {"spec": {"image": {"reference": "nginx:2"}}}).status == 200
        assert [(r["revision"], r["current"]) for r in revisions(stack, "still")] == [(1, False)]
        answer = call(stack, "still", "rollback")
        assert answer.status == 200 and answer.json["spec"]["image"]["reference"] == "docker.io/library/nginx:1.27", answer.text
        assert answer.json["spec"]["provider_hints"]["kubernetes"]["note"] == "second"
        assert stack.kube.get("horizontalpodautoscalers", "still")
        assert [(r["revision"], r["current"]) for r in revisions(stack, "still")] == [(1, True)]
        call(stack, "still", "rollback").problem(404, "NOT_FOUND")
    finally:
        os.kill(controllers, signal.SIGCONT)
    assert patch(stack, "still", {"spec": {"image": {"reference": "nginx:3"}}}).status == 200
    wait_for("the controllers continue", lambda: [r["spec"]["image"]["reference"] for r in revisions(stack, "still")
                                                  if r["current"]] == ["nginx:3"])
