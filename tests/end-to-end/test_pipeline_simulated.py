"""Features of kubesim only: fault injection, and counting calls of an operation."""

import concurrent.futures
import time

import pytest

from api import spec
from processes import listens, wait_for

PORTS = [(80, "internal")]


@pytest.fixture
def calls(target):
    """Kubernetes calls since the test began, as {"get deployments": n}; watches and health are not counted."""
    def count():
        requests = target.admin.call("GET", "/sim/state")[1]["requests"]
        return {k: n for k, n in requests.items() if not k.startswith("watch") and "version" not in k}

    def during(action):
        target.admin.call("DELETE", "/sim/state")
        action()
        return count()
    return during


STATEFUL = {"provider_hints": {"kubernetes": {"kind": "StatefulSet"}}}


def test_a_get_and_a_page_need_one_call_with_any_number_of_containers(stack, calls):
    for n in range(30):
        assert stack.api.create(spec(ports=PORTS), f"c{n:02d}").status == 201
    stack.wait_status("c29", "RUNNING")
    time.sleep(1)
    assert calls(lambda: stack.api.get("c07")) == {"get deployments": 1}
    pages = []
    both = {"list deployments": 1, "list statefulsets": 1}  # side by side
    assert calls(lambda: pages.append(stack.api.list(max_page_size=10))) == both
    token = pages[0].json["next_page_token"]
    # Later pages read the objects of the token of Kubernetes again, for both kinds: its snapshot is that of the first page.
    assert calls(lambda: stack.api.list(max_page_size=10, page_token=token)) == {
        "list deployments": 2, "list statefulsets": 1}
    assert calls(lambda: stack.api.list(max_page_size=1000)) == both
    assert calls(lambda: stack.api.create(spec(ports=PORTS), "c30")) == {
        "create deployments": 1, "create services": 1, "get statefulsets": 1}
    assert calls(lambda: stack.api.create(spec(**STATEFUL), "c31")) == {
        "create statefulsets": 1, "create services": 1, "get deployments": 1}
    stack.wait_status("c31", "RUNNING")
    time.sleep(1)
    assert calls(lambda: stack.api.get("c31")) == {"get statefulsets": 1}
    assert calls(lambda: stack.api.get("c07")) == {"get deployments": 1}
    assert calls(lambda: stack.api.get("absent")) == {"get deployments": 1, "get statefulsets": 1}
    assert calls(lambda: stack.api.delete("c07")) == {
        "get deployments": 1, "get statefulsets": 1, "delete deployments": 1, "delete services": 1}


def test_a_later_page_queries_as_many_ids_as_fit_in_a_selector(stack, calls):
    ids = [f"{n:03d}" + 60 * "x" for n in range(100)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(a.status == 201 for a in pool.map(lambda i: stack.api.create(spec(), i), ids))
    first = stack.api.list(max_page_size=1).json
    pages = []
    assert calls(lambda: pages.append(stack.api.list(max_page_size=1000, page_token=first["next_page_token"]))) == {
        "list deployments": 1 + 2, "list statefulsets": 2}
    assert [c["id"] for c in pages[0].json["containers"]] == ids[1:] and not pages[0].json["next_page_token"]


def test_a_filtered_page_needs_one_call_with_any_number_of_containers(stack, calls):
    for n in range(30):
        assert stack.api.create(spec(metadata={"name": "web", "labels": {"odd": str(n % 2)}}), f"c{n:02d}").status == 201
    for n in range(30):
        stack.wait_status(f"c{n:02d}", "RUNNING")
    time.sleep(1)
    for query in ({"filter": "labels.odd = 1"}, {"filter": "status = RUNNING"}, {"filter": "name = web", "order_by": "id"},
                  {"filter": "status = RUNNING AND labels.odd = 1"}, {"order_by": "create_time desc, name"}):
        for size in (5, 1000):
            pages = []
            walked = query == {"filter": "labels.odd = 1"}
            assert calls(lambda: pages.append(stack.api.list(max_page_size=size, **query))) == {
                "list deployments": 1, **({"list statefulsets": 1} if walked else {})}
            assert len(pages[0].json["containers"]) == min(size, 15 if "odd" in query.get("filter", "") else 30)
    assert calls(lambda: stack.api.list(filter="status = FAILED")) == {}


def test_without_a_cache_a_filter_queries_kubernetes(own_stack, target):
    """Each page lists everything, and is correct immediately."""
    target.faults({"kind": "hang", "count": -1, "match": {"verb": "list", "resource": "pods"}})
    stack = own_stack(1)
    target.faults()
    stack.api.create(spec(), "uncached")
    answer = stack.api.list(filter="status = PENDING OR status = RUNNING", order_by="name")
    assert [c["id"] for c in answer.json["containers"]] == ["uncached"]


def test_without_a_cache_a_page_needs_a_call_per_kind(own_stack, target, calls):
    target.faults({"kind": "hang", "count": -1, "match": {"verb": "list", "resource": "pods"}})
    stack = own_stack(1)
    target.faults()
    stack.api.create(spec(), "uncached")
    seen = calls(lambda: stack.api.list(max_page_size=10))
    assert max(seen.values()) == 1 and sum(seen.values()) <= 6, seen


def test_a_full_worker_rejects_requests(own_stack, target):
    """One thread, a slow API server, many requests: some are rejected immediately with 503 and Retry-After."""
    stack = own_stack(1)
    stack.workers[0].stop()
    stack.add_worker(SP_WORKER_CONCURRENCY="1")
    target.faults({"match": {"resource": "deployments", "method": "GET"}, "kind": "latency", "ms": 1000, "count": -1})
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: stack.api.get("x"), range(64)))
    target.faults()
    refused = [a for a in answers if a.status == 503]
    assert refused and all(int(a.headers["retry-after"]) >= 1 for a in refused)
    assert {a.status for a in answers} <= {404, 503, 504}


FAULTS = {
    "429": {"kind": "status", "status": 429},
    "429 with Retry-After": {"kind": "status", "status": 429, "retryAfter": 1},
    "500": {"kind": "status", "status": 500},
    "503 in HTML": {"kind": "status", "status": 503, "html": True},
    "504 after the commit": {"kind": "status", "status": 504, "when": "after"},
    "dropped before the commit": {"kind": "drop"},
    "dropped after the commit": {"kind": "drop", "when": "after"},
    "401 once": {"kind": "status", "status": 401},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("resource", ["deployments", "services"])
def test_a_create_survives_failed_calls(stack, target, fault, resource):
    target.faults({**FAULTS[fault], "count": 1, "match": {"resource": resource, "method": "POST"}})
    answer = stack.api.create(spec(ports=PORTS), "survivor")
    assert answer.status == 201, answer.text
    assert answer.json["service"]["name"] == "survivor"
    assert len(stack.kube.list("deployments")) == 1 and len(stack.kube.list("services")) == 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_delete_survives_failed_calls(stack, target, fault, method):
    assert stack.api.create(spec(ports=PORTS), "doomed").status == 201
    target.faults({**FAULTS[fault], "count": 1, "match": {"resource": "deployments", "method": method}})
    assert stack.api.delete("doomed").status == 204
    wait_for("gone", lambda: not stack.kube.list("deployments") and not stack.kube.list("services"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_list_survives_failed_calls(stack, target, fault):
    for n in range(3):
        assert stack.api.create(spec(), f"l{n}").status == 201
    target.faults({**FAULTS[fault], "count": 1, "match": {"resource": "deployments", "verb": "list"}})
    assert [c["id"] for c in stack.api.list().json["containers"]] == ["l0", "l1", "l2"]


REFUSALS = {"403": {"kind": "forbidden"}, "401": {"kind": "status", "status": 401}}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_rejections_of_a_server_not_ready_are_retried(stack, target, refusal):
    """A kube-apiserver denies everything until it has loaded its roles and accounts."""
    assert stack.api.create(spec(ports=PORTS), "old").status == 201
    target.faults({"match": {"path": "/readyz"}, "kind": "status", "status": 500, "count": -1},
                  *({**REFUSALS[refusal], "count": 3, "match": {"resource": resource, "verb": verb}}
                    for resource in ("deployments", "services") for verb in ("create", "get", "list", "delete")))
    assert stack.api.create(spec(ports=PORTS), "new").status == 201
    assert stack.api.get("old").status == 200
    assert [c["id"] for c in stack.api.list().json["containers"]] == ["new", "old"]
    assert stack.api.delete("old").status == 204


def test_expired_page_tokens_continue(stack, target):
    ids = [f"e{n:02d}" for n in range(12)]
    for i in ids:
        assert stack.api.create(spec(), i).status == 201
    assert stack.api.create(spec(**STATEFUL), "f").status == 201  # a kind that starts on a later page
    first = stack.api.list(max_page_size=5).json
    target.admin.call("POST", "/sim/compact")
    second = stack.api.list(max_page_size=5, page_token=first["next_page_token"])
    assert second.status == 200, second.text
    target.admin.call("POST", "/sim/compact")
    third = stack.api.list(max_page_size=5, page_token=second.json["next_page_token"])
    assert third.status == 200 and not third.json["next_page_token"], third.text
    listed = [c["id"] for c in first["containers"] + second.json["containers"] + third.json["containers"]]
    assert listed == [*ids, "f"]


def test_without_kubernetes_503_until_it_returns(own_stack, target):
    stack = own_stack(1)
    port = target.admin.url.port
    target.process.stop()
    started = time.monotonic()
    assert stack.api.health() == "unhealthy" and time.monotonic() - started < 1
    started = time.monotonic()
    answer = stack.api.create(spec(), "nowhere")
    answer.problem(503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1 and time.monotonic() - started < 12
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pending = pool.submit(stack.api.create, spec(), "patient")
        time.sleep(2)
        target.process.start()
        wait_for("kubesim", lambda: listens(port))
        assert pending.result().status == 201
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    stack.wait_status("patient", "RUNNING")


NO_ADDRESS = 'Service "x" is invalid: spec.clusterIPs: Invalid value: [""]: failed to allocate IP: allocator not ready'


@pytest.mark.parametrize("count, seen", [(2, 201), (-1, 503)])
def test_a_service_rejected_without_an_address_is_retried(stack, target, count, seen):
    """An API server rejects Services with 422 until it has read the addresses in use."""
    target.faults({"match": {"resource": "services", "method": "POST"}, "kind": "status", "status": 422,
                      "message": NO_ADDRESS, "count": count})
    answer = stack.api.create(spec(ports=PORTS), "addressed")
    assert answer.status == seen, answer.text
    if seen == 503:
        problem = answer.problem(503, "UNAVAILABLE")
        assert problem["detail"].endswith("failed to allocate IP: allocator not ready") and not problem.get("errors"), problem
        target.faults()
        wait_for("the created objects are deleted", lambda: not stack.kube.list("deployments"), 30)
