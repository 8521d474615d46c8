"""What is refused, and the words for it: the same from both servers."""

import pytest

from kube import deployment, service

LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of"
KEY = "name part must consist of alphanumeric characters, '-', '_' or '.'"
VALUE = "a valid label must be an empty string or consist of"
POD = "spec.template.spec.containers[0]"


def edited(change):
    body = deployment("x")
    change(body)
    return body


def main(body):
    return body["spec"]["template"]["spec"]["containers"][0]


def with_container(**members):
    return lambda body: main(body).update(members)


def with_metadata(**members):
    return lambda body: body["metadata"].update(members)


def with_spec(**members):
    return lambda body: body["spec"].update(members)


# change, reason, field, beginning of the message
DEPLOYMENTS = {
    "name in upper case": (with_metadata(name="Bad_Name"), "Invalid", "metadata.name", SUBDOMAIN),
    "name too long": (with_metadata(name="a" * 254), "Invalid", "metadata.name", "must be no more than 253 characters"),
    "no name": (lambda b: b["metadata"].pop("name"), "Required", "metadata.name", "name or generateName is required"),
    "label key": (with_metadata(labels={"bad key": "v"}), "Invalid", "metadata.labels", KEY),
    "label value": (with_metadata(labels={"k": "bad value"}), "Invalid", "metadata.labels", VALUE),
    "label value too long": (with_metadata(labels={"k": "v" * 64}), "Invalid", "metadata.labels",
                             "must be no more than 63 bytes"),
    "label prefix empty": (with_metadata(labels={"/k": "v"}), "Invalid", "metadata.labels",
                           "prefix part must be non-empty"),
    "label prefix": (with_metadata(labels={"UP/k": "v"}), "Invalid", "metadata.labels", "prefix part " + SUBDOMAIN),
    "label with two slashes": (with_metadata(labels={"a/b/c": "v"}), "Invalid", "metadata.labels",
                               "a valid label key must consist of"),
    "label name too long": (with_metadata(labels={"x/" + "k" * 64: "v"}), "Invalid", "metadata.labels",
                            "name part must be no more than 63 bytes"),
    "template label": (lambda b: b["spec"]["template"]["metadata"]["labels"].update({"bad key": "v"}), "Invalid",
                       "spec.template.labels", KEY),
    "annotation key": (with_metadata(annotations={"bad key": "v"}), "Invalid", "metadata.annotations", KEY),
    "annotations too large": (with_metadata(annotations={"k": "v" * 262145}), "TooLong", "metadata.annotations",
                              "may not be more than 262144 bytes"),
    "owner": (with_metadata(ownerReferences=[{"apiVersion": "v1", "kind": "X", "name": "x"}]), "Invalid",
              "metadata.ownerReferences.uid", "must not be empty"),
    "finalizer": (with_metadata(finalizers=["plain"]), "Invalid", "metadata.finalizers[0]",
                  "name is neither a standard finalizer name nor is it fully qualified"),
    "no selector": (lambda b: b["spec"].pop("selector"), "Required", "spec.selector", ""),
    "empty selector": (with_spec(selector={}), "Invalid", "spec.selector", "empty selector is invalid for deployment"),
    "selector of others": (lambda b: b["spec"]["selector"].update(matchLabels={"app": "other"}), "Invalid",
                           "spec.template.metadata.labels", "`selector` does not match template `labels`"),
    "replicas": (with_spec(replicas=-1), "Invalid", "spec.replicas", "must be greater than or equal to 0"),
    "strategy": (with_spec(strategy={"type": "Foo"}), "NotSupported", "spec.strategy", "supported values"),
    "restart policy": (lambda b: b["spec"]["template"]["spec"].update(restartPolicy="Never"), "NotSupported",
                       "spec.template.spec.restartPolicy", 'supported values: "Always"'),
    "no containers": (lambda b: b["spec"]["template"]["spec"].update(containers=[]), "Required",
                      "spec.template.spec.containers", ""),
    "no image": (lambda b: main(b).pop("image"), "Required", POD + ".image", ""),
    "no container name": (lambda b: main(b).pop("name"), "Required", POD + ".name", ""),
    "container name": (with_container(name="Bad_N"), "Invalid", POD + ".name", LABEL),
    "container twice": (lambda b: b["spec"]["template"]["spec"]["containers"].append({"name": "main", "image": "x"}),
                        "Duplicate", "spec.template.spec.containers[1].name", ""),
    "pull policy": (with_container(imagePullPolicy="Foo"), "NotSupported", POD + ".imagePullPolicy", "supported values"),
    "env without name": (with_container(env=[{"name": ""}]), "Required", POD + ".env[0].name", ""),
    "env name": (with_container(env=[{"name": "A=B"}]), "Invalid", POD + ".env[0].name",
                 "a valid environment variable name must consist only of printable ASCII characters other than '='"),
    "port 0": (with_container(ports=[{"containerPort": 0}]), "Required", POD + ".ports[0].containerPort", ""),
    "port 65536": (with_container(ports=[{"containerPort": 65536}]), "Invalid", POD + ".ports[0].containerPort",
                   "must be between 1 and 65535, inclusive"),
    "port name": (with_container(ports=[{"name": "a" * 16, "containerPort": 80}]), "Invalid", POD + ".ports[0].name",
                  "must be no more than 15 characters"),
    "port name twice": (with_container(ports=[{"name": "a", "containerPort": 80}, {"name": "a", "containerPort": 81}]),
                        "Duplicate", POD + ".ports[1].name", ""),
    "protocol": (with_container(ports=[{"containerPort": 80, "protocol": "X"}]), "NotSupported",
                 POD + ".ports[0].protocol", 'supported values: "SCTP", "TCP", "UDP"'),
    "request above limit": (with_container(resources={"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}),
                            "Invalid", POD + ".resources.requests",
                            "must be less than or equal to memory limit of 1Gi"),
    "negative amount": (with_container(resources={"limits": {"cpu": "-1"}}), "Invalid", POD + ".resources.limits[cpu]",
                        "must be greater than or equal to 0"),
    "unknown resource": (with_container(resources={"limits": {"foo": "1"}}), "Invalid", POD + ".resources.limits[foo]",
                         "must be a standard resource type or fully qualified"),
}

SERVICES = {
    "name": (with_metadata(name="Bad"), "Invalid", "metadata.name", LABEL),
    "name with dots": (with_metadata(name="a.b"), "Invalid", "metadata.name", "must not contain dots"),
    "no ports": (with_spec(ports=[]), "Required", "spec.ports", ""),
    "port": (with_spec(ports=[{"port": 70000, "targetPort": 1}]), "Invalid", "spec.ports[0].port",
             "must be between 1 and 65535, inclusive"),
    "target port": (with_spec(ports=[{"port": 80, "targetPort": 70000}]), "Invalid", "spec.ports[0].targetPort",
                    "must be between 1 and 65535, inclusive"),
    "several without names": (with_spec(ports=[{"port": 80}, {"port": 81, "name": "b"}]), "Required",
                              "spec.ports[0].name", ""),
    "port name twice": (with_spec(ports=[{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]), "Duplicate",
                        "spec.ports[1].name", ""),
    "port twice": (with_spec(ports=[{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]), "Duplicate",
                   "spec.ports[1]", ""),
    "type": (with_spec(type="Foo"), "NotSupported", "spec.type",
             'supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'),
    "selector": (with_spec(selector={"a": "b c"}), "Invalid", "spec.selector", VALUE),
    "node port of a cluster IP": (with_spec(ports=[{"port": 80, "nodePort": 30100}]), "Forbidden",
                                  "spec.ports[0].nodePort", "may not be used when `type` is 'ClusterIP'"),
    "address outside": (with_spec(clusterIP="192.0.2.1"), "Invalid", "spec.clusterIPs",
                        "failed to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in the valid range"),
}


def check(kube, path, body, kind, expected):
    _, reason, field, beginning = expected
    status, answer = kube.call("POST", path + "?dryRun=All", body)
    assert (status, answer["reason"], answer["code"]) == (422, "Invalid", 422), answer
    assert answer["details"]["kind"] == kind
    causes = [c for c in answer["details"]["causes"] if c["field"] == field]
    assert causes, answer["details"]["causes"]
    assert causes[0]["reason"] == "FieldValue" + reason
    assert causes[0]["message"].endswith(beginning) or beginning in causes[0]["message"]
    assert all(f"{c['field']}: {c['message']}" in answer["message"] for c in answer["details"]["causes"])


@pytest.mark.parametrize("case", DEPLOYMENTS)
def test_deployments(kube, ns, case):
    check(kube, ns.deployments, edited(DEPLOYMENTS[case][0]), "Deployment", DEPLOYMENTS[case])


@pytest.mark.parametrize("case", SERVICES)
def test_services(kube, ns, case):
    body = service("x")
    SERVICES[case][0](body)
    check(kube, ns.services, body, "Service", SERVICES[case])


@pytest.mark.parametrize("change", [
    with_metadata(labels={"k": 5}), with_spec(replicas="a"), with_container(env=[{"name": "A", "value": 5}]),
    with_container(resources={"limits": {"cpu": "abc"}}), with_container(ports=[{"containerPort": "http"}])])
def test_values_of_a_wrong_type_are_a_bad_request(kube, ns, change):
    status, answer = kube.call("POST", ns.deployments, edited(change))
    assert (status, answer["reason"]) == (400, "BadRequest")
    assert answer["message"].startswith('Deployment in version "v1" cannot be handled as a Deployment: ')


def test_all_faults_are_named_at_once(kube, ns):
    status, answer = kube.call("POST", ns.deployments, {})
    assert status == 422
    assert [c["field"] for c in answer["details"]["causes"]] == [
        "metadata.name", "spec.selector", "spec.template.metadata.labels", "spec.template.spec.containers"]


def test_older_servers_want_a_letter_first_in_service_names(start_simulator):
    kube = start_simulator().kube
    status, answer = kube.call("POST", "/api/v1/namespaces/default/services", service("1st"))
    assert status == 422 and "a DNS-1035 label must consist of" in answer["message"]
