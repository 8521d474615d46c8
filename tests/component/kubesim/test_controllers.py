"""Controllers: Pods, rollouts, garbage collection."""

import pytest

from kube import condition, deployment, eventually, service


def pods(ns, name):
    return ns.items(ns.pods, labelSelector=f"app%3D{name}")


def running(ns, name, count=1):
    def look():
        found = [p for p in pods(ns, name) if condition(p, "Ready").get("status") == "True"
                 and "deletionTimestamp" not in p["metadata"]]
        return found if len(found) == count else None
    return eventually(look)


def owner(obj):
    return obj["metadata"]["ownerReferences"][0]


def available(kube, path, count=1):
    def look():
        found = kube.get(path)
        status = found["status"]
        return found if [status.get(k, 0) for k in ("replicas", "updatedReplicas", "availableReplicas")] == [count] * 3 \
            and status.get("observedGeneration") == found["metadata"]["generation"] else None
    return eventually(look)


def test_a_deployment_creates_a_replicaset_and_a_pod(kube, ns):
    made = kube.post(ns.deployments, deployment("web", resources={"limits": {"cpu": "0.5", "memory": "1024Mi"}}))
    pod = running(ns, "web")[0]
    replicaset = ns.items(ns.replicasets)[0]
    suffix = replicaset["metadata"]["labels"]["pod-template-hash"]
    assert replicaset["metadata"]["name"] == f"web-{suffix}"
    assert replicaset["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": suffix}
    assert replicaset["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert {k: owner(replicaset)[k] for k in ("apiVersion", "kind", "name", "uid", "controller")} == {
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": made["metadata"]["uid"],
        "controller": True}
    assert owner(pod)["uid"] == replicaset["metadata"]["uid"] and owner(pod)["kind"] == "ReplicaSet"
    assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": suffix}
    assert pod["metadata"]["name"].startswith(f"web-{suffix}-")
    status = pod["status"]
    assert status["phase"] == "Running" and status["podIP"] and pod["spec"]["nodeName"]
    assert {c["type"] for c in status["conditions"]} >= {"PodScheduled", "Ready", "ContainersReady"}
    assert status["containerStatuses"][0]["ready"] and "running" in status["containerStatuses"][0]["state"]
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "500m", "memory": "1Gi"}


def test_the_status_of_a_deployment_is_complete(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    status = available(kube, ns.deployments + "/web")["status"]
    assert {k: status[k] for k in ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")} == {
        "replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1}
    assert "unavailableReplicas" not in status
    ok = condition({"status": status}, "Available")
    assert (ok["status"], ok["reason"], ok["message"]) == (
        "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    assert ok["lastTransitionTime"]


def test_scaling_up_down_and_to_zero(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    running(ns, "web")
    for count in (3, 1):
        kube.patch(ns.deployments + "/web/scale", {"spec": {"replicas": count}})
        running(ns, "web", count)
        available(kube, ns.deployments + "/web", count)
    kube.patch(ns.deployments + "/web/scale", {"spec": {"replicas": 0}})
    available(kube, ns.deployments + "/web", 0)
    eventually(lambda: not pods(ns, "web"))


def test_a_new_image_is_rolled_out(kube, ns):
    kube.post(ns.deployments, deployment("web", replicas=2))
    running(ns, "web", 2)
    kube.patch(ns.deployments + "/web", {"spec": {"template": {"spec": {"containers": [
        {"name": "main", "image": "nginx:2"}]}}}})
    eventually(lambda: [p["spec"]["containers"][0]["image"] for p in pods(ns, "web")] == ["nginx:2"] * 2)
    found = available(kube, ns.deployments + "/web", 2)
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    counts = sorted(r["spec"]["replicas"] for r in ns.items(ns.replicasets))
    assert counts == [0, 2]


def test_a_broken_image_stops_the_rollout(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    running(ns, "web")
    kube.patch(ns.deployments + "/web", {"spec": {"template": {"spec": {"containers": [
        {"name": "main", "image": "nonexistent/x"}]}}}})
    eventually(lambda: len(pods(ns, "web")) == 2)
    assert running(ns, "web")[0]["spec"]["containers"][0]["image"] == "nginx:1"
    assert kube.get(ns.deployments + "/web")["status"]["availableReplicas"] == 1


@pytest.mark.parametrize("image, phase, reason", [
    ("nonexistent/x", "Pending", "ImagePullBackOff"), ("crashloop:1", "Running", "CrashLoopBackOff")])
def test_failing_images(kube, ns, image, phase, reason):
    kube.post(ns.deployments, deployment("bad", image=image))
    pod = eventually(lambda: next((p for p in pods(ns, "bad") if p["status"].get("containerStatuses")), None))
    state = pod["status"]["containerStatuses"][0]
    assert (pod["status"]["phase"], state["state"]["waiting"]["reason"]) == (phase, reason)
    assert state["state"]["waiting"]["message"] and not state["ready"]
    assert condition(pod, "Ready")["status"] == "False" and condition(pod, "Ready")["reason"] == "ContainersNotReady"
    if phase == "Running":
        assert state["restartCount"] == 7 and state["lastState"]["terminated"]["reason"] == "OOMKilled"
    found = eventually(lambda: (d := kube.get(ns.deployments + "/bad"))["status"].get("unavailableReplicas") and d)
    assert condition(found, "Available")["status"] == "False"


def test_an_unschedulable_pod_stays_pending(kube, ns):
    kube.post(ns.deployments, deployment("big", resources={"requests": {"cpu": "1000000"}}))
    pod = eventually(lambda: next((p for p in pods(ns, "big") if condition(p, "PodScheduled")), None))
    placed = condition(pod, "PodScheduled")
    assert (pod["status"]["phase"], placed["status"], placed["reason"]) == ("Pending", "False", "Unschedulable")
    assert "Insufficient cpu" in placed["message"]


def test_a_deleted_pod_is_replaced(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    first = running(ns, "web")[0]["metadata"]
    kube.call("DELETE", f"{ns.pods}/{first['name']}")
    eventually(lambda: kube.call("GET", f"{ns.pods}/{first['name']}")[0] == 404)
    assert running(ns, "web")[0]["metadata"]["uid"] != first["uid"]


def test_an_evicted_pod_is_kept_and_replaced(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    first = running(ns, "web")[0]["metadata"]
    kube.patch(f"{ns.pods}/{first['name']}/status",
               {"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
                           "conditions": [], "containerStatuses": []}})
    running(ns, "web")
    old = kube.get(f"{ns.pods}/{first['name']}")
    assert (old["status"]["phase"], old["status"]["reason"]) == ("Failed", "Evicted")
    assert len(pods(ns, "web")) == 2


def test_a_terminating_pod_has_a_deletion_timestamp(kube, ns):
    body = deployment("slow")
    body["spec"]["template"]["metadata"]["labels"]["dcm-test/stop-delay"] = "1s"
    kube.post(ns.deployments, body)
    pod = running(ns, "slow")[0]["metadata"]["name"]
    kube.call("DELETE", ns.deployments + "/slow")
    assert kube.call("GET", ns.deployments + "/slow")[0] == 404
    stopping = eventually(lambda: "deletionTimestamp" in kube.get(f"{ns.pods}/{pod}")["metadata"])
    assert stopping
    eventually(lambda: kube.call("GET", f"{ns.pods}/{pod}")[0] == 404)


def test_deleting_a_deployment_deletes_its_objects(kube, ns):
    made = kube.post(ns.deployments, deployment("web"))
    body = service("web")
    body["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                                            "uid": made["metadata"]["uid"]}]
    kube.post(ns.services, body)
    running(ns, "web")
    assert kube.call("DELETE", ns.deployments + "/web", {"propagationPolicy": "Background"})[0] == 200
    for path in (ns.deployments, ns.replicasets, ns.pods, ns.services):
        eventually(lambda p=path: not ns.items(p), 30)


def test_an_object_with_a_wrong_owner_uid_is_deleted(kube, ns):
    kube.post(ns.deployments, deployment("web", replicas=0))
    body = service("lost")
    body["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                                            "uid": "00000000-0000-4000-8000-000000000000"}]
    kube.post(ns.services, body)
    eventually(lambda: not ns.items(ns.services), 40)


def test_a_recreated_deployment_gets_new_pods(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    first = running(ns, "web")[0]
    kube.call("DELETE", ns.deployments + "/web")
    second = kube.post(ns.deployments, deployment("web"))
    eventually(lambda: kube.call("GET", f"{ns.pods}/{first['metadata']['name']}")[0] == 404, 30)
    pod = running(ns, "web")[0]
    replicaset = next(r for r in ns.items(ns.replicasets) if r["metadata"]["uid"] == owner(pod)["uid"])
    assert owner(replicaset)["uid"] == second["metadata"]["uid"]


def test_deleting_a_namespace_deletes_its_objects(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    kube.post(ns.services, service("web"))
    running(ns, "web")
    kube.call("DELETE", f"/api/v1/namespaces/{ns.name}")
    eventually(lambda: kube.call("GET", f"/api/v1/namespaces/{ns.name}")[0] == 404, 60)
    assert not ns.items(ns.pods) and not ns.items(ns.services)


def test_events_are_recorded(kube, ns):
    kube.post(ns.deployments, deployment("web"))
    pod = running(ns, "web")[0]["metadata"]["name"]
    found = eventually(lambda: ns.items(ns.events, fieldSelector=f"involvedObject.name%3D{pod}"))
    assert any(e["reason"] == "Scheduled" for e in found)
    assert eventually(lambda: ns.items(ns.events, fieldSelector="involvedObject.name%3Dweb"))[0]["reason"] \
        == "ScalingReplicaSet"


def test_a_load_balancer_gets_an_address(start_simulator):
    kube = start_simulator("--lb-delay-ms", "100").kube
    path = "/api/v1/namespaces/default/services"
    kube.post(path, service("web", type="LoadBalancer"))
    assert eventually(lambda: kube.get(path + "/web")["status"]["loadBalancer"].get("ingress"))[0]["ip"]


def test_a_load_balancer_without_an_address_stays_pending(start_simulator):
    kube = start_simulator("--lb-delay-ms", "-1").kube
    path = "/api/v1/namespaces/default/services"
    kube.post(path, service("web", type="LoadBalancer"))
    kube.post("/apis/apps/v1/namespaces/default/deployments", deployment("web"))
    eventually(lambda: kube.get("/apis/apps/v1/namespaces/default/deployments/web")["status"].get("readyReplicas"))
    assert kube.get(path + "/web")["status"] == {"loadBalancer": {}}
