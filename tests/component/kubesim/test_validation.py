"""Names, labels and annotations that are rejected: the same from both servers."""

import pytest

from kube import deployment, service

LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of"


def with_metadata(**members):
    return lambda body: body["metadata"].update(members)


# change, reason, field, part of the message
DEPLOYMENTS = {
    "name in upper case": (with_metadata(name="Bad_Name"), "Invalid", "metadata.name", SUBDOMAIN),
    "name too long": (with_metadata(name="a" * 254), "Invalid", "metadata.name", "must be no more than 253 characters"),
    "no name": (lambda b: b["metadata"].pop("name"), "Required", "metadata.name", "name or generateName is required"),
    "label key": (with_metadata(labels={"bad key": "v"}), "Invalid", "metadata.labels", "bad key"),
    "label value": (with_metadata(labels={"k": "bad value"}), "Invalid", "metadata.labels", "bad value"),
    "label value too long": (with_metadata(labels={"k": "v" * 64}), "Invalid", "metadata.labels", "63"),
    "label prefix empty": (with_metadata(labels={"/k": "v"}), "Invalid", "metadata.labels", ""),
    "label with two slashes": (with_metadata(labels={"a/b/c": "v"}), "Invalid", "metadata.labels", ""),
    "template label": (lambda b: b["spec"]["template"]["metadata"]["labels"].update({"bad key": "v"}), "Invalid",
                       "spec.template.labels", ""),
    "annotation key": (with_metadata(annotations={"bad key": "v"}), "Invalid", "metadata.annotations", ""),
    "annotations too large": (with_metadata(annotations={"k": "v" * 262145}), "TooLong", "metadata.annotations",
                              "may not be more than 262144 bytes"),
    "replicas": (lambda b: b["spec"].update(replicas=-1), "Invalid", "spec.replicas",
                 "must be greater than or equal to 0"),
}


def check(answer, kind, reason, field, part):
    assert (answer["reason"], answer["code"]) == ("Invalid", 422), answer
    assert answer["details"]["kind"] == kind
    causes = [c for c in answer["details"]["causes"] if c["field"] == field]
    assert causes, answer["details"]["causes"]
    assert causes[0]["reason"] == "FieldValue" + reason and part in causes[0]["message"]
    assert all(f"{c['field']}: {c['message']}" in answer["message"] for c in answer["details"]["causes"])


@pytest.mark.parametrize("case", DEPLOYMENTS)
def test_invalid_deployments_are_rejected(kube, ns, case):
    change, *expected = DEPLOYMENTS[case]
    body = deployment("x")
    change(body)
    check(kube.call("POST", ns.deployments, body)[1], "Deployment", *expected)


def test_invalid_services_and_namespaces_are_rejected(kube, ns):
    check(kube.call("POST", ns.services, service("Bad"))[1], "Service", "Invalid", "metadata.name",
          "lower case alphanumeric characters or '-'")
    check(kube.call("POST", "/api/v1/namespaces", {"metadata": {"name": "a.b"}})[1], "Namespace", "Invalid",
          "metadata.name", LABEL)


def test_labels_that_are_not_strings_are_rejected(kube, ns):
    body = deployment("x")
    body["metadata"]["labels"]["k"] = 5
    assert kube.call("POST", ns.deployments, body)[0] == 400


def test_service_names_start_with_a_letter(sim, sim_ns):
    """Required before Kubernetes 1.36."""
    status, answer = sim.kube.call("POST", sim_ns.services, service("1st"))
    assert status == 422 and "a DNS-1035 label must consist of" in answer["message"]
