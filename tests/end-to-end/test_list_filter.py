"""Lists with filter and order: results, paging, and rejected input."""

import base64
import hashlib
import json
import time
import urllib.parse

import pytest

from api import BASE, spec
from processes import wait_for
from test_behind_our_back import scale, set_image
from test_life import foreign_deployment

TEAMS = {"a1": "shop", "a2": "shop", "b1": "bank", "b2": None, "c1": "shop"}


def labelled(name, team, image="docker.io/library/nginx:1.27", **more):
    labels = {**({"team": team} if team else {}), **more}
    return spec(metadata={"name": name, **({"labels": labels} if labels else {})}, image={"reference": image})


def ids(answer):
    assert answer.status == 200, answer.text
    return [c["id"] for c in answer.json["containers"]]


def all_ids(api, size, **query):
    """Page by page."""
    found, token = [], ""
    while True:
        answer = api.list(max_page_size=size, page_token=token, **query)
        page = ids(answer)
        assert len(page) <= size
        found += page
        token = answer.json["next_page_token"]
        if not token:
            return found


@pytest.fixture
def five(stack):
    for i, (container_id, team) in enumerate(TEAMS.items()):
        made = stack.api.create(labelled(f"n{9 - i}", team, f"docker.io/library/nginx:1.{i}", **{"dcm.test/odd": str(i % 2)}),
                                container_id)
        assert made.status == 201, made.text
    for container_id in TEAMS:
        stack.wait_status(container_id, "RUNNING")
    wait_for("both workers have seen all", lambda: all(
        len(ids(stack.api.list(filter="status = RUNNING"))) == len(TEAMS) for _ in range(10)), 30, 0.1)
    return stack


@pytest.mark.parametrize("text,expected", [
    ('status = "RUNNING" AND labels.team = "shop"', ["a1", "a2", "c1"]),
    ('labels.team = "shop"', ["a1", "a2", "c1"]),
    ("labels.team != shop", ["b1"]),
    ("NOT labels.team = shop", ["b1", "b2"]),
    ("labels:team", ["a1", "a2", "b1", "c1"]),
    ("labels.dcm.test/odd = 1", ["a2", "b2"]),
    ('labels."dcm.test/odd" = "1" AND labels.team:*', ["a2"]),
    ("status = FAILED", []),
    ("status != RUNNING", []),
    ("id = a1", ["a1"]),
    ("id = a1 OR id = c1", ["a1", "c1"]),
    ("id > a2 AND id < c1", ["b1", "b2"]),
    ("id:1", ["a1", "b1", "c1"]),
    ("name = n9", ["a1"]),
    ("name <= n6", ["b2", "c1"]),
    ("image : \"nginx:1.3\"", ["b2"]),
    ("image = docker.io/library/nginx:1.4", ["c1"]),
    ("create_time > 2020-01-01T00:00:00Z", ["a1", "a2", "b1", "b2", "c1"]),
    ("create_time < 2020-01-01T00:00:00Z", []),
    ("(labels.team = bank OR labels.team = shop) AND NOT id:a", ["b1", "c1"]),
    ("labels.team = \"no such value!\"", []),
    ("", ["a1", "a2", "b1", "b2", "c1"]),
])
def test_list_filter_returns_matching_containers(five, text, expected):
    assert ids(five.api.list(filter=text)) == expected
    for size in (1, 2, 5):
        assert all_ids(five.api, size, filter=text) == expected


@pytest.mark.parametrize("order,expected", [
    ("id", ["a1", "a2", "b1", "b2", "c1"]),
    ("id desc", ["c1", "b2", "b1", "a2", "a1"]),
    ("name", ["c1", "b2", "b1", "a2", "a1"]),
    ("image desc", ["c1", "b2", "b1", "a2", "a1"]),
    ("status, name", ["c1", "b2", "b1", "a2", "a1"]),
    ("status desc, id desc", ["c1", "b2", "b1", "a2", "a1"]),
    ("status", ["a1", "a2", "b1", "b2", "c1"]),
])
def test_list_order_sorts_over_pages(five, order, expected):
    for size in (1, 2, 4, 5, 1000):
        assert all_ids(five.api, size, order_by=order) == expected, size
    shops = [i for i in expected if TEAMS[i] == "shop"]
    assert all_ids(five.api, 2, order_by=order, filter="labels.team = shop") == shops


def test_list_order_by_create_time(five):
    for order, reverse in (("create_time, id", False), ("create_time desc, id desc", True)):
        shown = [c for size in (2,) for c in all_ids(five.api, size, order_by=order)]
        times = {c["id"]: c["create_time"] for c in five.api.list().json["containers"]}
        assert shown == sorted(TEAMS, key=lambda i: (times[i], i), reverse=reverse)


def test_list_filter_sees_changes_by_others(five):
    set_image(five.kube, "a1", "docker.io/library/nginx:9")
    scale(five.kube, "b1", 0)
    five.kube.patch("deployments", "b2", {"metadata": {"labels": {"team": "new"}}})
    assert ids(five.api.list(filter="labels.team = new")) == ["b2"]
    wait_for("the new image", lambda: ids(five.api.list(filter="image:nginx:9")) == ["a1"])
    wait_for("a failed one", lambda: ids(five.api.list(filter="status = FAILED")) == ["b1"])
    assert five.api.call("POST", f"{BASE}/a2:stop").status == 200
    wait_for("a stopped one", lambda: ids(five.api.list(filter="status = STOPPED")) == ["a2"])
    assert five.api.delete("c1").status == 204
    for text in ("labels.team = shop", "NOT id = a1", "id:c"):  # immediately, with and without the cache
        assert "c1" not in ids(five.api.list(filter=text))
    assert "c1" not in ids(five.api.list(order_by="name"))


def test_list_with_a_label_filter_shows_a_new_container_immediately(stack):
    for i in range(20):
        assert stack.api.create(labelled("web", f"t{i}"), f"new-{i}").status == 201
        assert ids(stack.api.list(filter=f"labels.team = t{i}")) == [f"new-{i}"]
        assert ids(stack.api.list(filter=f"id = new-{i}")) == [f"new-{i}"]


def test_list_tokens_belong_to_their_filter_and_order(five):
    queries = [{}, {"filter": "labels.team = shop"}, {"filter": "NOT id = x"}, {"order_by": "name"},
               {"order_by": "name desc"}, {"filter": "labels.team = shop", "order_by": "name"}]
    tokens = [five.api.list(max_page_size=1, **query).json["next_page_token"] for query in queries]
    assert all(tokens) and len(set(tokens)) == len(tokens)
    for i, token in enumerate(tokens):
        for k, query in enumerate(queries):
            answer = five.api.list(max_page_size=1, page_token=token, **query)
            if i == k:
                assert answer.status == 200, answer.text
            else:
                assert "page_token" in answer.problem(400, "INVALID_ARGUMENT")["detail"]


def refused(answer, pointer):
    problem = answer.problem(400, "INVALID_ARGUMENT")
    return [e["detail"] for e in problem["errors"] if e["pointer"] == pointer]


@pytest.mark.parametrize("text,place", [
    ("id = " + 10000 * "a", None), (" AND ".join(1000 * ["id=a"]), None), (" AND ".join(150 * ["id=a"]), 901),
    ("(id = a", 1), ("id = a)", 7), ("((((id = a)))", 1), (100 * "(" + "id=a" + 100 * ")", 17),
    ("spec = a", 1), ("id = a AND owner = b", 12), ("id = a AND name = b OR name = c", 21), ("id", 3), ("id = ", 6),
    ("status = RUNING", 10), ("create_time > tomorrow", 15), ("id = \"a", 6), ("labels = a", 8), ("%", 1),
    ("id = a; DROP", 7), ("\u00e9 = a", 1)])
def test_list_filter_that_is_malformed_is_rejected_with_its_position(stack, text, place):
    details = refused(stack.api.list(filter=text), "/query/filter")
    assert len(details) == 1
    if place:
        assert details[0].startswith(f"at character {place}:"), details


@pytest.mark.parametrize("text,place", [("nope", 1), ("name asc", 6), ("name,", 6), ("name, name", 7), ("name desc x", 11),
                                        (",".join(200 * ["id"]), None), ("labels.team", 1)])
def test_list_order_that_is_malformed_is_rejected_with_its_position(stack, text, place):
    details = refused(stack.api.list(order_by=text), "/query/order_by")
    assert len(details) == 1
    if place:
        assert details[0].startswith(f"at character {place}:"), details


def test_list_reports_all_faults(stack):
    problem = stack.api.list(max_page_size=0, filter="x", order_by="y").problem(400, "INVALID_ARGUMENT")
    assert {e["pointer"] for e in problem["errors"]} == {"/query/max_page_size", "/query/filter", "/query/order_by"}
    answer = stack.api.call("GET", f"{BASE}?filter=id%3Da&filter=id%3Db")
    assert refused(answer, "/query/filter") == ["occurs more than once"]


def what_a_token_says(token):
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[8:])


def token_that_says(stack, known):
    payload = json.dumps(known).encode()
    scope = f"{stack.name}\n{stack.target.namespace}\0".encode()
    return base64.urlsafe_b64encode(hashlib.sha256(scope + payload).digest()[:8] + payload).decode().rstrip("=")


def test_list_accepts_a_token_of_an_older_provider(five):
    """The format of unfiltered tokens is unchanged: provider, namespace, token of Kubernetes, last name."""
    token = five.api.list(max_page_size=2).json["next_page_token"]
    known = what_a_token_says(token)
    assert known["a"] == "a2" and known.pop("m") == {"statefulsets": None}, known  # older ones do not look at it
    assert set(known) == {"c", "a"}
    for each in (token, token_that_says(five, known)):
        assert ids(five.api.list(page_token=each)) == ["b1", "b2", "c1"]


def test_list_accepts_a_token_without_a_start_time(five):
    assert five.api.create(spec(provider_hints={"kubernetes": {"kind": "StatefulSet"}}), "d").status == 201
    token = five.api.list(max_page_size=2).json["next_page_token"]
    known = what_a_token_says(token)
    assert known["m"]["statefulsets"] == "" and known["m"].pop("at"), known
    for each in (token, token_that_says(five, known)):
        assert ids(five.api.list(page_token=each)) == ["b1", "b2", "c1", "d"]


def test_list_filter_finds_containers_of_others(stack):
    for name, container_id in (("their-1", "theirs"), ("their-2", "theirs"), ("their-3", None)):
        body = foreign_deployment(name, container_id or "x", team="shop")
        if not container_id:  # one without an id
            for labels in (body["metadata"]["labels"], body["spec"]["template"]["metadata"]["labels"]):
                del labels["dcm.project/dcm-instance-id"]
        stack.kube.create("deployments", body)
    stack.api.create(labelled("web", "shop"), "ours")
    shown = lambda **query: [(c["id"], c["spec"]["metadata"]["name"]) for c in stack.api.list(**query).json["containers"]]
    wait_for("seen", lambda: all(len(shown(filter="NOT id = x")) == 4 for _ in range(10)), 10, 0.1)
    assert len(shown(filter="labels.team = shop")) == 4
    assert shown(filter="name = c") == [("theirs", "c"), ("theirs", "c"), (None, "c")]
    assert shown(order_by="name, id") == [(None, "c"), ("theirs", "c"), ("theirs", "c"), ("ours", "web")]
    assert [i for i, _ in shown(order_by="id desc")] == ["theirs", "theirs", "ours", None]
    assert all_count(stack.api) == 4


def all_count(api):
    count, token = 0, ""
    while True:
        answer = api.list(max_page_size=1, page_token=token, order_by="id").json
        count += len(answer["containers"])
        token = answer["next_page_token"]
        if not token:
            return count
