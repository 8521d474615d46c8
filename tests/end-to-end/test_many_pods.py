"""Containers whose evicted Pods were not cleaned up."""

import concurrent.futures
import time

from api import spec
from processes import wait_for

EVICTED = 1000
STATUS = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
          "containerStatuses": None, "conditions": None}


def active_pods(kube, container_id):
    return [p for p in kube.of("pods", container_id)
            if p["status"].get("phase") != "Failed" and "deletionTimestamp" not in p["metadata"]]


def pile_up(kube, container_id, name):
    """Run many replicas, evict them, and keep one of their replacements."""
    kube.patch("deployments", name, {"spec": {"replicas": EVICTED}})
    pods = wait_for("all Pods", lambda: len(found := active_pods(kube, container_id)) == EVICTED and found, 60, 0.5)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda p: kube.patch("pods", p["metadata"]["name"], {"status": STATUS}, "/status"), pods))
    kube.patch("deployments", name, {"spec": {"replicas": 1}})
    wait_for("one Pod is left, and runs", lambda: [p["status"].get("phase") for p in active_pods(kube, container_id)]
             == ["Running"], 120, 0.5)
    assert len(kube.of("pods", container_id)) >= EVICTED


def test_a_thousand_evicted_pods_do_not_hide_other_objects(stack, monitors):
    m = monitors(count=1)
    assert stack.api.create(spec(), "own").status == 201
    m.create("foreign", name="by-others")
    for container_id, name in (("own", "own"), ("foreign", "by-others")):
        m.wait_last(container_id, "RUNNING")
        pile_up(stack.kube, container_id, name)
        m.wait_last(container_id, "RUNNING", 30)
        stack.wait_status(container_id, "RUNNING")
    assert {c["id"]: c["status"] for c in stack.api.list_all(10)} == {"own": "RUNNING", "foreign": "RUNNING"}
    assert stack.api.create(spec(), "foreign").status == 409
    told = len(m.dcm.of("own")) + len(m.dcm.of("foreign"))
    time.sleep(2.5)  # longer than the delay after which the monitor would check again whether they are deleted
    assert len(m.dcm.of("own")) + len(m.dcm.of("foreign")) == told
    assert "DELETED" not in m.dcm.of("own") + m.dcm.of("foreign")
    m.scale("by-others", 0)
    m.wait_last("foreign", "FAILED")
    for container_id in ("own", "foreign"):
        assert stack.api.delete(container_id).status == 204
        assert stack.api.get(container_id).status == 404
        m.wait_last(container_id, "DELETED")
