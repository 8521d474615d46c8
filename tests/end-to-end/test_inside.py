"""Events and usage of a container."""

import urllib.parse

import pytest

from api import BASE, spec
from processes import wait_for


def events(stack, container_id, **query):
    path = f"{BASE}/{container_id}/events" + ("?" + urllib.parse.urlencode(query) if query else "")
    answer = stack.api.call("GET", path)
    assert answer.status == 200, answer.text
    return answer.json


def usage(stack, container_id):
    return stack.api.call("GET", f"{BASE}/{container_id}/usage")


def test_events_are_those_of_the_objects_in_kubernetes(stack, root_kind):
    stack.api.create(spec(image={"reference": "nonexistent.example/web:1"}), "telling")
    stack.api.create(spec(), "other")
    listed = wait_for("events of a Pod", lambda: [e for e in events(stack, "telling")["events"]
                                                  if e["object"].startswith("Pod/")] and events(stack, "telling"))
    assert listed["next_page_token"] == ""
    for event in listed["events"]:
        assert set(event) == {"path", "time", "type", "reason", "message", "object", "count"} and event["count"] >= 1, event
        kind, name = event["object"].split("/")
        assert kind in (root_kind, "ReplicaSet", "Pod") and name.startswith("telling"), event
    times = [e["time"] for e in listed["events"]]
    assert [t[:19] for t in times] == sorted(t[:19] for t in times)
    assert any(e["object"] == f"{root_kind}/telling" and e["reason"] in ("ScalingReplicaSet", "SuccessfulCreate")
               for e in listed["events"])


def test_events_are_paged(stack):
    stack.api.create(spec(provider_hints={"kubernetes": {"replicas": 3}}), "paged")
    stack.wait_status("paged", "RUNNING")
    quiet = []

    def is_quiet():
        quiet.append(events(stack, "paged")["events"])
        return len(quiet) > 1 and quiet[-1] == quiet[-2] and len(quiet[-1]) > 4
    wait_for("no more events", is_quiet, 30, 0.5)
    read, token = [], ""
    while True:
        page = events(stack, "paged", max_page_size=2, page_token=token)
        assert len(page["events"]) <= 2
        read += page["events"]
        token = page["next_page_token"]
        if not token:
            break
    assert read == quiet[-1]
    stack.api.create(spec(), "second")
    first = events(stack, "paged", max_page_size=2)["next_page_token"]
    for query in ("page_token=none", f"page_token={first}x", "max_page_size=0"):
        stack.api.call("GET", f"{BASE}/paged/events?{query}").problem(400, "INVALID_ARGUMENT")
    stack.api.call("GET", f"{BASE}/second/events?page_token={first}").problem(400, "INVALID_ARGUMENT")


def test_events_of_missing_containers_are_404(stack):
    stack.api.call("GET", f"{BASE}/nothing/events").problem(404, "NOT_FOUND")
    stack.api.call("GET", f"{BASE}/nothing/usage").problem(404, "NOT_FOUND")


def test_events_without_the_permission_are_rejected(stack, without):
    stack.api.create(spec(), "shut")
    without("", "events")
    wait_for("the Role counts", lambda: stack.api.call("GET", f"{BASE}/shut/events").status == 403)
    problem = stack.api.call("GET", f"{BASE}/shut/events").problem(403, "PERMISSION_DENIED")
    assert 'cannot list resource "events"' in problem["detail"] and "serviceaccount" not in problem["detail"], problem
    assert stack.api.get("shut").status == 200


def test_usage_is_that_of_the_metrics_api(stack):
    stack.api.create(spec(provider_hints={"kubernetes": {"replicas": 2}}), "busy")
    first = usage(stack, "busy")
    if first.status == 501:
        first.problem(501, "UNIMPLEMENTED")
        return
    if first.status == 503:
        assert int(first.headers["retry-after"]) > 0 and "measured" in first.json["detail"], first.text
    shown = wait_for("usage of both", lambda: usage(stack, "busy").status == 200 and len(
        usage(stack, "busy").json["replicas"]) == 2 and usage(stack, "busy").json, 30)
    assert {r["name"] for r in shown["replicas"]} == {p["metadata"]["name"] for p in stack.kube.of("pods", "busy")}
    assert all(r["cpu_cores"] > 0 and r["memory_bytes"] > 0 for r in shown["replicas"]), shown
    assert shown["cpu_cores"] == pytest.approx(sum(r["cpu_cores"] for r in shown["replicas"]))
    assert shown["memory_bytes"] == sum(r["memory_bytes"] for r in shown["replicas"])
    assert shown["cpu_limit"] == 4 and shown["memory_limit_bytes"] == 2 * 128 * 1024 * 1024, shown
    assert shown["window"] and shown["time"].endswith("Z")


def test_usage_of_a_stopped_container_is_409(stack):
    """Not 503: nothing will ever be measured."""
    stack.api.create(spec(), "still")
    assert stack.api.call("POST", f"{BASE}/still:stop").status == 200
    if usage(stack, "still").status == 501:
        return
    answer = wait_for("earlier measurements have expired", lambda: usage(stack, "still").status != 200 and
                      usage(stack, "still"), 60)
    problem = answer.problem(409, "CONFLICT")
    assert "no replicas" in problem["detail"] and "retry-after" not in answer.headers


def test_usage_without_the_permission_is_rejected(stack, without):
    stack.api.create(spec(), "dark")
    without("metrics.k8s.io", "pods")
    wait_for("the Role counts", lambda: usage(stack, "dark").status == 403)
    problem = usage(stack, "dark").problem(403, "PERMISSION_DENIED")
    assert 'cannot list resource "pods" in API group "metrics.k8s.io"' in problem["detail"], problem
