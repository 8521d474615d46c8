"""Invalid input: correct status and type, all errors reported, nothing left in the cluster, process alive."""

import json

import pytest

from api import BASE, spec


# Of each kind one: a schema's word, one between two members, one on labels. All the others are in the tests of api-svc.
BAD_SPECS = {
    "/spec/service_type": spec(service_type="vm"),
    "/spec/resources/cpu": spec(resources={"cpu": {"min": "1500m", "max": "1"}, "memory": {"min": "1MB", "max": "1MB"}}),
    "/spec/metadata/labels": spec(metadata={"name": "n", "labels": {"dcm.project/managed-by": "me"}}),
}


@pytest.mark.parametrize("pointer", BAD_SPECS)
def test_invalid_specs_are_rejected(stack, pointer):
    problem = stack.api.create(BAD_SPECS[pointer], "bad").problem(400, "INVALID_ARGUMENT")
    assert any(e["pointer"].startswith(pointer) for e in problem["errors"]), problem
    assert stack.kube.list("deployments") == []


def test_all_faults_are_reported_in_one_response(stack):
    problem = stack.api.create({"service_type": "vm", "metadata": {"name": "X"}, "resources": {"cpu": {"min": 2, "max": 1}}},
                               "Not-Legal").problem(400, "INVALID_ARGUMENT")
    told = " ".join(e["pointer"] for e in problem["errors"])
    for part in ("id", "/spec/service_type", "/spec/metadata/name", "/spec/image", "/spec/resources/memory"):
        assert part in told, (part, told)


@pytest.mark.parametrize("body", [b"{", b'{"spec":null}'])
def test_invalid_bodies_are_rejected(stack, body):
    stack.api.call("POST", BASE, body).problem(400, "INVALID_ARGUMENT")
    assert stack.kube.list("deployments") == []


def test_invalid_ids_are_rejected(stack):
    stack.api.create(spec(), "health").problem(400, "INVALID_ARGUMENT")
    assert stack.kube.list("deployments") == []


def test_unknown_page_tokens_are_rejected(stack):
    stack.api.call("GET", f"{BASE}?page_token=garbage").problem(400, "INVALID_ARGUMENT")


def test_bodies_above_the_limit_are_rejected(stack):
    body = json.dumps({"spec": spec(provider_hints={"x": "y" * (2 << 20)})})
    stack.api.call("POST", BASE, body).problem(413, "INVALID_ARGUMENT")


def test_rejections_by_kubernetes_are_reported_with_a_pointer(stack):
    """An env name accepted by us and rejected by Kubernetes would be 400 with a pointer, like an oversized object."""
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


def test_the_processes_are_still_running(stack):
    assert stack.api_svc.alive() and all(w.alive() for w in stack.workers)
    assert stack.api.health() == "healthy"
