"""PATCH: changes by clients, changes by others, and rejected input."""

import concurrent.futures
import copy
import json

import pytest

from api import BASE, spec
from processes import wait_for
from test_behind_our_back import STRATEGIC, scale, set_image
from test_life import FULL, foreign_deployment, without_outputs

pytestmark = pytest.mark.usefixtures("root_kind")

MERGE = {"Content-Type": "application/merge-patch+json"}


def patch(stack, container_id, change, headers=None, **kwargs):
    return stack.api.call("PATCH", f"{BASE}/{container_id}", change, {**MERGE, **(headers or {})}, **kwargs)


def strategic(kube, name, body):
    status, answer = kube.call("PATCH", kube.path("deployments", name), body, STRATEGIC)
    assert status == 200, answer


def template_of(kube, name):
    return kube.get("deployments", name)["spec"]["template"]


@pytest.mark.deployments
def test_update_applies_the_patch(stack):
    assert stack.api.create(FULL, "all").status == 201
    before = stack.api.get("all").json
    wanted = copy.deepcopy(FULL)
    wanted["image"]["reference"] = "docker.io/library/nginx:1.28"
    wanted["metadata"]["labels"] = {"team": "b", "empty": "", "new": "one"}
    wanted["resources"]["memory"]["max"] = "4GB"
    wanted["process"]["args"] = ["only"]
    wanted["process"]["env"] = [{"name": "QUOTED", "value": "x"}, {"name": "ADDED", "value": ""}]
    wanted["provider_hints"] = {"kubernetes": {"deep": "y"}, "other": [1, None]}
    change = {"spec": {
        "image": {"reference": "docker.io/library/nginx:1.28"},
        "metadata": {"labels": {"team": "b", "example.com/tier": None, "new": "one"}, "namespace": "ignored"},
        "resources": {"memory": {"max": "4GB"}},
        "process": {"args": ["only"], "env": wanted["process"]["env"]},
        "provider_hints": {"kubernetes": {"deep": "y"}, "other": [1, None]},
    }, "status": "FAILED", "id": "another"}
    answer = patch(stack, "all", change)
    assert answer.status == 200, answer.text
    assert without_outputs(answer.json["spec"]) == wanted
    assert answer.headers["etag"] == f'"{answer.json["etag"]}"' != f'"{before["etag"]}"'
    shown = stack.api.get("all").json
    assert without_outputs(shown["spec"]) == wanted and shown["etag"] == answer.json["etag"]
    assert (shown["uid"], shown["create_time"], shown["id"]) == (before["uid"], before["create_time"], "all")
    container = template_of(stack.kube, "all")["spec"]["containers"][0]
    assert [e["name"] for e in container["env"]] == ["QUOTED", "ADDED"]
    labels = stack.kube.get("deployments", "all")["metadata"]["labels"]
    assert labels["team"] == "b" and "example.com/tier" not in labels
    back = patch(stack, "all", {"spec": {"process": None, "provider_hints": None}}, {"Content-Type": "application/json"})
    assert back.status == 200 and "process" not in back.json["spec"] and "provider_hints" not in back.json["spec"]


def test_update_without_changes_writes_nothing(stack):
    stack.api.create(FULL, "same")
    stack.wait_status("same", "RUNNING")
    etag = stack.api.get("same").json["etag"]
    version = wait_for("a settled Deployment", lambda: [
        d["metadata"]["resourceVersion"] for d in [stack.kube.get("deployments", "same")]
        if d["status"].get("observedGeneration") == d["metadata"]["generation"] and d["status"].get("availableReplicas")])
    for change in ({}, {"spec": {}}, {"spec": {"metadata": {"labels": {"absent": None}}}}, {"spec": FULL},
                   {"unknown": 1}, {"spec": {"unknown": 1}}):
        answer = patch(stack, "same", change)
        assert answer.status == 200 and answer.json["etag"] == etag, answer.text
    assert [stack.kube.get("deployments", "same")["metadata"]["resourceVersion"]] == version


def test_update_keeps_changes_by_others(stack):
    """A sidecar, annotations, an injected variable, a changed image, replicas: everything not changed by the client."""
    stack.api.create(spec(ports=[(80, "internal")], process={"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]}),
                     "mixed")
    injected = {"spec": {"template": {
        "metadata": {"annotations": {"example.com/theirs": "x"}},
        "spec": {"terminationGracePeriodSeconds": 7, "containers": [
            {"name": "sidecar", "image": "docker.io/library/envoy:1"},
            {"name": "web", "env": [{"name": "INJECTED", "value": "y"}]}]}}}}
    strategic(stack.kube, "mixed", injected)
    stack.kube.patch("deployments", "mixed", {"metadata": {"annotations": {"example.com/theirs": "z"},
                                                           "labels": {"foreign": "label"}}})
    scale(stack.kube, "mixed", 3)
    service = stack.kube.get("services", "mixed")
    answer = patch(stack, "mixed", {"spec": {
        "resources": {"cpu": {"max": 4}},
        "process": {"env": [{"name": "INJECTED", "value": "y"}, {"name": "A", "value": "2"}, {"name": "C", "value": "3"}]}}})
    assert answer.status == 200, answer.text
    deployment = stack.kube.get("deployments", "mixed")
    template = deployment["spec"]["template"]
    assert deployment["spec"]["replicas"] == 3 and deployment["metadata"]["labels"]["foreign"] == "label"
    assert deployment["metadata"]["annotations"]["example.com/theirs"] == "z"
    assert template["metadata"]["annotations"]["example.com/theirs"] == "x"
    assert template["spec"]["terminationGracePeriodSeconds"] == 7
    assert [c["name"] for c in template["spec"]["containers"]] == ["sidecar", "web"]
    web = template["spec"]["containers"][1]
    assert {e["name"]: e.get("value", "") for e in web["env"]} == {"INJECTED": "y", "A": "2", "C": "3"}
    assert web["resources"]["limits"]["cpu"] == "4" and web["image"] == "docker.io/library/nginx:1.27"
    assert stack.kube.get("services", "mixed")["metadata"]["resourceVersion"] == service["metadata"]["resourceVersion"]
    set_image(stack.kube, "mixed", "docker.io/library/envoy:2")  # the first container: theirs
    answer = patch(stack, "mixed", {"spec": {"metadata": {"labels": {"a": "b"}}}})
    assert answer.status == 200, answer.text
    assert template_of(stack.kube, "mixed")["spec"]["containers"][0]["image"] == "docker.io/library/envoy:2"


def test_update_of_ports_keeps_addresses(stack):
    """The Service is created, changed, gets another type, and is deleted with the ports."""
    def ports(*wanted):
        return {"spec": {"network": {"ports": [{"container_port": p, "visibility": v} for p, v in wanted] or None}}}

    stack.api.create(spec(), "ported")
    assert "service" not in stack.api.get("ported").json
    made = patch(stack, "ported", ports((80, "external"), (81, "external")))
    assert made.status == 200, made.text
    first = stack.kube.get("services", "ported")
    assert first["metadata"]["ownerReferences"][0]["uid"] == made.json["uid"]
    assert [p["port"] for p in made.json["service"]["ports"]] == [80, 81]
    node_ports = {p["port"]: p["nodePort"] for p in first["spec"]["ports"]}
    stack.kube.patch("services", "ported", {"metadata": {"annotations": {"example.com/theirs": "x"}}})
    answer = patch(stack, "ported", ports((82, "external"), (80, "external")))
    assert answer.status == 200, answer.text
    second = stack.kube.get("services", "ported")
    assert second["metadata"]["uid"] == first["metadata"]["uid"] and second["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    assert second["metadata"]["annotations"]["example.com/theirs"] == "x"
    assert [p["port"] for p in second["spec"]["ports"]] == [82, 80]
    assert next(p["nodePort"] for p in second["spec"]["ports"] if p["port"] == 80) == node_ports[80]
    answer = patch(stack, "ported", ports((80, "internal")))
    assert answer.status == 200 and answer.json["service"]["type"] == "ClusterIP", answer.text
    assert stack.kube.get("services", "ported")["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    assert "node_port" not in answer.json["service"]["ports"][0]
    answer = patch(stack, "ported", ports((80, "none")))
    assert answer.status == 200 and "service" not in answer.json, answer.text
    wait_for("no Service", lambda: stack.kube.get("services", "ported") is None)
    assert "dcm.project/changing" not in stack.kube.get("deployments", "ported")["metadata"]["annotations"]
    answer = patch(stack, "ported", ports())
    assert answer.status == 200 and "ports" not in answer.json["spec"].get("network", {}), answer.text


def test_update_of_ports_that_differ_by_protocol(stack):
    """The API server merges ports by number only, and loses one."""
    def ports(*wanted):
        return [{"container_port": 53, "visibility": "external", **({"protocol": p} if p else {})} for p in wanted]

    made = stack.api.create(spec(network={"ports": ports(None, "UDP")}), "dns")
    assert made.status == 201, made.text
    before = {p["protocol"]: p["nodePort"] for p in stack.kube.get("services", "dns")["spec"]["ports"]}
    answer = patch(stack, "dns", {"spec": {"network": {"ports": ports("UDP", None, "SCTP")}}})
    assert answer.status == 200 and answer.json["spec"]["network"]["ports"] == ports("UDP", None, "SCTP"), answer.text
    after = {p["protocol"]: p["nodePort"] for p in stack.kube.get("services", "dns")["spec"]["ports"]}
    assert list(after) == ["UDP", "TCP", "SCTP"] and {k: after[k] for k in before} == before
    assert [p["protocol"] for p in template_of(stack.kube, "dns")["spec"]["containers"][0]["ports"]] == ["UDP", "TCP", "SCTP"]
    answer = patch(stack, "dns", {"spec": {"network": {"ports": ports("UDP")}}})
    assert answer.status == 200, answer.text
    assert [(p["protocol"], p["nodePort"]) for p in stack.kube.get("services", "dns")["spec"]["ports"]] == [("UDP", before["UDP"])]


def test_update_by_many_clients_concurrently_loses_nothing(own_stack):
    """Each label is in the result, regardless of api-svc and worker."""
    stack = own_stack(4)
    second = own_stack(0, nats_port=stack.nats_port)
    stack.api.create(spec(), "busy")
    apis = [stack.api, second.api]

    def label(i):
        return apis[i % 2].call("PATCH", f"{BASE}/busy", {"spec": {"metadata": {"labels": {f"l{i}": "x"}}}}, MERGE)

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(label, range(50)))
    assert [a.status for a in answers] == [200] * 50, [a.text for a in answers if a.status != 200][:2]
    assert stack.api.get("busy").json["spec"]["metadata"]["labels"] == {f"l{i}": "x" for i in range(50)}
    etag = stack.api.get("busy").headers["etag"]

    def unless_changed(i):
        return apis[i % 2].call("PATCH", f"{BASE}/busy", {"spec": {"metadata": {"labels": {"l0": str(i)}}}},
                                {**MERGE, "If-Match": etag})

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(unless_changed, range(50)))
    assert sorted(a.status for a in answers) == [200] + [412] * 49, [a.text for a in answers][:2]


BAD = [
    ([], "", 400), (None, "", 400), ("text", "", 400), (5, "", 400),
    ({"spec": None}, "/spec", 400), ({"spec": []}, "/spec", 400),
    ({"spec": {"image": None}}, "/spec/image", 400),
    ({"spec": {"image": {"reference": None}}}, "/spec/image/reference", 400),
    ({"spec": {"process": {"args": [None]}}}, "/spec/process/args/0", 400),
    ({"spec": {"service_type": "vm"}}, "/spec/service_type", 400),
    ({"spec": {"metadata": {"name": "other"}}}, "/spec/metadata/name", 400),
    ({"spec": {"provider_hints": {"kubernetes": {"kind": "StatefulSet"}}}}, "/spec/provider_hints/kubernetes/kind", 400),
    ({"spec": {"provider_hints": {"kubernetes": {"replicas": 1.5}}}}, "/spec/provider_hints/kubernetes/replicas", 400),
    ({"spec": {"provider_hints": {"kubernetes": {"replicas": "2"}}}}, "/spec/provider_hints/kubernetes/replicas", 400),
    ({"spec": {"provider_hints": {"kubernetes": {"replicas": 1001}}}}, "/spec/provider_hints/kubernetes/replicas", 400),
    ({"spec": {"provider_hints": {"kubernetes": {"strategy": {"type": "blue"}}}}},
     "/spec/provider_hints/kubernetes/strategy/type", 400),
    ({"spec": {"provider_hints": {"kubernetes": {"strategy": {"type": "rolling", "max_surge": "a%"}}}}},
     "/spec/provider_hints/kubernetes/strategy/max_surge", 400),
    ({"spec": {"provider_hints": {"kubernetes": {"autoscale": {"min": 5, "max": 2, "cpu_percent": 50}}}}},
     "/spec/provider_hints/kubernetes/autoscale/min", 400),
    ({"spec": {"resources": {"cpu": {"min": 8}}}}, "/spec/resources/cpu/min", 400),
    ({"spec": {"network": {"ports": [{"container_port": 80, "visibility": "none"}] * 2}}},
     "/spec/network/ports/1/container_port", 400),
]


@pytest.mark.deployments
def test_update_that_is_invalid_changes_nothing(stack):
    stack.api.create(FULL, "right")
    before = stack.api.get("right").json
    version = stack.kube.get("deployments", "right")["metadata"]["annotations"]["dcm.project/spec"]
    for change, pointer, status in BAD:
        problem = patch(stack, "right", json.dumps(change)).problem(status, "INVALID_ARGUMENT")
        assert pointer in [e["pointer"] for e in problem["errors"]], (change, problem)
    every = patch(stack, "right", {"spec": {"image": None, "service_type": "vm", "metadata": {"name": "x"},
                                            "provider_hints": {"kubernetes": {"replicas": -1}}}})
    assert {e["pointer"] for e in every.problem(400, "INVALID_ARGUMENT")["errors"]} == {
        "/spec/image", "/spec/service_type", "/spec/metadata/name", "/spec/provider_hints/kubernetes/replicas"}
    after = stack.api.get("right").json
    assert without_outputs(after["spec"]) == without_outputs(before["spec"]) and after["etag"] == before["etag"]
    assert stack.kube.get("deployments", "right")["metadata"]["annotations"]["dcm.project/spec"] == version
    for body, headers in ((b"{", MERGE), (b"", MERGE), (b'{"a": 1, "a": 2}', MERGE)):
        stack.api.call("PATCH", f"{BASE}/right", body, headers).problem(400, "INVALID_ARGUMENT")
    for media in ("text/plain", "application/json-patch+json", "application/strategic-merge-patch+json"):
        problem = stack.api.call("PATCH", f"{BASE}/right", b"{}", {"Content-Type": media}).problem(415, "INVALID_ARGUMENT")
        assert "application/merge-patch+json" in problem["detail"]
    patch(stack, "absent", {"spec": {}}).problem(404, "NOT_FOUND")
    patch(stack, "absent", {"spec": {}}, {"If-Match": "*"}).problem(404, "NOT_FOUND")
    patch(stack, "right", {"spec": {}}, {"If-Match": '"0"'}).problem(412, "PRECONDITION_FAILED")
    stack.api.call("PUT", f"{BASE}/right", {}).problem(405, "INVALID_ARGUMENT")


def test_update_never_makes_an_object_with_too_many_members(stack):
    """Such an object takes seconds to process; several patches could make it, too."""
    def hints(first, count):
        return {"x": {f"k{i}": i for i in range(first, first + count)}}
    stack.api.create(spec(provider_hints=hints(0, 1001)), "many").problem(400, "INVALID_ARGUMENT")
    assert stack.api.create(spec(provider_hints=hints(0, 1000)), "many").status == 201
    for change in ({"spec": {"provider_hints": hints(0, 1001)}}, {"spec": {"provider_hints": hints(1000, 1)}}):
        problem = patch(stack, "many", change).problem(400, "INVALID_ARGUMENT")
        assert "has 1001 members; at most 1000 are allowed" in json.dumps(problem), problem
    assert patch(stack, "many", {"spec": {"provider_hints": {"x": {"k0": None, "k1000": 1}}}}).status == 200


def test_update_rejected_by_kubernetes_has_a_reason_and_changes_nothing(stack):
    stack.api.create(spec(), "taken")
    stack.kube.create("services", {"metadata": {"name": "taken"}, "spec": {"ports": [{"port": 1}]}})
    problem = patch(stack, "taken", {"spec": {"image": {"reference": "new:1"},
                                              "network": {"ports": [{"container_port": 80, "visibility": "internal"}]}}}
                    ).problem(409, "ALREADY_EXISTS")
    assert "Service" in problem["detail"]
    shown = stack.api.get("taken").json["spec"]
    assert shown["image"]["reference"] == "docker.io/library/nginx:1.27" and "ports" not in shown.get("network", {})
    assert "dcm.project/changing" not in stack.kube.get("deployments", "taken")["metadata"]["annotations"]


def test_update_of_a_container_of_others(stack):
    from test_life import foreign_deployment
    body = foreign_deployment("theirs", "foreign")
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "requests": {"cpu": "1", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}
    stack.kube.create("deployments", body)
    stack.wait_known("foreign")
    answer = patch(stack, "foreign", {"spec": {"image": {"reference": "nginx:2"}}})
    assert answer.status == 200, answer.text
    deployment = stack.kube.get("deployments", "theirs")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:2"
    assert deployment["spec"]["selector"]["matchLabels"] == {"app": "theirs"}


@pytest.mark.parametrize("network", [None, {}, {"ports": []}])
def test_update_keeps_every_form_of_no_ports(stack, network):
    stack.api.create(spec(**({} if network is None else {"network": network})), "form")
    stack.wait_status("form", "RUNNING")
    answer = patch(stack, "form", {"spec": {"metadata": {"labels": {"a": "b"}}, "provider_hints": {"x": 1}}})
    assert answer.status == 200, answer.text
    shown = stack.wait_status("form", "RUNNING")["spec"]
    shown.get("network", {}).pop("ip", None)
    assert shown.get("network", {}) == (network or {})


def foreign_pair(stack, ports):
    """A container created by another program, and its Service with another name and other ports."""
    body = foreign_deployment("theirs", "shop")
    body["spec"]["template"]["spec"]["containers"][0].update(
        ports=[{"containerPort": 80}], resources=dict.fromkeys(("requests", "limits"), {"cpu": "1", "memory": "64Mi"}))
    stack.kube.create("deployments", body)
    stack.kube.create("services", {"metadata": {"name": "front", "labels": body["metadata"]["labels"]},
                                   "spec": {"selector": {"app": "theirs"}, "ports": ports}})
    stack.wait_status("shop", "RUNNING")
    wait_for("its Service", lambda: stack.api.get("shop").json.get("service"))


def front(stack):
    return stack.kube.get("services", "front")["spec"]


def test_update_of_a_service_with_another_name_and_an_unnamed_port(stack):
    foreign_pair(stack, [{"port": 80}])
    answer = patch(stack, "shop", {"spec": {"network": {"ports": [{"container_port": 80, "visibility": "external"}]}}})
    assert answer.status == 200, answer.text
    assert [p.get("name") for p in front(stack)["ports"]] == [None] and front(stack)["type"] == "NodePort"
    answer = patch(stack, "shop", {"spec": {"network": {"ports": [
        {"container_port": 80, "visibility": "internal"}, {"container_port": 81, "visibility": "internal"}]}}})
    assert answer.status == 200, answer.text
    assert sorted((p["name"], p["port"]) for p in front(stack)["ports"]) == [("port-80", 80), ("port-81", 81)]
    assert front(stack)["selector"]["app"] == "theirs" and stack.kube.get("services", "shop") is None


def test_update_of_a_service_whose_other_port_has_the_name(stack):
    foreign_pair(stack, [{"name": "port-81", "port": 8080, "targetPort": 80}])
    problem = patch(stack, "shop", {"spec": {"network": {"ports": [
        {"container_port": 80, "visibility": "internal"}, {"container_port": 81, "visibility": "internal"}]}}})
    assert "'front' already has a port named 'port-81'" in problem.problem(409, "ALREADY_EXISTS")["detail"]
    assert [p["port"] for p in front(stack)["ports"]] == [8080]


def test_update_with_a_foreign_service_in_place_of_ours(stack):
    """It prevents changes of ports only."""
    assert stack.api.create(spec(ports=[(80, "internal")]), "taken").status == 201
    stack.kube.delete("services", "taken")
    stack.kube.create("services", {"metadata": {"name": "taken"}, "spec": {"ports": [{"port": 7}]}})
    assert patch(stack, "taken", {"spec": {"metadata": {"labels": {"a": "b"}}}}).status == 200
    patch(stack, "taken", {"spec": {"network": {"ports": [{"container_port": 81, "visibility": "internal"}]}}}).problem(
        409, "ALREADY_EXISTS")
    assert patch(stack, "taken", {"spec": {"network": None}}).status == 200
    service = stack.kube.get("services", "taken")
    assert service["spec"]["ports"][0]["port"] == 7 and "labels" not in service["metadata"]
