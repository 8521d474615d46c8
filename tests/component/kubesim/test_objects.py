"""Creating, reading, changing and deleting objects."""

import pytest

from kube import MERGE, STRATEGIC, deployment, eventually, service

IDLE = {"replicas": 0}  # nothing else touches the object while the test does


def conflict(answer, status):
    return status == 409 and answer["reason"] == "Conflict"


def test_a_created_deployment_has_a_uid_and_defaults(kube, ns):
    body = deployment("web")
    del body["spec"]["replicas"]
    made = kube.post(ns.deployments, body)
    assert made["metadata"]["generation"] == 1 and made["spec"]["replicas"] == 1
    assert len(made["metadata"]["uid"]) == 36


QUANTITIES = {
    "1024Mi": "1Gi", "1000m": "1", "0.5": "500m", "1.5Gi": "1536Mi", "1": "1", "1e3": "1e3", "1000k": "1M",
    "1Ki": "1Ki", "0.0001": "1m", "3072Mi": "3Gi", "1000Mi": "1000Mi", "12e6": "12e6", "0": "0", "0.5Gi": "512Mi",
    "1.0": "1", "1024": "1024", "2000000000": "2G",
}


def test_quantities_are_canonicalized(kube, ns):
    for i, (text, canonical) in enumerate(QUANTITIES.items()):
        made = kube.post(ns.deployments, deployment(f"q{i}", resources={"limits": {"memory": text}}, **IDLE))
        limits = made["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
        assert limits == {"memory": canonical}, text


def test_services_get_addresses(kube, ns):
    plain = kube.post(ns.services, service("plain"))["spec"]
    assert plain["type"] == "ClusterIP" and plain["clusterIPs"] == [plain["clusterIP"]]
    assert plain["clusterIP"].startswith("10.96.") or not kube.simulated
    assert plain["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    node = kube.post(ns.services, service("node", type="NodePort"))["spec"]
    assert 30000 <= node["ports"][0]["nodePort"] <= 32767
    balanced = kube.post(ns.services, service("balanced", type="LoadBalancer"))
    assert balanced["spec"]["ports"][0]["nodePort"] and balanced["status"] == {"loadBalancer": {}}
    headless = kube.post(ns.services, service("headless", clusterIP="None"))["spec"]
    assert headless["clusterIPs"] == ["None"]


def test_a_service_keeps_its_addresses(kube, ns):
    first = kube.post(ns.services, service("first", type="NodePort"))["spec"]
    second = kube.post(ns.services, service("second", type="NodePort"))["spec"]
    assert first["clusterIP"] != second["clusterIP"]
    assert first["ports"][0]["nodePort"] != second["ports"][0]["nodePort"]
    changed = kube.patch(ns.services + "/first", {"spec": {"ports": [{"port": 80}], "clusterIP": None}})["spec"]
    assert changed["clusterIP"] == first["clusterIP"] and changed["ports"] == first["ports"]


def test_a_duplicate_create_is_rejected(kube, ns):
    kube.post(ns.deployments, deployment("x", **IDLE))
    status, answer = kube.call("POST", ns.deployments, deployment("x", **IDLE))
    assert (status, answer["reason"]) == (409, "AlreadyExists")
    assert answer["message"] == 'deployments.apps "x" already exists'
    assert answer["details"] == {"name": "x", "group": "apps", "kind": "deployments"}


def test_generated_names_are_unique(kube, ns):
    body = deployment("x", **IDLE)
    del body["metadata"]["name"]
    body["metadata"]["generateName"] = "g-"
    names = {kube.post(ns.deployments, body)["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3 and all(n.startswith("g-") and len(n) == 7 for n in names)


def test_a_dry_run_stores_nothing(kube, ns):
    status, _ = kube.call("POST", ns.deployments + "?dryRun=All", deployment("x", **IDLE))
    assert status == 201
    assert kube.call("GET", ns.deployments + "/x")[0] == 404


def test_a_namespace_must_exist_and_not_be_terminating(kube, ns):
    status, answer = kube.call("POST", "/apis/apps/v1/namespaces/not-there/deployments", deployment("x"))
    assert (status, answer["message"]) == (404, 'namespaces "not-there" not found')
    body = deployment("held", **IDLE)
    body["metadata"]["finalizers"] = ["example.com/hold"]
    kube.post(ns.deployments, body)
    kube.call("DELETE", f"/api/v1/namespaces/{ns.name}")
    status, answer = kube.call("POST", ns.deployments, deployment("late"))
    assert (status, answer["reason"]) == (403, "Forbidden")
    assert answer["message"] == (f'deployments.apps "late" is forbidden: unable to create new content in namespace '
                                 f'{ns.name} because it is being terminated')
    kube.patch(ns.deployments + "/held", {"metadata": {"finalizers": None}})
    eventually(lambda: kube.call("GET", f"/api/v1/namespaces/{ns.name}")[0] == 404, 40)


def test_missing_objects_are_404(kube, ns):
    status, answer = kube.call("GET", ns.deployments + "/nope")
    assert status == 404 and answer["details"] == {"name": "nope", "group": "apps", "kind": "deployments"}
    assert kube.call("DELETE", ns.services + "/nope")[0] == 404
    assert kube.call("GET", ns.deployments.replace("deployments", "nonsense"))[0] == 404
    assert kube.call("GET", "/nowhere")[0] == 404


@pytest.mark.parametrize("method, tail, status", [
    ("PUT", "", 405), ("PATCH", "", 405), ("POST", "/x", 405), ("GET", "/x/nonsense", 404)])
def test_unsupported_methods_are_rejected(kube, ns, method, tail, status):
    assert kube.call(method, ns.deployments + tail, {}, {"Content-Type": MERGE})[0] == status


def test_malformed_bodies_are_rejected(kube, ns):
    assert kube.call("POST", ns.deployments, "{broken")[0] == 400
    assert kube.call("POST", ns.deployments, "")[0] == 400
    assert kube.call("POST", ns.deployments, deployment("x"), {"Content-Type": "text/plain"})[0] == 415
    assert kube.call("PATCH", ns.deployments + "/x", {}, {"Content-Type": "application/json"})[0] == 415
    status, answer = kube.call("POST", ns.deployments, " " * (3 * 1024 * 1024 + 1))
    assert (status, answer["reason"]) == (413, "RequestEntityTooLarge")


def test_an_update_requires_the_current_version(kube, ns):
    old = kube.post(ns.deployments, deployment("x", **IDLE))
    kube.patch(ns.deployments + "/x", {"metadata": {"labels": {"new": "label"}}})
    old["spec"]["replicas"] = 0
    status, answer = kube.call("PUT", ns.deployments + "/x", old)
    assert conflict(answer, status) and "the object has been modified" in answer["message"]
    del old["metadata"]["resourceVersion"]
    status, answer = kube.call("PUT", ns.deployments + "/x", old)
    assert status == 200 and "new" not in answer["metadata"]["labels"]


def test_an_update_without_changes_keeps_the_version(kube, ns):
    path = ns.services + "/x"
    before = kube.post(ns.services, service("x"))
    after = kube.patch(path, {"spec": {"type": "ClusterIP"}})
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_generation_counts_changes_of_the_spec(kube, ns):
    kube.post(ns.deployments, deployment("x", **IDLE))
    assert kube.patch(ns.deployments + "/x", {"metadata": {"labels": {"a": "b"}}})["metadata"]["generation"] == 1
    assert kube.patch(ns.deployments + "/x", {"spec": {"paused": True}})["metadata"]["generation"] == 2


def test_a_strategic_patch_merges_containers_by_name(kube, ns):
    kube.post(ns.deployments, deployment("x", command=["sh"], **IDLE))
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nginx:2"}]}}}}
    changed = kube.patch(ns.deployments + "/x", patch, STRATEGIC)["spec"]["template"]["spec"]["containers"]
    assert len(changed) == 1 and changed[0]["image"] == "nginx:2" and changed[0]["command"] == ["sh"]


def test_the_scale_is_a_view_of_the_replicas(kube, ns):
    kube.post(ns.deployments, deployment("x", **IDLE))
    scale = kube.get(ns.deployments + "/x/scale")
    assert (scale["kind"], scale["spec"].get("replicas", 0), scale["status"]["selector"]) == ("Scale", 0, "app=x")
    assert kube.patch(ns.deployments + "/x/scale", {"spec": {"replicas": 2}})["spec"]["replicas"] == 2
    assert kube.get(ns.deployments + "/x")["spec"]["replicas"] == 2
    status, _ = kube.call("PATCH", ns.deployments + "/x/scale", {"spec": {"replicas": -1}}, {"Content-Type": MERGE})
    assert status == 422


def test_the_status_changes_only_through_its_subresource(kube, ns):
    kube.post(ns.services, service("x", type="LoadBalancer"))
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    assert "192.0.2.1" not in str(kube.patch(ns.services + "/x", status)["status"])
    assert "192.0.2.1" in str(kube.patch(ns.services + "/x/status", status)["status"])


def test_a_delete_can_have_preconditions(kube, ns):
    path = ns.deployments + "/x"
    made = kube.post(ns.deployments, deployment("x", **IDLE))
    status, answer = kube.call("DELETE", path, {"preconditions": {"uid": "another"}})
    assert conflict(answer, status) and "the UID in the precondition (another) does not match" in answer["message"]
    status, answer = kube.call("DELETE", path, {"preconditions": {"resourceVersion": "1"}})
    assert conflict(answer, status) and "the ResourceVersion in the precondition (1)" in answer["message"]
    assert kube.call("DELETE", path, {"propagationPolicy": "Nonsense"})[0] == (501 if kube.simulated else 422)
    status, answer = kube.call("DELETE", path, {"preconditions": {"uid": made["metadata"]["uid"]}})
    assert (status, answer["status"]) == (200, "Success")
    assert answer["details"]["uid"] == made["metadata"]["uid"]
    assert kube.call("GET", path)[0] == 404


def test_a_finalizer_delays_the_deletion(kube, ns):
    body = service("x")
    body["metadata"]["finalizers"] = ["example.com/hold"]
    kube.post(ns.services, body)
    status, answer = kube.call("DELETE", ns.services + "/x")
    assert status == 200 and answer["metadata"]["deletionTimestamp"]
    assert kube.get(ns.services + "/x")["metadata"]["deletionTimestamp"]
    kube.patch(ns.services + "/x", {"metadata": {"finalizers": None}})
    eventually(lambda: kube.call("GET", ns.services + "/x")[0] == 404)


def test_discovery_lists_the_resources(kube):
    assert "apps" in {g["name"] for g in kube.get("/apis")["groups"]}
    resources = {r["name"] for r in kube.get("/apis/apps/v1")["resources"]}
    assert {"deployments", "deployments/scale", "replicasets"} <= resources
    assert {"pods", "services", "namespaces", "events"} <= {r["name"] for r in kube.get("/api/v1")["resources"]}
    for path in ("/healthz", "/livez", "/readyz"):
        assert kube.request("GET", path)[2] == "ok"
    assert ("kubesim" in kube.get("/version")["gitVersion"]) == kube.simulated
