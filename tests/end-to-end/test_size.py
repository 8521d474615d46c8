"""Many containers and large ones."""

import concurrent.futures
import threading
import time

from api import spec

LARGE = 8 * 1024


def create_many(stack, ids, make_spec):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda i: stack.api.create(make_spec(i), i).status, ids))
    assert statuses == [201] * len(ids)


def test_a_page_of_a_thousand_large_containers_is_complete(stack):
    ids = sorted(f"big-{i:04d}" for i in range(1000))
    env = [{"name": f"V{i}", "value": "x" * 1000} for i in range(LARGE // 1000)]
    create_many(stack, ids, lambda _: spec(process={"env": env}))
    page = stack.api.list(max_page_size=1000)
    assert page.status == 200 and len(page.text) > 1000 * LARGE
    assert [c["id"] for c in page.json["containers"]] == ids
    assert all(len(c["spec"]["process"]["env"]) == len(env) for c in page.json["containers"])
    assert page.json["next_page_token"] == ""


def test_pages_of_twelve_hundred_containers_under_change_are_complete(stack):
    ids = sorted(f"p{i:04d}" for i in range(1200))
    create_many(stack, ids, lambda i: spec())
    assert [c["id"] for c in stack.api.list_all(100)] == ids
    stop = threading.Event()

    def churn():
        i = 0
        while not stop.is_set():
            stack.api.create(spec(), f"churn-{i}")
            stack.api.delete(f"churn-{i}")
            i += 1

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        changes = [pool.submit(churn) for _ in range(2)]
        try:
            listed = [c["id"] for c in stack.api.list_all(37)]
        finally:
            stop.set()
        for c in changes:
            c.result()
    assert [i for i in listed if not i.startswith("churn")] == ids
    assert listed == sorted(listed) and len(set(listed)) == len(listed)
    time.sleep(0.1)


PORTS_MAX = 4096  # openapi.yaml: maxItems


def ports(count, visibility="none"):
    return [{"container_port": 10000 + i, "visibility": visibility} for i in range(count)]


def test_thousands_of_ports_round_trip_in_linear_time(stack):
    written = ports(PORTS_MAX)
    assert stack.api.create(spec(network={"ports": written}), "many").status == 201
    assert stack.api.create(spec(), "few").status == 201

    def cost(ident):
        """Of a GET, in seconds of our processors."""
        processes = [stack.api_svc, *stack.workers]
        before = sum(process.cpu_s() for process in processes)
        for _ in range(5):
            assert stack.api.get(ident).status == 200
        return (sum(process.cpu_s() for process in processes) - before) / 5

    assert stack.api.get("many").json["spec"]["network"]["ports"] == written
    assert cost("many") < cost("few") + 0.25


def test_a_page_of_containers_with_thousands_of_ports_is_complete(stack, target):
    """A real API server itself needs more than 30 s to list ten Deployments with 4,096 ports each: there it is fewer."""
    count = PORTS_MAX if target.simulated else 200
    create_many(stack, [f"c{i:02d}" for i in range(40)], lambda _: spec(network={"ports": ports(count)}))
    page = stack.api.list()
    assert page.status == 200 and len(page.json["containers"]) == 40
    assert all(c["spec"]["network"]["ports"] == ports(count) for c in page.json["containers"])


def test_too_many_ports_are_rejected_with_a_reason(stack):
    for count in (PORTS_MAX + 1, 20000):
        answer = stack.api.create(spec(network={"ports": ports(count)}), "too-many")
        assert answer.status == 400
        assert [e["pointer"] for e in answer.json["errors"]] == ["/spec/network/ports"]
        assert str(PORTS_MAX) in answer.json["detail"]
    hints = {"provider_hints": {"a": "x" * 150_000}}
    answer = stack.api.create(spec(network={"ports": ports(PORTS_MAX)}, **hints), "too-many")
    assert answer.status == 400 and "network.ports" in answer.json["detail"]
    assert stack.api.get("too-many").status == 404


def test_a_service_of_a_thousand_ports_is_shown(stack):
    written = ports(1000, "external")
    created = stack.api.create(spec(network={"ports": written}), "wide")
    assert created.status == 201
    listed = next(c for c in stack.api.list().json["containers"] if c["id"] == "wide")
    for shown in (created.json, stack.api.get("wide").json, listed):
        assert [p["port"] for p in shown["service"]["ports"]] == [p["container_port"] for p in written]
        assert shown["spec"]["network"]["ports"] == written
