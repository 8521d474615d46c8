"""Bad input, one by one: the right status and type, all faults told, nothing left in the cluster, process alive."""

import json

import pytest

from api import BASE, spec


def changed(**changes):
    return spec(**changes)


def with_env(name, value="x"):
    return spec(process={"env": [{"name": name, "value": value}]})


def with_ports(*ports):
    return spec(network={"ports": [{"container_port": p, "visibility": v} for p, v in ports]})


def with_amounts(cpu=(1, 2), memory=("1MB", "2MB")):
    return spec(resources={"cpu": {"min": cpu[0], "max": cpu[1]}, "memory": {"min": memory[0], "max": memory[1]}})


BAD_SPECS = {
    "service_type": (changed(service_type="vm"), ["/spec/service_type"]),
    "name pattern": (changed(metadata={"name": "Web_1"}), ["/spec/metadata/name"]),
    "name empty": (changed(metadata={"name": ""}), ["/spec/metadata/name"]),
    "name too long": (changed(metadata={"name": "a" * 64}), ["/spec/metadata/name"]),
    "image empty": (changed(image={"reference": ""}), ["/spec/image/reference"]),
    "cpu pattern": (with_amounts(cpu=("1.5", "2")), ["/spec/resources/cpu/min"]),
    "cpu zero": (with_amounts(cpu=(0, 1)), ["/spec/resources/cpu/min"]),
    "cpu fraction": (with_amounts(cpu=(1.5, 2)), ["/spec/resources/cpu/min"]),
    "cpu min over max": (with_amounts(cpu=(2, 1)), ["/spec/resources/cpu"]),
    "cpu min over max, mixed": (with_amounts(cpu=("1500m", "1")), ["/spec/resources/cpu"]),
    "memory zero": (with_amounts(memory=("0MB", "1MB")), ["/spec/resources/memory/min"]),
    "memory unit": (with_amounts(memory=("1Mi", "2Mi")), ["/spec/resources/memory/min", "/spec/resources/memory/max"]),
    "memory min over max": (with_amounts(memory=("2GB", "2047MB")), ["/spec/resources/memory"]),
    "reserved label": (changed(metadata={"name": "n", "labels": {"dcm.project/managed-by": "me"}}),
                       ["/spec/metadata/labels"]),
    "label key": (changed(metadata={"name": "n", "labels": {"-bad-": "x"}}), ["/spec/metadata/labels"]),
    "label value": (changed(metadata={"name": "n", "labels": {"a": "b c"}}), ["/spec/metadata/labels"]),
    "label type": (changed(metadata={"name": "n", "labels": {"a": 1}}), ["/spec/metadata/labels"]),
    "env name with =": (with_env("A=B"), ["/spec/process/env/0/name"]),
    "env name empty": (with_env(""), ["/spec/process/env/0/name"]),
    "port 0": (with_ports((0, "none")), ["/spec/network/ports/0/container_port"]),
    "port 65536": (with_ports((65536, "none")), ["/spec/network/ports/0/container_port"]),
    "visibility": (with_ports((80, "public")), ["/spec/network/ports/0/visibility"]),
    "port twice": (with_ports((80, "none"), (81, "none"), (80, "internal")), ["/spec/network/ports"]),
    "command type": (changed(process={"command": "sh"}), ["/spec/process/command"]),
    "hints type": (changed(provider_hints=[]), ["/spec/provider_hints"]),
}


@pytest.mark.parametrize("name", BAD_SPECS)
def test_bad_spec(stack, name):
    bad, pointers = BAD_SPECS[name]
    problem = stack.api.create(bad, "bad").problem(400, "INVALID_ARGUMENT")
    told = [e["pointer"] for e in problem["errors"]]
    for pointer in pointers:
        assert any(t.startswith(pointer) for t in told), told
    assert stack.kube.list("deployments") == []


def test_all_faults_in_one_answer(stack):
    problem = stack.api.create({"service_type": "vm", "metadata": {"name": "X"}, "resources": {"cpu": {"min": 2, "max": 1}}},
                               "Not-Legal").problem(400, "INVALID_ARGUMENT")
    told = " ".join(e["pointer"] for e in problem["errors"])
    for part in ("id", "/spec/service_type", "/spec/metadata/name", "/spec/image", "/spec/resources/memory"):
        assert part in told, (part, told)


@pytest.mark.parametrize("body", [
    b"{", b"", b"[]", b"nul", b'{"spec":{}} x', b"[" * 20000, b'{"a":' * 20000, b'{"spec":"\xff"}',
    b'{"spec":{"service_type":"container","service_type":"container"}}', b'{"spec":{"x":"\\u0000"}}',
    json.dumps(spec()).encode(), b'{"spec":null}', b"{}",
])
def test_bad_body(stack, body):
    stack.api.call("POST", BASE, body).problem(400, "INVALID_ARGUMENT")
    assert stack.kube.list("deployments") == []


def test_wrong_content_type(stack):
    body = json.dumps({"spec": spec()})
    stack.api.call("POST", BASE, body, {"Content-Type": "text/plain"}).problem(400, "INVALID_ARGUMENT")
    assert stack.api.call("POST", BASE + "?id=ok", body, {"Content-Type": "Application/JSON; charset=utf-8"}).status == 201


@pytest.mark.parametrize("bad_id", ["health", "", "A", "-a", "a-", "a" * 64, "a_b", "a.b", "ü", "a/b", "a%00"])
def test_bad_id(stack, bad_id):
    stack.api.create(spec(), bad_id).problem(400, "INVALID_ARGUMENT")
    assert stack.kube.list("deployments") == []


@pytest.mark.parametrize("query", ["max_page_size=0", "max_page_size=-1", "max_page_size=1001", "max_page_size=x",
                                   "max_page_size=", "page_token=garbage", "max_page_size=1&max_page_size=2"])
def test_bad_list_query(stack, query):
    stack.api.call("GET", f"{BASE}?{query}").problem(400, "INVALID_ARGUMENT")


def test_body_over_the_limit(stack):
    body = json.dumps({"spec": spec(provider_hints={"x": "y" * (2 << 20)})})
    stack.api.call("POST", BASE, body).problem(413, "INVALID_ARGUMENT")


def test_unknown_path_and_method(stack):
    for path in ("/", "/api/v1alpha1", "/api/v1alpha1/containers/a/b", "/api/v1alpha1/containers/a%2Fb/c", "/metricsx"):
        stack.api.call("GET", path).problem(404, "NOT_FOUND")
    answer = stack.api.call("PUT", BASE + "/a", {})
    answer.problem(405, "INVALID_ARGUMENT")
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET", "DELETE"}
    answer = stack.api.call("DELETE", BASE)
    answer.problem(405, "INVALID_ARGUMENT")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["a%2Fb", "a%00b", "..", "%2e%2e", "health%2F", "A"])
def test_paths_that_would_fool_a_router(stack, path):
    answer = stack.api.call("GET", f"{BASE}/{path}")
    assert answer.status in (400, 404), answer.text
    assert answer.json["type"] in ("INVALID_ARGUMENT", "NOT_FOUND")


def test_what_only_kubernetes_knows_is_told_with_its_field(stack):
    """An env name that we let pass and Kubernetes refuses would be 400 with a pointer; so is an oversized object."""
    problem = stack.api.create(spec(provider_hints={"x": "y" * 300000}), "large").problem(400, "INVALID_ARGUMENT")
    assert "provider_hints" in json.dumps(problem)
    assert stack.kube.list("deployments") == []


def test_unknown_extra_properties_and_output_fields_are_ignored(stack):
    body = {"spec": spec(), "id": "x", "status": "RUNNING", "path": 7, "create_time": "never"}
    body["spec"]["surprise"] = {"a": 1}
    body["spec"]["metadata"]["namespace"] = "kube-system"
    body["spec"]["network"] = {"ip": 5}
    answer = stack.api.call("POST", BASE + "?id=extra", body)
    assert answer.status == 201, answer.text
    assert answer.json["id"] == "extra" and answer.json["status"] == "PENDING"
    assert answer.json["spec"]["metadata"]["namespace"] == stack.target.namespace
    assert "surprise" not in answer.json["spec"]


def test_the_process_lives_on(stack):
    assert stack.api_svc.alive() and all(w.alive() for w in stack.workers)
    assert stack.api.health() == "healthy"
