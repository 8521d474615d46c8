"""
A node that stops reporting, on the control plane of tests/cluster, as marked by its node lifecycle controller. The
controller there has a timeout of an hour, so the test starts a second one with a short timeout, and keeps the other
node alive meanwhile.
"""

import datetime
import threading

import pytest

from api import spec
from control_plane import CLUSTER
from monitors import deployment
from processes import Process, wait_for

NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
MERGE = "application/merge-patch+json"


def now(form="%Y-%m-%dT%H:%M:%SZ"):
    return datetime.datetime.now(datetime.timezone.utc).strftime(form)


def condition(kind):
    """Conditions as written by a healthy kubelet: without a reason."""
    return {"type": kind, "status": "True", "lastTransitionTime": now()}


def renew(kube, stop):
    """As the kubelet of the node that is not lost would. (A lease that ever had no time counts as never renewed.)"""
    while not stop.wait(0.5):
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "simulated"},
                 "spec": {"holderIdentity": "simulated", "leaseDurationSeconds": 40,
                          "renewTime": now("%Y-%m-%dT%H:%M:%S.%fZ")}}
        if kube.call("PATCH", f"{LEASES}/simulated", lease, MERGE)[0] == 404:
            kube.call("POST", LEASES, lease)


@pytest.fixture
def lost_node(target, tmp_path):
    """A Ready node that is not renewed, and (called) the controller that notices."""
    kube, stop = target.admin, threading.Event()
    keeper = threading.Thread(target=renew, args=(kube, stop))
    controller = Process("impatient", [
        f"{CLUSTER}/bin/kube-controller-manager", f"--kubeconfig={CLUSTER}/admin.kubeconfig", "--leader-elect=false",
        "--secure-port=0", "--controllers=node-lifecycle-controller", "--node-monitor-grace-period=6s",
        "--node-monitor-period=1s"], {}, str(tmp_path))
    kube.call("POST", NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "lost"},
                              "spec": {"taints": [{"key": "dcm-test/lost", "effect": "NoSchedule"}]}})
    room = {"cpu": "10", "memory": "10Gi", "pods": "10"}
    kube.call("PATCH", f"{NODES}/lost/status",
              {"status": {"capacity": room, "allocatable": room, "conditions": [condition("Ready")]}}, MERGE)
    keeper.start()
    yield controller.start
    controller.stop(expect=None)
    stop.set()
    keeper.join()
    for deployment_left in kube.list("deployments"):  # or its next Pod is for the lost node again
        kube.delete("deployments", deployment_left["metadata"]["name"])
    kube.call("DELETE", f"{NODES}/lost")
    for pod in kube.list("pods", ""):
        kube.call("DELETE", kube.path("pods", pod["metadata"]["name"]) + "?gracePeriodSeconds=0")


def test_a_container_on_a_lost_node_is_unknown(monitors, own_stack, lost_node):
    m = monitors()
    stack = own_stack(name=m.name, nats_port=m.port)
    body = deployment("stray")
    body["spec"]["template"]["spec"]["nodeName"] = "lost"
    m.kube.create("deployments", body)
    m.set_pod_status("stray", {
        "phase": "Running", "podIP": "10.9.9.9",
        "conditions": [condition(c) for c in ("Initialized", "PodScheduled", "ContainersReady", "Ready")],
        "containerStatuses": [{"name": "main", "ready": True, "restartCount": 0, "image": "nginx", "imageID": "x",
                               "state": {"running": {"startedAt": now()}}}]})
    m.wait_last("stray", "RUNNING")
    assert stack.api.create(spec(), "steady").status == 201
    stack.wait_status("steady", "RUNNING")
    lost_node()
    m.wait_last("stray", "UNKNOWN", 40)
    m.wait_message("stray", "the node no longer reports")
    stack.wait_status("stray", "UNKNOWN")
    assert stack.api.get("steady").json["status"] == "RUNNING"
    assert m.dcm.of("steady")[-1:] == ["RUNNING"]
    wait_for("the other node is not touched",
             lambda: not m.kube.call("GET", f"{NODES}/simulated")[1]["spec"].get("taints"))
