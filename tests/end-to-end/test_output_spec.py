"""Events of RUNNING contain the endpoints of the container."""

import json

from monitors import labels_of, deployment
from processes import wait_for

SPEC = {"metadata": {"name": "main"}, "network": {"ports": [{"container_port": 80, "visibility": "external"},
                                                            {"container_port": 81, "visibility": "internal"}]}}


def events_of(m, container_id):
    return [event["data"] for _, event in m.dcm.raw if event["data"]["id"] == container_id]


def last_output(m, container_id):
    return events_of(m, container_id)[-1].get("output_spec")


def make_service(m, container_id, ports=(80, 81)):
    """As a worker makes it."""
    owner = m.kube.get("deployments", container_id)["metadata"]
    return m.kube.create("services", {
        "metadata": {"name": container_id, "labels": labels_of(container_id),
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": container_id,
                                          "uid": owner["uid"]}]},
        "spec": {"type": "NodePort", "selector": labels_of(container_id),
                 "ports": [{"name": f"port-{p}", "port": p, "targetPort": p} for p in ports]}})


def make(m, container_id, written=SPEC):
    body = deployment(container_id)
    if written:
        body["metadata"]["annotations"] = {"dcm.project/spec": json.dumps(written)}
    m.kube.create("deployments", body)
    m.wait_last(container_id, "RUNNING")


def test_running_has_endpoints_and_their_change_is_published(monitors):
    m = monitors()
    make(m, "reached")
    namespace = m.target.namespace
    wait_for("without a Service", lambda: last_output(m, "reached") == {"namespace": namespace, "endpoints": []})
    before = [d for d in events_of(m, "reached") if d["status"] != "RUNNING"]
    assert all("output_spec" not in d for d in before)
    make_service(m, "reached")
    node_ports = {p["port"]: p["nodePort"] for p in m.kube.get("services", "reached")["spec"]["ports"]}
    host = m.pod_of("reached")["status"]["hostIP"]
    inside = [{"address": f"reached.{namespace}.svc", "port": p, "scope": "internal"} for p in (80, 81)]
    wait_for("its endpoints", lambda: last_output(m, "reached") == {"namespace": namespace, "endpoints": inside + [
        {"address": host, "port": node_ports[80], "scope": "external"}]})
    m.kube.delete("services", "reached")
    wait_for("none again", lambda: last_output(m, "reached") == {"namespace": namespace, "endpoints": []})
    assert {d["status"] for d in events_of(m, "reached")[len(before):]} == {"RUNNING"}


def test_foreign_deployments_have_all_ports_of_their_service(monitors):
    m = monitors()
    make(m, "theirs", None)
    make_service(m, "theirs", (80,))
    wait_for("both scopes", lambda: [e["scope"] for e in (last_output(m, "theirs") or {}).get("endpoints", [])]
             == ["internal", "external"])


def test_other_states_have_no_endpoints(monitors):
    m = monitors()
    make(m, "stopped")
    m.scale("stopped", 0)
    m.wait_last("stopped", "FAILED")
    assert "output_spec" not in events_of(m, "stopped")[-1]


def test_a_starting_monitor_publishes_them_with_the_state(monitors):
    """Not first without, and then with it."""
    m = monitors(0)
    body = deployment("early")
    body["metadata"]["annotations"] = {"dcm.project/spec": json.dumps(SPEC)}
    m.kube.create("deployments", body)
    make_service(m, "early")
    wait_for("it runs", lambda: m.pod_of("early")["status"].get("phase") == "Running"
             and m.kube.get("deployments", "early").get("status", {}).get("readyReplicas"), 30)
    m.add()
    m.wait_last("early", "RUNNING")
    assert all(len(d["output_spec"]["endpoints"]) == 3 for d in events_of(m, "early"))
