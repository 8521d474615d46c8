"""Admission that refuses or changes what we create, on a real API server: kubesim has no policies."""

import pytest

from api import spec
from monitors import deployment
from processes import wait_for

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
NAME = "dcm-test"
PORTS = [(80, "internal")]
PROBES = {  # what the policy refuses, for the admin who waits for it to be in force
    "deployments": deployment("probe", image="untrusted.example/x:1"),
    "services": {"metadata": {"name": "probe"}, "spec": {"ports": [{"port": 1}]}},
    "pods": {"metadata": {"name": "probe"}, "spec": {"containers": [{"name": "x", "image": "untrusted.example/x:1"}]}},
}


@pytest.fixture
def policy(target):
    """Call with a resource, an expression that must hold, what is said otherwise, and the reason: in force until the end."""
    kube = target.admin

    def make(resource, expression, message, reason=None):
        validation = {"expression": expression, "message": message, **({"reason": reason} if reason else {})}
        status, answer = kube.call("POST", POLICIES, {
            "metadata": {"name": NAME}, "spec": {
                "failurePolicy": "Fail", "validations": [validation],
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": ["apps" if resource == "deployments" else ""], "apiVersions": ["v1"],
                    "operations": ["CREATE"], "resources": [resource]}]}}})
        assert status == 201, answer
        status, answer = kube.call("POST", BINDINGS, {"metadata": {"name": NAME}, "spec": {
            "policyName": NAME, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": target.namespace}}}}})
        assert status == 201, answer
        wait_for("the policy is in force",
                 lambda: kube.call("POST", kube.path(resource) + "?dryRun=All", PROBES[resource])[0] in (403, 422))

    yield make
    kube.call("DELETE", f"{BINDINGS}/{NAME}")
    kube.call("DELETE", f"{POLICIES}/{NAME}")
    wait_for("it is forgotten", lambda: all(kube.call("POST", kube.path(r) + "?dryRun=All", PROBES[r])[0] == 201
                                            for r in PROBES))


TRUSTED = "object.spec.template.spec.containers.all(c, !c.image.startsWith('untrusted.example/'))"


@pytest.mark.parametrize("reason, status, kind", [(None, 400, "INVALID_ARGUMENT"), ("Forbidden", 403, "PERMISSION_DENIED")])
def test_a_policy_that_refuses_a_deployment_is_told_with_its_reason(stack, policy, reason, status, kind):
    policy("deployments", TRUSTED, "images come from our own registry", reason)
    problem = stack.api.create(spec(ports=PORTS, image={"reference": "untrusted.example/x:1"}), "refused").problem(status, kind)
    assert "images come from our own registry" in problem["detail"], problem
    assert not stack.kube.list("deployments") and not stack.kube.list("services")
    assert stack.api.create(spec(ports=PORTS), "trusted").status == 201


def test_a_policy_that_refuses_a_service_takes_the_deployment_back(stack, policy):
    policy("services", "false", "no Services in this namespace", "Forbidden")
    problem = stack.api.create(spec(ports=PORTS), "refused").problem(403, "PERMISSION_DENIED")
    assert "no Services in this namespace" in problem["detail"], problem
    assert not stack.kube.list("deployments")
    assert stack.api.create(spec(), "portless").status == 201


def test_a_policy_that_refuses_pods_is_failed_after_the_grace_and_told(monitors, own_stack, policy):
    m = monitors(SP_FAILED_GRACE="2s")
    stack = own_stack(name=m.name, nats_port=m.port)
    policy("pods", TRUSTED.replace("template.spec.", ""), "images come from our own registry")
    assert stack.api.create(spec(image={"reference": "untrusted.example/x:1"}), "podless").status == 201
    m.wait_last("podless", "FAILED")
    stack.wait_status("podless", "FAILED")
    assert "PENDING" in m.dcm.of("podless")
    m.wait_message("podless", "images come from our own registry")
    assert stack.api.delete("podless").status == 204
    m.wait_last("podless", "DELETED")


def test_a_limit_range_that_refuses_pods_is_failed_after_the_grace_and_told(monitors, own_stack):
    m = monitors(SP_FAILED_GRACE="2s")
    stack = own_stack(name=m.name, nats_port=m.port)
    m.kube.create("limitranges", {"metadata": {"name": "small"}, "spec": {"limits": [
        {"type": "Container", "max": {"memory": "1Mi"}}]}})
    assert stack.api.create(spec(), "big").status == 201
    m.wait_last("big", "FAILED")
    m.wait_message("big", "maximum memory usage per Container is 1Mi")
    stack.wait_status("big", "FAILED")
    m.kube.delete("limitranges", "small")


def test_a_limit_range_that_completes_pods_changes_nothing_that_was_written(stack):
    stack.kube.create("limitranges", {"metadata": {"name": "defaults"}, "spec": {"limits": [{
        "type": "Container", "default": {"cpu": "3", "ephemeral-storage": "1Gi"}, "defaultRequest": {"cpu": "100m"}}]}})
    written = spec()
    stack.kube.create("deployments", deployment("theirs"))
    assert stack.api.create(written, "ours").status == 201
    assert stack.wait_status("ours", "RUNNING")["spec"]["resources"] == written["resources"]
    pod = wait_for("a Pod", lambda: stack.kube.of("pods", "ours"))[0]
    assert pod["spec"]["containers"][0]["resources"]["limits"]["ephemeral-storage"] == "1Gi", "the limits did apply"
    assert stack.wait_status("theirs", "RUNNING")["spec"]["resources"] == {"cpu": {}, "memory": {}}
    stack.kube.delete("limitranges", "defaults")
