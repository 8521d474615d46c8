"""Rejections by Kubernetes: permissions, quotas, namespaces. The error is clear, discloses no internals, and nothing is left."""

import uuid

import pytest

from api import spec
from conftest import Stack
from kube import Kube
from monitors import Monitors
from processes import wait_for

PORTS = [(80, "internal")]
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces"
ROLE = "dcm-k8s-container-sp"  # deploy/kubernetes/base/role.yaml
INTERNALS = ("system:serviceaccount", "User ", "rbac", "dcm-sp:", "127.0.0.1")


def allowed(kube, verb, resource):
    """The permissions of a client according to the API server."""
    group = "apps" if resource in ("deployments", "replicasets") else ""
    review = {"spec": {"resourceAttributes": {"namespace": kube.namespace, "verb": verb, "group": group,
                                              "resource": resource}}}
    status, answer = kube.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    assert status == 201, answer
    return answer["status"]["allowed"]


@pytest.fixture
def forbid(target):
    """Call with a verb and a resource: the provider loses that right until the test ends."""
    if target.simulated:
        yield lambda verb, resource: target.faults(
            {"match": {"verb": verb, "resource": resource}, "kind": "forbidden", "count": -1})
        target.faults()
        return
    path = f"{ROLES}/{target.namespace}/roles/{ROLE}"
    status, role = target.admin.call("GET", path)
    assert status == 200, role
    provider, changed = Kube(target.kubeconfig, target.namespace), []

    def change(rules, verb, resource, expected):
        status, answer = target.admin.call("PATCH", path, {"rules": rules}, "application/merge-patch+json")
        assert status == 200, answer
        wait_for("the right is changed", lambda: allowed(provider, verb, resource) == expected)

    def forbid(verb, resource):
        changed.append((verb, resource))
        change([{**r, "verbs": [v for v in r["verbs"] if v != verb]} if resource in r["resources"] else r
                for r in role["rules"]], verb, resource, False)

    yield forbid
    for verb, resource in changed:
        change(role["rules"], verb, resource, True)


def refused(answer):
    problem = answer.problem(403, "PERMISSION_DENIED")
    assert not any(word in answer.text for word in INTERNALS), answer.text
    return problem


def nothing_left(kube):
    return not kube.list("deployments") and not kube.list("services")


@pytest.mark.parametrize("resource", ["deployments", "services"])
def test_without_permission_to_create_nothing_is_left(stack, forbid, resource):
    forbid("create", resource)
    refused(stack.api.create(spec(ports=PORTS), "refused"))
    assert nothing_left(stack.kube)
    stack.api.get("refused").problem(404, "NOT_FOUND")
    assert stack.api.health() == "healthy"


def test_without_permission_to_get_or_delete_the_container_is_kept(stack, forbid):
    assert stack.api.create(spec(ports=PORTS), "kept").status == 201
    forbid("delete", "deployments")
    refused(stack.api.delete("kept"))
    assert stack.api.get("kept").json["service"]["name"] == "kept"
    forbid("get", "deployments")
    refused(stack.api.get("kept"))
    refused(stack.api.delete("kept"))
    assert [c["id"] for c in stack.api.list().json["containers"]] == ["kept"]


def test_without_permission_to_list_single_containers_work(stack, forbid):
    forbid("list", "deployments")
    refused(stack.api.list())
    assert stack.api.create(spec(), "single").status == 201
    stack.wait_status("single", "RUNNING")
    assert stack.api.delete("single").status == 204


def test_without_permission_to_delete_services_they_are_garbage_collected(stack, forbid):
    assert stack.api.create(spec(ports=PORTS), "owner").status == 201
    forbid("delete", "services")
    assert stack.api.delete("owner").status == 204
    wait_for("garbage collection", lambda: nothing_left(stack.kube), 30)


def test_a_quota_of_deployments_is_reported(stack, target):
    if target.simulated:
        target.faults({"match": {"resource": "deployments", "method": "POST"}, "kind": "quota", "count": -1})
    else:
        target.admin.create("resourcequotas", {"metadata": {"name": "full"},
                                               "spec": {"hard": {"count/deployments.apps": "0"}}})
        wait_for("the quota counts", lambda: target.admin.get("resourcequotas", "full").get("status", {}).get("hard"))
    answer = stack.api.create(spec(ports=PORTS), "refused")
    problem = answer.problem(503, "UNAVAILABLE")
    assert "exceeded quota" in problem["detail"] and int(answer.headers["retry-after"]) >= 1
    assert not any(word in answer.text for word in INTERNALS), answer.text
    assert nothing_left(stack.kube)


class Namespace:
    """A namespace that is created and deleted, with a provider that has all permissions, so that only the namespace matters."""

    def __init__(self, target, name):
        self.admin, self.name, self.path = Kube(target.admin_kubeconfig, name), name, f"/api/v1/namespaces/{name}"
        self.simulated, self.namespace, self.kubeconfig = target.simulated, name, target.admin_kubeconfig

    def create(self):
        """With a finalizer, which keeps it terminating until `release`."""
        status, answer = self.admin.call("POST", "/api/v1/namespaces", {
            "metadata": {"name": self.name, "finalizers": ["example.com/hold"]}})
        assert status == 201, answer

    def delete(self):
        self.admin.call("DELETE", self.path)

    def release(self):
        self.admin.call("PATCH", self.path, {"metadata": {"finalizers": []}}, "application/merge-patch+json")

    def phase(self):
        status, body = self.admin.call("GET", self.path)
        return body["status"]["phase"] if status == 200 else None


@pytest.fixture
def namespace(target):
    made = Namespace(target, f"dcm-sp-{uuid.uuid4().hex[:8]}")
    yield made
    made.delete()
    made.release()


def test_a_missing_namespace_is_reported_until_it_exists(namespace, tmp_path):
    """Missing, created, terminating, deleted, created again; without restarting the processes."""
    m = Monitors(namespace, str(tmp_path))
    stack = Stack(namespace, str(tmp_path), name=m.name, nats_port=m.port)
    api = stack.api

    def empty(word):
        problem = api.create(spec(ports=PORTS), "early").problem(503, "UNAVAILABLE")
        assert "namespace" in problem["detail"] and word in problem["detail"], problem
        api.get("early").problem(404, "NOT_FOUND")
        api.delete("early").problem(404, "NOT_FOUND")
        assert api.list().json["containers"] == []
        assert api.health() == "healthy"

    def lives(container_id):
        namespace.create()
        assert api.create(spec(ports=PORTS), container_id).status == 201
        stack.wait_status(container_id, "RUNNING")
        m.wait_last(container_id, "RUNNING")

    try:
        m.add()
        stack.start()
        empty("does not exist")
        lives("first")
        namespace.delete()
        m.wait_last("first", "DELETED", 30)  # the Pods of a namespace go first: Kubernetes waits for them
        assert namespace.phase() == "Terminating"
        empty("being terminated")
        namespace.release()
        wait_for("the namespace is deleted", lambda: namespace.phase() is None, 30)
        empty("does not exist")
        lives("second")
    finally:
        stack.stop()
        m.stop()
