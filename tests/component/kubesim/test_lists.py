"""Lists: selectors, pages, versions."""

import pytest

from kube import deployment, service


def fill(kube, ns, names, **labels):
    for name in names:
        body = service(name)
        body["metadata"]["labels"] = {"name": name, **labels}
        kube.post(ns.services, body)


def names(answer):
    return [item["metadata"]["name"] for item in answer["items"]]


def test_a_list_is_sorted_and_its_items_have_no_kind(kube, ns):
    fill(kube, ns, ["b", "a-1", "a", "c"])
    answer = kube.get(ns.services)
    assert (answer["kind"], names(answer)) == ("ServiceList", ["a", "a-1", "b", "c"])
    assert not any("kind" in item for item in answer["items"])
    assert int(answer["metadata"]["resourceVersion"]) > 0


@pytest.mark.parametrize("selector, wanted", [
    ("name=a", "a"), ("name==a", "a"), ("name!=a", "bc"), ("name in (a,b)", "ab"), ("name notin (a, b)", "c"),
    ("group", "abc"), ("!group", ""), ("group=x,name!=b", "ac"), ("nothing!=a", "abc"), ("name=", "")])
def test_label_selectors(kube, ns, selector, wanted):
    fill(kube, ns, "abc", group="x")
    quoted = selector.replace(" ", "%20").replace("=", "%3D")
    assert "".join(names(kube.get(f"{ns.services}?labelSelector={quoted}"))) == wanted


@pytest.mark.parametrize("selector", ["a b", "a===", "a foo (b)", "a in b", ",", "a,,b"])
def test_malformed_label_selectors_are_rejected(kube, ns, selector):
    quoted = selector.replace(" ", "%20").replace("=", "%3D")
    assert kube.call("GET", f"{ns.services}?labelSelector={quoted}")[0] == 400


def test_field_selectors(kube, ns):
    fill(kube, ns, "ab")
    assert names(kube.get(ns.services + "?fieldSelector=metadata.name%3Da")) == ["a"]
    assert names(kube.get(ns.services + "?fieldSelector=metadata.name!%3Da")) == ["b"]
    assert len(names(kube.get(ns.services + "?fieldSelector=spec.type%3DClusterIP"))) == 2


def test_pages_continue_where_the_previous_one_ended(kube, ns):
    fill(kube, ns, "abcde", group="x")
    first = kube.get(ns.services + "?limit=2&labelSelector=group%3Dx")
    assert names(first) == ["a", "b"]
    kube.call("DELETE", ns.services + "/a")
    second = kube.get(f"{ns.services}?limit=2&labelSelector=group%3Dx&continue={first['metadata']['continue']}")
    assert names(second) == ["c", "d"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    third = kube.get(f"{ns.services}?limit=2&labelSelector=group%3Dx&continue={second['metadata']['continue']}")
    assert names(third) == ["e"] and not third["metadata"].get("continue")


def test_pages_and_exact_versions_are_snapshots(kube, ns):
    fill(kube, ns, "abcde")
    first = kube.get(ns.services + "?limit=2")
    then = first["metadata"]["resourceVersion"]
    uids = [i["metadata"]["uid"] for i in kube.get(ns.services)["items"]]
    for name in "bcd":
        kube.call("DELETE", f"{ns.services}/{name}")
    fill(kube, ns, ["a-1", "c", "f"], group="later")
    kube.call("PATCH", f"{ns.services}/e", {"metadata": {"labels": {"group": "later"}}},
              {"Content-Type": "application/merge-patch+json"})
    assert names(kube.get(ns.services)) == ["a", "a-1", "c", "e", "f"]
    exactly = f"{ns.services}?resourceVersion={then}&resourceVersionMatch=Exact"
    for query, wanted in ((f"{ns.services}?continue={first['metadata']['continue']}", slice(2, 5)), (exactly, slice(0, 5)),
                          (exactly + "&limit=3", slice(0, 3))):
        there = kube.get(query)
        assert [i["metadata"]["uid"] for i in there["items"]] == uids[wanted], query
        assert there["metadata"]["resourceVersion"] == then
    assert names(kube.get(exactly + "&labelSelector=group%3Dlater")) == []
    last = kube.get(exactly + "&limit=3")["metadata"]["continue"]
    assert names(kube.get(f"{ns.services}?continue={last}")) == ["d", "e"]


def test_an_exact_version_expires(sim, sim_ns):
    then = sim.kube.get(sim_ns.services)["metadata"]["resourceVersion"]
    sim.kube.call("POST", "/sim/compact")
    status, answer = sim.kube.call("GET", f"{sim_ns.services}?resourceVersion={then}&resourceVersionMatch=Exact")
    assert (status, answer["reason"]) == (410, "Expired") and "continue" not in answer["metadata"]


@pytest.mark.parametrize("query", ["limit=x", "continue=nonsense"])
def test_malformed_parameters_are_rejected(kube, ns, query):
    assert kube.call("GET", f"{ns.services}?{query}")[0] == 400


def test_a_list_of_all_namespaces(kube, ns):
    kube.post(ns.deployments, deployment("everywhere", labels={"app": ns.name}, replicas=0))
    found = kube.get(f"/apis/apps/v1/deployments?labelSelector=app%3D{ns.name}")
    assert [(i["metadata"]["namespace"], i["metadata"]["name"]) for i in found["items"]] == [(ns.name, "everywhere")]


def test_an_expired_token_has_a_new_one_in_the_error(sim, sim_ns):
    fill(sim.kube, sim_ns, "abcd")
    token = sim.kube.get(sim_ns.services + "?limit=2")["metadata"]["continue"]
    sim.kube.call("POST", "/sim/compact")
    status, answer = sim.kube.call("GET", f"{sim_ns.services}?limit=1&continue={token}")
    assert (status, answer["reason"]) == (410, "Expired")
    assert answer["message"].startswith("The provided continue parameter is too old to display a consistent list")
    rest = sim.kube.get(f"{sim_ns.services}?limit=1&continue={answer['metadata']['continue']}")
    assert names(rest) == ["c"]
    rest = sim.kube.get(f"{sim_ns.services}?continue={rest['metadata']['continue']}")
    assert names(rest) == ["d"]
