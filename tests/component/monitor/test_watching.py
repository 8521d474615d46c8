"""Watch failures: the monitor eventually reports the correct state, and never prematurely."""

import time

import pytest

from processes import wait_for

BREAKS = [
    ("watch-error", {"status": 410}), ("watch-error", {"status": 500}), ("watch-eof", {}), ("watch-eof", {"broken": True}),
    ("event-cut", {}), ("event-duplicate", {}), ("event-pad", {"mib": 8}), ("watch-chunk", {"bytes": 3, "count": 20}),
    ("status", {"verb": "watch", "status": 410}), ("status", {"verb": "watch", "status": 429, "retryAfter": "1"}),
    ("status", {"verb": "watch", "status": 502, "html": True}), ("drop", {"verb": "watch"}),
    ("latency", {"verb": "watch", "ms": 300}),
]


@pytest.mark.parametrize("kind, options", BREAKS, ids=[f"{k}-{o.get('status', '')}" for k, o in BREAKS])
def test_a_broken_watch_loses_nothing(monitors, kubesim, kind, options):
    m = monitors()
    m.add()
    m.create("kept")
    m.create("lost")
    m.wait_last("kept", "RUNNING")
    m.wait_last("lost", "RUNNING")
    for resource in ("deployments", "pods"):
        kubesim.fault(kind, resource, **options)
        if options.get("verb") == "watch":
            kubesim.fault("watch-eof", resource)
    m.delete("lost")
    m.scale("kept", 0)
    m.create("new")
    m.wait_last("lost", "DELETED")
    m.wait_last("kept", "FAILED")
    m.wait_last("new", "RUNNING")


def test_nothing_is_published_before_all_first_lists(monitors, kubesim):
    m = monitors()
    m.create("old")
    wait_for("it runs", lambda: m.pod_of("old")["status"].get("phase") == "Running")
    kubesim.fault("latency", "pods", verb="list", ms=1500)
    m.add()
    m.wait_last("old", "RUNNING")
    assert m.dcm.of("old") == ["RUNNING"]


def test_a_failed_first_list_is_retried(monitors, kubesim):
    m = monitors()
    m.create("old")
    kubesim.fault("status", "deployments", verb="list", status=500, count=2)
    kubesim.fault("status", "pods", verb="list", status=429, retryAfter="1")
    kubesim.fault("drop", "replicasets", verb="list")
    m.add()
    m.wait_last("old", "RUNNING", 20)


def test_deleted_is_not_published_until_confirmed(monitors, kubesim):
    m = monitors()
    m.add()
    m.create("doubt")
    m.wait_last("doubt", "RUNNING")
    kubesim.fault("status", "deployments", verb="get", status=503, count=-1)
    m.delete("doubt")
    time.sleep(1)
    assert "DELETED" not in m.dcm.of("doubt")
    kubesim.admin.call("DELETE", "/sim/faults")
    m.wait_last("doubt", "DELETED", 10)


def test_a_silent_watch_is_detected_within_sixty_seconds(monitors, kubesim):
    m = monitors()
    m.add()
    m.create("silent")
    m.wait_last("silent", "RUNNING")
    for resource in ("deployments", "pods", "replicasets"):
        kubesim.fault("watch-silent", resource)
    m.create("last-words")  # after this each watch is silent
    m.wait_last("last-words", "PENDING")
    m.delete("silent")
    time.sleep(1)
    assert "DELETED" not in m.dcm.of("silent")
    m.wait_last("silent", "DELETED", 62)


def test_pods_deleted_before_their_deployment_do_not_cause_pending(monitors, kubesim):
    """As after a restart of the API server: the Pods are listed again, the Deployments are not yet."""
    m = monitors()
    monitor = m.add()
    m.create("gone")
    m.wait_last("gone", "RUNNING")
    interrupt(monitor, kubesim, "deployments")
    m.delete("gone")
    wait_for("no Pods", lambda: not kubesim.admin.of("pods", "gone"), 30)
    time.sleep(1.5)
    assert m.dcm.of("gone")[-1] == "RUNNING"
    kubesim.admin.call("DELETE", "/sim/faults")
    m.wait_last("gone", "DELETED", 40)
    assert m.dcm.of("gone")[m.dcm.of("gone").index("RUNNING"):] == ["RUNNING", "DELETED"]


def test_pods_of_an_unknown_replicaset_do_not_cause_pending(monitors, kubesim):
    m = monitors()
    monitor = m.add()
    m.create("moved")
    m.wait_last("moved", "RUNNING")
    interrupt(monitor, kubesim, "replicasets")
    old = m.pod_of("moved")["metadata"]["name"]
    m.kube.patch("deployments", "moved", {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}})
    wait_for("another Pod", lambda: [p["metadata"]["name"] for p in kubesim.admin.of("pods", "moved")
                                           if p["status"].get("phase") == "Running"] not in ([], [old]), 30)
    wait_for("the old one is deleted", lambda: len(kubesim.admin.of("pods", "moved")) == 1, 30)
    time.sleep(1.5)
    kubesim.admin.call("DELETE", "/sim/faults")
    m.scale("moved", 0)
    m.wait_last("moved", "FAILED", 40)
    assert m.dcm.of("moved")[m.dcm.of("moved").index("RUNNING"):] == ["RUNNING", "FAILED"]


def test_a_container_without_pods_is_pending(monitors, kubesim):
    """The counterpart: changes confirmed by the API server are reported immediately."""
    m = monitors()
    m.add()
    m.create("bare")
    m.wait_last("bare", "RUNNING")
    kubesim.admin.call("POST", "/sim/faults", {"match": {"resource": "pods"}, "kind": "quota", "count": -1})
    kubesim.admin.delete("pods", m.pod_of("bare")["metadata"]["name"])
    m.wait_last("bare", "PENDING", 5)
    kubesim.admin.call("DELETE", "/sim/faults")
    m.wait_last("bare", "RUNNING", 40)


def interrupt(monitor, kubesim, resource):
    """End the watch of a resource, and reject new ones until the faults are removed."""
    kubesim.fault("status", resource, verb="watch", status=503, count=-1)
    kubesim.fault("watch-eof", resource)
    wait_for(f"{resource} are not watched", lambda: any(
        '"informer interrupted' in line and f'"kind":"{resource}"' in line for line in monitor.log().splitlines()))
