"""Changes of several objects are atomic, also if rejected, interrupted or repeated."""

import threading

import pytest

from api import BASE, spec
from gate import Gate
from kube import Kube
from processes import listens, wait_for
from test_half_made import no_services  # noqa: F401  (a fixture)
from test_update import MERGE, patch

NEW = {"spec": {"image": {"reference": "docker.io/library/nginx:1.28"},
                "network": {"ports": [{"container_port": 80, "visibility": "internal"}]}}}
MARK = "dcm.project/changing"
ROOT, SERVICE = r"/deployments/whole$", r"/services$"


@pytest.fixture
def gate(target, tmp_path):
    made = Gate(Kube(target.kubeconfig, target.namespace), str(tmp_path))
    yield made
    made.stop()


def state(stack, container_id="whole"):
    """(image, has ports, has Service, is marked)"""
    deployment = stack.kube.get("deployments", container_id)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return (container["image"].rsplit(":", 1)[1], bool(container.get("ports")),
            stack.kube.get("services", container_id) is not None, MARK in deployment["metadata"]["annotations"])


OLD_STATE, NEW_STATE = ("1.27", False, False, False), ("1.28", True, True, False)


def create_quietly(stack):
    """And wait until its controller writes nothing more: a PUT that conflicts is another case."""
    assert stack.api.create(spec(), "whole").status == 201
    stack.wait_status("whole", "RUNNING")
    wait_for("a settled Deployment", lambda: stack.kube.get("deployments", "whole")["status"].get("availableReplicas"))


class Later:
    """A PATCH on a thread."""

    def __init__(self, stack, change=None, container_id="whole"):
        self.answer = None
        self.thread = threading.Thread(target=self._run, args=(stack, change or NEW, container_id))
        self.thread.start()

    def _run(self, stack, change, container_id):
        try:
            self.answer = stack.api.call("PATCH", f"{BASE}/{container_id}", change, MERGE)
        except OSError:  # api-svc was killed
            pass

    def wait(self):
        self.thread.join()
        return self.answer


POINTS = {
    "before the dry run": ("before", "POST", r"/services\?dryRun"),
    "before the root": ("before", "PUT", ROOT),
    "after the root": ("after", "PUT", ROOT),
    "before the Service": ("before", "POST", SERVICE),
    "after the Service": ("after", "POST", SERVICE),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_change_of_a_dead_worker_is_completed_by_the_next(own_stack, gate, point):
    """The same request is sent to another worker, which executes it."""
    stack = own_stack(0)
    worker = stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    create_quietly(stack)
    hold = gate.hold(*POINTS[point])
    later = Later(stack)
    hold.wait()
    stack.add_worker()
    worker.kill()
    hold.release()
    answer = later.wait()
    assert answer.status == 200, answer.text
    assert state(stack) == NEW_STATE
    assert answer.json["service"]["ports"][0]["port"] == 80 and answer.json["etag"] == stack.api.get("whole").json["etag"]


@pytest.mark.parametrize("point", [p for p in POINTS if p != "before the dry run"])
def test_a_change_of_dead_processes_is_completed_or_undone(own_stack, gate, point):
    """Without a retry: every worker checks for it."""
    stack = own_stack(0)
    worker = stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    create_quietly(stack)
    hold = gate.hold(*POINTS[point])
    later = Later(stack)
    hold.wait()
    worker.kill()
    stack.api_svc.kill()
    hold.release()
    later.wait()
    stack.add_worker()
    wait_for("old or new", lambda: state(stack) in (OLD_STATE, NEW_STATE), 60, 0.2)
    if "Service" in point:
        assert state(stack) == NEW_STATE, "the root was written"


def leave_incomplete(stack, gate):
    """The worker and api-svc crash after the root was written. Returns the etag from before."""
    worker = stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    create_quietly(stack)
    etag = stack.api.get("whole").json["etag"]
    hold = gate.hold("after", "PUT", ROOT)
    later = Later(stack)
    hold.wait()
    worker.kill()
    stack.api_svc.kill()
    hold.release()
    later.wait()
    assert state(stack) == ("1.28", True, False, True)
    return etag


def restart_api(stack):
    stack.api_svc.start()
    wait_for("api-svc", lambda: listens(stack.api_port))


PORTLESS = {"spec": {"network": None}}


def test_a_repair_with_a_late_create_follows_the_newer_change(own_stack, gate, no_other_workers):
    """Of two repairing workers, the slow one creates the Service after the other has finished and a PATCH has removed it."""
    stack = own_stack(0)
    leave_incomplete(stack, gate)
    slow = gate.hold("before", "POST", SERVICE)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    slow.wait(40)  # repairs start after some seconds, at random times
    stack.add_worker()
    restart_api(stack)
    assert patch(stack, "whole", PORTLESS).status == 200
    assert state(stack) == ("1.28", False, False, False)
    slow.release()
    wait_for("the late Service", lambda: state(stack)[2], 5, 0.01)
    wait_for("no Service", lambda: state(stack) == ("1.28", False, False, False), 6, 0.1)


def test_an_object_created_after_its_worker_died_is_removed(own_stack, gate, no_other_workers):
    stack = own_stack(0)
    leave_incomplete(stack, gate)
    slow = gate.hold("before", "POST", SERVICE)
    worker = stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    slow.wait(40)  # repairs start after some seconds, at random times
    stack.add_worker()
    restart_api(stack)
    worker.kill()
    assert patch(stack, "whole", PORTLESS).status == 200
    slow.release()
    wait_for("the late Service", lambda: state(stack)[2], 5, 0.01)
    wait_for("no Service", lambda: state(stack) == ("1.28", False, False, False), 40, 0.1)


def test_an_incomplete_change_is_undone_if_rejected(own_stack, gate, request):
    stack = own_stack(0)
    etag = leave_incomplete(stack, gate)
    request.getfixturevalue("no_services")
    stack.add_worker()
    wait_for("old", lambda: state(stack) == OLD_STATE, 60, 0.2)
    stack.api_svc.start()
    wait_for("api-svc", lambda: listens(stack.api_port))
    assert stack.api.get("whole").json["etag"] == etag


def test_update_rejected_by_a_quota_changes_nothing(stack, no_services):  # noqa: F811
    assert stack.api.create(spec(), "whole").status == 201
    before = stack.api.get("whole").json["etag"], stack.kube.get("deployments", "whole")["metadata"]["generation"]
    problem = patch(stack, "whole", NEW).problem(503, "UNAVAILABLE")
    assert "exceeded quota" in problem["detail"]
    assert state(stack) == OLD_STATE
    after = stack.api.get("whole").json["etag"], stack.kube.get("deployments", "whole")["metadata"]["generation"]
    assert after == before, "refused by the dry run, before anything was written"


def test_update_rejected_after_the_dry_run_is_reverted(own_stack, gate, request):
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    create_quietly(stack)
    etag = stack.api.get("whole").json["etag"]
    hold = gate.hold("before", "POST", SERVICE)
    later = Later(stack)
    hold.wait()
    assert state(stack)[3]
    request.getfixturevalue("no_services")
    hold.release()
    problem = later.wait().problem(503, "UNAVAILABLE")
    assert "rolled back" in problem["detail"] and "exceeded quota" in problem["detail"]
    assert state(stack) == OLD_STATE and stack.api.get("whole").json["etag"] == etag


def image(reference):
    return {"spec": {"image": {"reference": reference}}}


def test_a_missing_permission_to_delete_a_service_is_detected_before_any_write(own_stack, gate):
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    assert stack.api.create(spec(ports=[(80, "internal")]), "whole").status == 201
    stack.wait_status("whole", "RUNNING")
    before = state(stack), stack.api.get("whole").json["etag"]
    gate.refuse("DELETE", r"/services/whole$", 403, "Forbidden",
                'services "whole" is forbidden: ValidatingAdmissionPolicy \'keep\' denied request: it stays')
    problem = patch(stack, "whole", {"spec": {**image("nginx:bad")["spec"], "network": None}}).problem(403, "PERMISSION_DENIED")
    assert "it stays" in problem["detail"] and "rolled back" not in problem["detail"]
    assert (state(stack), stack.api.get("whole").json["etag"]) == before
    assert stack.api.call("GET", f"{BASE}/whole/revisions").json["revisions"][1:] == []


def wait_for_revision(stack, number):
    wait_for(f"revision {number}", lambda: stack.api.get("whole").json.get("revision") == number, 20, 0.1)


def test_rollback_ignores_a_rejected_change(own_stack, gate, request):
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    create_quietly(stack)
    assert patch(stack, "whole", image("nginx:2")).status == 200
    wait_for_revision(stack, 2)
    hold = gate.hold("before", "POST", SERVICE)
    later = Later(stack)
    hold.wait()
    wait_for_revision(stack, 3)
    request.getfixturevalue("no_services")
    hold.release()
    assert "rolled back" in later.wait().problem(503, "UNAVAILABLE")["detail"]
    wait_for_revision(stack, 4)
    answer = stack.api.call("POST", f"{BASE}/whole:rollback")
    assert answer.status == 200 and answer.json["spec"]["image"]["reference"].endswith("nginx:1.27"), answer.text
    wanted = stack.api.call("POST", f"{BASE}/whole:rollback", {"revision": 3})
    assert wanted.problem(503, "UNAVAILABLE"), "naming the revision applies it again"


def test_rollback_finds_a_change_rejected_first_and_accepted_later(own_stack, gate, root_kind):
    """It is the same revision again, first created by the rejected change."""
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    create_quietly(stack)
    wait_for_revision(stack, 1)
    gate.refuse("POST", r"/services$", 403, "Forbidden", "services is forbidden: denied request: not now")
    hold = gate.hold("before", "POST", SERVICE)
    later = Later(stack)
    hold.wait()
    wait_for_revision(stack, 2)
    hold.release()
    assert "rolled back" in later.wait().problem(403, "PERMISSION_DENIED")["detail"]
    wait_for_revision(stack, 3)
    call = lambda: stack.api.call("POST", f"{BASE}/whole:rollback")  # noqa: E731
    call().problem(404, "NOT_FOUND")
    gate.refusals.clear()
    assert patch(stack, "whole", NEW).status == 200
    wait_for_revision(stack, 4)
    assert patch(stack, "whole", image("nginx:9")).status == 200
    wait_for_revision(stack, 5)
    answer = call()
    assert answer.status == 200 and answer.json["spec"]["image"] == NEW["spec"]["image"], answer.text
    assert answer.json["spec"]["network"]["ports"] == NEW["spec"]["network"]["ports"]


def test_two_changes_of_several_objects_are_serialized(own_stack, gate):
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    stack.add_worker()
    assert stack.api.create(spec(), "whole").status == 201
    hold = gate.hold("before", "POST", SERVICE)
    for _ in range(20):  # until the worker with the gate gets it
        first = Later(stack)
        if hold.reached.wait(2):
            break
        first.wait()
        patch(stack, "whole", {"spec": {"image": {"reference": "docker.io/library/nginx:1.27"}, "network": None}})
    second = Later(stack, {"spec": {"metadata": {"labels": {"second": "x"}}}})
    second.thread.join(2)
    assert second.answer is None, second.answer.text
    hold.release()
    assert first.wait().status == 200 and second.wait().status == 200, (first.answer.text, second.answer.text)
    assert state(stack) == NEW_STATE
    assert stack.api.get("whole").json["spec"]["metadata"]["labels"] == {"second": "x"}


def test_a_webhook_without_dry_run_support_is_not_a_rejection(own_stack, gate):
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    assert stack.api.create(spec(), "whole").status == 201
    gate.refuse("POST", r"/services\?dryRun", 400, "BadRequest",
                'admission webhook "mesh.example.com" does not support dry run')
    assert patch(stack, "whole", NEW).status == 200
    assert state(stack) == NEW_STATE


def test_a_missing_verb_of_the_role_is_named(own_stack, gate):
    """The rest of the API continues."""
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=gate.kubeconfig)
    assert stack.api.create(spec(), "whole").status == 201
    gate.refuse("PUT", ROOT, 403, "Forbidden",
                'deployments.apps "whole" is forbidden: User "system:serviceaccount:dcm-sp:dcm-sp" cannot update resource '
                '"deployments" in API group "apps" in the namespace "dcm-sp"')
    for answer in (patch(stack, "whole", {"spec": {"metadata": {"labels": {"a": "b"}}}}),
                   stack.api.call("POST", f"{BASE}/whole:stop")):
        problem = answer.problem(403, "PERMISSION_DENIED")
        assert 'cannot update resource "deployments" in API group "apps"' in problem["detail"], problem
        assert "serviceaccount" not in problem["detail"]
    assert stack.api.get("whole").status == 200 and stack.api.delete("whole").status == 204
