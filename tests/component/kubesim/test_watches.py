"""Watches: events and termination."""

import json
import time

from kube import service


def labelled(name, **labels):
    body = service(name)
    body["metadata"]["labels"] = labels
    return body


def summary(events):
    return [(e["type"], e["object"]["metadata"].get("name")) for e in events]


def version_of(kube, path):
    return kube.get(path)["metadata"]["resourceVersion"]


def test_changes_are_sent_in_order(kube, ns):
    with kube.watch(ns.services, resourceVersion=version_of(kube, ns.services), timeoutSeconds=20) as watch:
        kube.post(ns.services, service("a"))
        kube.patch(ns.services + "/a", {"metadata": {"labels": {"x": "y"}}})
        kube.call("DELETE", ns.services + "/a")
        events = watch.until(lambda e: e["type"] == "DELETED")
    assert summary(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
    assert versions == sorted(versions) and len(set(versions)) == 3
    assert all(e["object"]["kind"] == "Service" and e["object"]["apiVersion"] == "v1" for e in events)


def test_without_a_version_existing_objects_are_sent_first(kube, ns):
    kube.post(ns.services, service("a"))
    kube.post(ns.services, service("b"))
    for options in ({}, {"resourceVersion": "0"}):
        with kube.watch(ns.services, timeoutSeconds=20, **options) as watch:
            assert summary([next(watch), next(watch)]) == [("ADDED", "a"), ("ADDED", "b")]


def test_an_object_that_starts_and_stops_matching_is_added_and_deleted(kube, ns):
    kube.post(ns.services, labelled("a", colour="red"))
    version = version_of(kube, ns.services)
    with kube.watch(ns.services, resourceVersion=version, labelSelector="colour=blue", timeoutSeconds=20) as watch:
        kube.patch(ns.services + "/a", {"metadata": {"labels": {"colour": "blue"}}})
        kube.patch(ns.services + "/a", {"metadata": {"labels": {"size": "large"}}})
        kube.patch(ns.services + "/a", {"metadata": {"labels": {"colour": "green"}}})
        kube.call("DELETE", ns.services + "/a")
        events = watch.until(lambda e: e["type"] == "DELETED")
    assert summary(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert events[-1]["object"]["metadata"]["labels"]["colour"] == "blue"
    assert int(events[-1]["object"]["metadata"]["resourceVersion"]) > int(
        events[-2]["object"]["metadata"]["resourceVersion"])


def test_a_watch_of_one_object(kube, ns):
    version = version_of(kube, ns.services)
    with kube.watch(ns.services, resourceVersion=version, fieldSelector="metadata.name=b", timeoutSeconds=20) as watch:
        kube.post(ns.services, service("a"))
        kube.post(ns.services, service("b"))
        assert summary([next(watch)]) == [("ADDED", "b")]


def test_a_watch_ends_cleanly_on_timeout(kube, ns):
    begin = time.monotonic()
    with kube.watch(ns.services, resourceVersion=version_of(kube, ns.services), timeoutSeconds=1) as watch:
        assert list(watch) == []
    assert 0.8 < time.monotonic() - begin < 5


def test_an_expired_version_is_an_error_event(kube):
    with kube.watch("/api/v1/namespaces", resourceVersion=1, timeoutSeconds=5) as watch:
        events = list(watch) if not kube.simulated else []
    if not kube.simulated:
        assert watch.status == 200 and events[0]["type"] == "ERROR" and events[0]["object"]["code"] == 410


def test_compaction_expires_versions(sim, sim_ns):
    version = version_of(sim.kube, sim_ns.services)
    sim.kube.call("POST", "/sim/compact")
    with sim.kube.watch(sim_ns.services, resourceVersion=version, timeoutSeconds=5) as watch:
        events = list(watch)
    assert watch.status == 200 and len(events) == 1 and events[0]["type"] == "ERROR"
    status = events[0]["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"] == f"too old resource version: {version}"


def test_the_history_is_limited(start_simulator):
    kube = start_simulator("--history", "5").kube
    path = "/api/v1/namespaces/default/services"
    version = version_of(kube, path)
    for i in range(8):
        kube.post(path, service(f"s{i}"))
    with kube.watch(path, resourceVersion=version, timeoutSeconds=5) as watch:
        assert [e["type"] for e in watch] == ["ERROR"]
    with kube.watch(path, resourceVersion=version_of(kube, path), timeoutSeconds=1) as watch:
        assert list(watch) == []


def test_the_end_of_the_initial_events_is_marked(kube, ns):
    kube.post(ns.services, service("a"))
    options = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    with kube.watch(ns.services, timeoutSeconds=20, **options) as watch:
        events = watch.until(lambda e: e["type"] == "BOOKMARK")
    assert summary(events[:-1]) == [("ADDED", "a")]
    mark = events[-1]["object"]
    assert mark["kind"] == "Service" and mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_bookmarks_with_the_version_are_sent_at_intervals(start_simulator):
    kube = start_simulator("--bookmark-ms", "100").kube
    path = "/api/v1/namespaces/default/services"
    version = version_of(kube, path)
    with kube.watch(path, resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds=1) as watch:
        kube.post("/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})
        events = list(watch)
    assert len(events) >= 5 and {e["type"] for e in events} == {"BOOKMARK"}
    assert int(events[-1]["object"]["metadata"]["resourceVersion"]) > int(version)


def test_many_watches_get_the_same_events(kube, ns):
    version = version_of(kube, ns.services)
    watches = [kube.watch(ns.services, resourceVersion=version, timeoutSeconds=30) for _ in range(50)]
    for i in range(20):
        kube.post(ns.services, service(f"s{i}"))
    heard = [[next(watch)["object"]["metadata"]["name"] for _ in range(20)] for watch in watches]
    assert all(h == [f"s{i}" for i in range(20)] for h in heard)
    for watch in watches:
        watch.close()


def test_a_watch_of_a_table(kube, ns):
    kube.post(ns.services, service("a"))
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    status, _, text = kube.request("GET", ns.services + "?watch=1&timeoutSeconds=1", headers=headers)
    rows = json.loads(text.splitlines()[0])["object"]["rows"]
    assert status == 200 and rows[0]["cells"][:2] == ["a", "ClusterIP"]
    assert rows[0]["object"]["metadata"]["name"] == "a"
    status, _, text = kube.request("GET", ns.services, headers=headers)
    table = json.loads(text)
    assert (table["kind"], len(table["rows"])) == ("Table", 1)
    assert [c["name"] for c in table["columnDefinitions"]][:5] == ["Name", "Type", "Cluster-IP", "External-IP",
                                                                   "Port(s)"]
