"""Methods of a container: scale, stop, start, restart, rollback; and revisions."""

import concurrent.futures
import time

import pytest

from api import BASE, spec
from monitors import labels_of
from processes import wait_for
from test_behind_our_back import living_pods, scale
from test_update import patch

pytestmark = pytest.mark.usefixtures("root_kind")


def call(stack, container_id, verb, body=None, headers=None):
    return stack.api.call("POST", f"{BASE}/{container_id}:{verb}", body, headers)


def hints(**kubernetes):
    return {"provider_hints": {"kubernetes": kubernetes}}


def shown_replicas(answer):
    return answer.json["spec"].get("provider_hints", {}).get("kubernetes", {}).get("replicas")


def live(stack, container_id):
    return stack.kube.get("deployments", container_id)["spec"]["replicas"]


def revisions(stack, container_id):
    answer = stack.api.call("GET", f"{BASE}/{container_id}/revisions")
    assert answer.status == 200, answer.text
    return answer.json["revisions"]


def test_scale_sets_replicas(stack):
    stack.api.create(spec(), "scaled")
    answer = call(stack, "scaled", "scale", {"replicas": 3})
    assert answer.status == 200 and shown_replicas(answer) == 3 and live(stack, "scaled") == 3, answer.text
    scale(stack.kube, "scaled", 2)
    assert shown_replicas(stack.api.get("scaled")) == 2
    answer = patch(stack, "scaled", {"spec": {"metadata": {"labels": {"a": "b"}}}})
    assert answer.status == 200 and live(stack, "scaled") == 2, answer.text
    answer = patch(stack, "scaled", {"spec": hints(replicas=4)})
    assert answer.status == 200 and live(stack, "scaled") == 4, answer.text
    stack.wait_status("scaled", "RUNNING")
    answer = call(stack, "scaled", "scale", {"replicas": 0})
    assert answer.status == 200 and shown_replicas(answer) == 4 and live(stack, "scaled") == 0, answer.text
    stack.wait_status("scaled", "STOPPED")
    answer = call(stack, "scaled", "scale", {"replicas": 1})
    assert answer.status == 200 and live(stack, "scaled") == 1, answer.text
    stack.wait_status("scaled", "RUNNING")


def test_scale_rejects_invalid_bodies(stack):
    stack.api.create(spec(), "still")
    version = stack.kube.get("deployments", "still")["metadata"]["uid"], live(stack, "still")
    for body in (None, {}, {"replicas": 1.5}, {"replicas": -1}, {"replicas": 1001}, {"replicas": "2"}, {"replicas": None}, []):
        call(stack, "still", "scale", body).problem(400, "INVALID_ARGUMENT")
    assert version == (stack.kube.get("deployments", "still")["metadata"]["uid"], live(stack, "still"))
    call(stack, "still", "frob", {}).problem(404, "NOT_FOUND")
    call(stack, "still", "", {}).problem(404, "NOT_FOUND")
    call(stack, "absent", "scale", {"replicas": 1}).problem(404, "NOT_FOUND")
    call(stack, "still:stop", "scale", {"replicas": 1}).problem(400, "INVALID_ARGUMENT")
    call(stack, "", "stop").problem(400, "INVALID_ARGUMENT")
    call(stack, "health", "stop").problem(400, "INVALID_ARGUMENT")
    call(stack, "still", "scale", {"replicas": 2}, {"If-Match": '"0"'}).problem(412, "PRECONDITION_FAILED")
    stack.api.create(spec(), "web:stop").problem(400, "INVALID_ARGUMENT")
    for verb in ("scale", "stop", "start", "restart", "rollback"):
        answer = stack.api.call("GET", f"{BASE}/still:{verb}")
        answer.problem(405, "INVALID_ARGUMENT")
        assert answer.headers["allow"] == "POST"


def test_replicas_of_a_create_are_used(stack):
    answer = stack.api.create(spec(**hints(replicas=2)), "two")
    assert answer.status == 201 and live(stack, "two") == 2 and shown_replicas(answer) == 2, answer.text
    answer = stack.api.create(spec(**hints(replicas=0)), "none")
    assert answer.status == 201 and shown_replicas(answer) == 0 and answer.json["status"] == "STOPPED", answer.text
    answer = patch(stack, "none", {"spec": hints(replicas=1)})
    assert answer.status == 200 and live(stack, "none") == 1, answer.text
    assert shown_replicas(stack.api.create(spec(), "plain")) is None


def test_stop_remembers_the_replicas(stack):
    stack.api.create(spec(ports=[(80, "internal")], **hints(replicas=3)), "stopped")
    stack.wait_status("stopped", "RUNNING")
    etag = stack.api.get("stopped").json["etag"]
    for _ in range(2):
        answer = call(stack, "stopped", "stop", {})
        assert answer.status == 200 and shown_replicas(answer) == 3 and live(stack, "stopped") == 0, answer.text
        assert answer.json["etag"] == etag
    shown = stack.wait_status("stopped", "STOPPED")
    assert shown["status_message"] and shown["service"]
    wait_for("the list as well", lambda: [c["status"] for c in stack.api.list().json["containers"]] == ["STOPPED"])
    assert patch(stack, "stopped", {"spec": {"metadata": {"labels": {"a": "b"}}}}).status == 200
    assert live(stack, "stopped") == 0 and shown_replicas(patch(stack, "stopped", {"spec": hints(replicas=2)})) == 2
    assert live(stack, "stopped") == 0, "a stopped one stays stopped"
    wait_for("no Pods", lambda: not living_pods(stack.kube, "stopped"))


def test_start_restores_the_replicas(stack):
    stack.api.create(spec(), "started")
    scale(stack.kube, "started", 2)
    assert call(stack, "started", "stop").status == 200 and live(stack, "started") == 0
    for _ in range(2):
        answer = call(stack, "started", "start")
        assert answer.status == 200 and live(stack, "started") == 2 and shown_replicas(answer) is None, answer.text
    stack.wait_status("started", "RUNNING")
    scale(stack.kube, "started", 0)  # by others: as before
    stack.wait_status("started", "FAILED")
    assert call(stack, "started", "start").status == 200 and live(stack, "started") == 1
    call(stack, "absent", "start").problem(404, "NOT_FOUND")


STOPPED = "dcm.project/stopped"


def is_marked_stopped(stack, container_id):
    return STOPPED in stack.kube.get("deployments", container_id)["metadata"]["annotations"]


def test_stop_ends_when_others_scale_up(stack):
    """The next scaling to 0 by another program is not a stop."""
    stack.api.create(spec(), "woken")
    stack.wait_status("woken", "RUNNING")
    assert call(stack, "woken", "stop").status == 200 and is_marked_stopped(stack, "woken")
    scale(stack.kube, "woken", 3)
    stack.wait_status("woken", "RUNNING")
    wait_for("the end of the stop", lambda: not is_marked_stopped(stack, "woken"), 10, 0.1)
    scale(stack.kube, "woken", 0)
    stack.wait_status("woken", "FAILED")


def test_stop_ends_with_our_next_write(stack):
    stack.api.create(spec(), "written")
    for labels in ({"a": "b"}, {"a": "b"}):
        assert call(stack, "written", "stop").status == 200 and is_marked_stopped(stack, "written")
        scale(stack.kube, "written", 2)
        assert patch(stack, "written", {"spec": {"metadata": {"labels": labels}}}).status == 200
        assert not is_marked_stopped(stack, "written") and live(stack, "written") == 2


def test_stop_is_shown_immediately(stack):
    """Its Pods are still terminating."""
    stack.api.create(spec(**hints(replicas=3)), "ending")
    stack.wait_status("ending", "RUNNING")
    assert call(stack, "ending", "stop").json["status"] == "STOPPED"
    assert call(stack, "ending", "start").status == 200
    stack.wait_status("ending", "RUNNING")


def test_removed_replicas_default_to_one(stack):
    stack.api.create(spec(**hints(replicas=3)), "unsaid")
    assert patch(stack, "unsaid", {"spec": {"provider_hints": {"kubernetes": {"replicas": None}}}}).status == 200
    assert live(stack, "unsaid") == 1
    scale(stack.kube, "unsaid", 4)
    assert patch(stack, "unsaid", {"spec": {"metadata": {"labels": {"a": "b"}}}}).status == 200
    assert live(stack, "unsaid") == 4, "the value set by others"


def test_stop_works_on_a_container_scaled_to_0_by_others(own_stack):
    stack = own_stack(1, SP_SCALED_TO_ZERO="stopped")
    stack.api.create(spec(), "night")
    stack.wait_status("night", "RUNNING")
    scale(stack.kube, "night", 0)
    stack.wait_status("night", "STOPPED")


def test_stop_is_published_as_event(monitors, target):
    m = monitors()
    body = {"metadata": {"name": "quiet", "labels": labels_of("quiet"), "annotations": {"dcm.project/stopped": "2"}},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "quiet"}},
                     "template": {"metadata": {"labels": {"app": "quiet", **labels_of("quiet")}},
                                  "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}}
    target.admin.create("deployments", body)
    m.wait_last("quiet", "STOPPED")


def test_stop_by_others_is_reported_as_configured(monitors, target):
    from test_life import foreign_deployment
    m = monitors(SP_SCALED_TO_ZERO="stopped")
    target.admin.create("deployments", foreign_deployment("theirs", "night"))
    m.wait_last("night", "RUNNING")
    scale(target.admin, "theirs", 0)
    m.wait_last("night", "STOPPED")


def test_restart_replaces_the_pods(stack):
    stack.api.create(spec(**hints(replicas=2)), "again")
    stack.wait_status("again", "RUNNING")
    old = {p["metadata"]["uid"] for p in living_pods(stack.kube, "again")}
    answer = call(stack, "again", "restart")
    assert answer.status == 200, answer.text
    wait_for("new Pods", lambda: len(living_pods(stack.kube, "again")) == 2 and not old & {
        p["metadata"]["uid"] for p in living_pods(stack.kube, "again")}, 30)


def test_restart_with_a_key_is_one_restart(stack):
    stack.api.create(spec(), "keyed")
    key = {"Idempotency-Key": "restart-1"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call(stack, "keyed", "restart", headers=key), range(8)))
    assert [a.status for a in answers] == [200] * 8, [a.text for a in answers]
    first = stack.kube.get("deployments", "keyed")["spec"]["template"]["metadata"]["annotations"]
    wait_for("two revisions", lambda: len(revisions(stack, "keyed")) == 2)
    assert call(stack, "keyed", "restart", {}, {"Idempotency-Key": "restart-2"}).status == 200
    second = stack.kube.get("deployments", "keyed")["spec"]["template"]["metadata"]["annotations"]
    assert first != second
    wait_for("three revisions", lambda: len(revisions(stack, "keyed")) == 3)
    assert call(stack, "keyed", "restart", headers=key).status == 200, "an old key, after another restart"
    assert stack.kube.get("deployments", "keyed")["spec"]["template"]["metadata"]["annotations"] == second


def test_methods_work_on_containers_of_others(stack):
    """Including values that a client's spec cannot have."""
    from test_behind_our_back import FOREIGN
    from test_life import foreign_deployment
    ids = {what: "o-" + what.lower().replace(" ", "-") for what in FOREIGN}
    for what, change in FOREIGN.items():
        body = foreign_deployment("their-" + ids[what], ids[what])
        change(body["spec"]["template"]["spec"])
        stack.kube.create("deployments", body)
    stack.wait_known(*ids.values())
    for container_id in ids.values():
        name = f"their-{container_id}"
        pod = stack.kube.get("deployments", name)["spec"]["template"]["spec"]
        for verb, body, replicas in (("stop", None, 0), ("start", None, 1), ("scale", {"replicas": 2}, 2), ("restart", None, 2)):
            answer = call(stack, container_id, verb, body)
            assert answer.status == 200 and live(stack, name) == replicas, answer.text
        assert stack.kube.get("deployments", name)["spec"]["template"]["spec"] == pod


def wait_revision(stack, container_id, number):
    return wait_for(f"revision {number}", lambda: [
        r for r in revisions(stack, container_id) if r["current"] and r["revision"] == number], 30)


def wait_seen(stack, container_id):
    """Wait until its controller has observed the last update."""
    def seen():
        root = stack.kube.get("deployments", container_id)
        return root["status"].get("observedGeneration") == root["metadata"]["generation"]
    wait_for("the controller has seen it", seen)


def test_revisions_list_earlier_specs(stack):
    stack.api.create(spec(ports=[(80, "internal")], **hints(replicas=1)), "old")
    wait_revision(stack, "old", 1)
    for i in range(2, 13):
        assert patch(stack, "old", {"spec": {"image": {"reference": f"nginx:{i}"}}}).status == 200
        wait_revision(stack, "old", i)
    patch(stack, "old", {"spec": {"network": {"ports": [{"container_port": 80, "visibility": "external"}]}}})
    call(stack, "old", "scale", {"replicas": 2})
    listed = revisions(stack, "old")
    assert [r["revision"] for r in listed] == list(range(12, 2, -1))
    assert [r["current"] for r in listed] == [True] + [False] * 9
    assert [r["spec"]["image"]["reference"] for r in listed][:3] == ["nginx:12", "nginx:11", "nginx:10"]
    assert all(r["create_time"].endswith("Z") for r in listed)
    assert listed[1]["spec"]["network"]["ports"] == [{"container_port": 80, "visibility": "internal"}]
    page = stack.api.call("GET", f"{BASE}/old/revisions?max_page_size=4").json
    assert [r["revision"] for r in page["revisions"]] == [12, 11, 10, 9] and page["next_page_token"]
    rest = stack.api.call("GET", f"{BASE}/old/revisions?page_token={page['next_page_token']}").json
    assert [r["revision"] for r in rest["revisions"]] == [8, 7, 6, 5, 4, 3] and not rest["next_page_token"]
    stack.api.create(spec(), "other")
    stack.api.call("GET", f"{BASE}/other/revisions?page_token={page['next_page_token']}").problem(400, "INVALID_ARGUMENT")
    stack.api.call("GET", f"{BASE}/old/revisions?page_token=x").problem(400, "INVALID_ARGUMENT")
    stack.api.call("GET", f"{BASE}/absent/revisions").problem(404, "NOT_FOUND")


def test_revision_is_returned_at_its_path(stack):
    stack.api.create(spec(), "paths")
    wait_revision(stack, "paths", 1)
    patch(stack, "paths", {"spec": {"image": {"reference": "nginx:2"}}})
    wait_revision(stack, "paths", 2)
    for listed in revisions(stack, "paths"):
        answer = stack.api.call("GET", BASE.removesuffix("containers") + listed["path"])
        assert answer.status == 200 and answer.json == listed, answer.text
    stack.api.call("GET", f"{BASE}/paths/revisions/3").problem(404, "NOT_FOUND")
    stack.api.call("GET", f"{BASE}/absent/revisions/1").problem(404, "NOT_FOUND")
    for wrong in ("0", "x", "", "1.5", "2147483648", "-1"):
        stack.api.call("GET", f"{BASE}/paths/revisions/{wrong}").problem(400, "INVALID_ARGUMENT")


@pytest.mark.deployments
def test_rollback_restores_a_spec(stack):
    stack.api.create(spec(ports=[(80, "internal")], process={"env": [{"name": "A", "value": "1"}]}, **hints(replicas=2)), "back")
    wait_revision(stack, "back", 1)
    patch(stack, "back", {"spec": {"image": {"reference": "nginx:2"}, "process": None, "network": None}})
    wait_revision(stack, "back", 2)
    call(stack, "back", "scale", {"replicas": 3})
    call(stack, "back", "rollback", {"revision": 7}).problem(404, "NOT_FOUND")
    call(stack, "back", "rollback", {"revision": 0}).problem(400, "INVALID_ARGUMENT")
    answer = call(stack, "back", "rollback")
    assert answer.status == 200, answer.text
    shown = answer.json["spec"]
    assert shown["image"]["reference"] == "docker.io/library/nginx:1.27" and shown["process"]["env"] == [{"name": "A", "value": "1"}]
    assert answer.json["service"]["ports"][0]["port"] == 80 and live(stack, "back") == 3 and shown_replicas(answer) == 3
    wait_revision(stack, "back", 3)
    assert [r["revision"] for r in revisions(stack, "back")] == [3, 2]
    again = call(stack, "back", "rollback", {"revision": 1})  # it became the third
    assert again.status == 200 and again.json["etag"] == answer.json["etag"], again.text
    key = {"Idempotency-Key": "back-1"}
    for _ in range(3):
        assert call(stack, "back", "rollback", {}, key).json["spec"]["image"]["reference"] == "nginx:2"
        time.sleep(0.2)
    wait_revision(stack, "back", 4)
    assert call(stack, "back", "rollback").json["spec"]["image"]["reference"] == "docker.io/library/nginx:1.27"
    wait_revision(stack, "back", 5)
    repeat = call(stack, "back", "rollback", {}, key)
    assert repeat.json["spec"]["image"]["reference"] == "nginx:2", "the key of an earlier change is forgotten"


def test_rollback_restores_changes_made_without_a_new_revision(stack):
    """An autoscaler, the visibility of a port and other hints cause no rollout: a revision has their last values."""
    first = stack.api.create(spec(ports=[(80, "internal")], **hints(note="first")), "late")
    assert first.status == 201, first.text
    wait_revision(stack, "late", 1)
    assert patch(stack, "late", {"spec": {**hints(note="second", autoscale={"min": 1, "max": 3, "cpu_percent": 50}), "network": {
        "ports": [{"container_port": 80, "visibility": "external"}]}}}).status == 200
    old = stack.api.get("late").json["spec"]
    assert patch(stack, "late", {"spec": {"image": {"reference": "nginx:2"}}}).status == 200
    wait_revision(stack, "late", 2)
    assert patch(stack, "late", {"spec": hints(note="third")}).status == 200
    new = stack.api.get("late").json["spec"]
    assert [r["spec"]["provider_hints"] for r in revisions(stack, "late")] == [new["provider_hints"], old["provider_hints"]]
    for number, wanted in enumerate((old, new, old), 3):  # to and fro
        answer = call(stack, "late", "rollback")
        assert answer.status == 200 and answer.json["spec"]["image"] == wanted["image"], answer.text
        assert answer.json["spec"]["provider_hints"] == wanted["provider_hints"], answer.text
        assert answer.json["spec"]["network"]["ports"] == wanted["network"]["ports"]
        assert stack.kube.get("horizontalpodautoscalers", "late") and stack.kube.get("services", "late")["spec"]["type"] == "NodePort"
        wait_revision(stack, "late", number)


def test_rollback_restores_them_if_others_made_the_new_revision(stack):
    stack.api.create(spec(**hints(note="first")), "theirs")
    wait_revision(stack, "theirs", 1)
    assert patch(stack, "theirs", {"spec": hints(note="second", autoscale={"max": 3, "cpu_percent": 50})}).status == 200
    wait_seen(stack, "theirs")
    pod = stack.kube.get("deployments", "theirs")["spec"]["template"]["spec"]
    container = {**pod["containers"][0], "image": "nginx:2"}
    stack.kube.patch("deployments", "theirs", {"spec": {"template": {"spec": {"containers": [container]}}}})
    wait_revision(stack, "theirs", 2)
    answer = call(stack, "theirs", "rollback")
    assert answer.status == 200 and answer.json["spec"]["image"]["reference"] == "docker.io/library/nginx:1.27", answer.text
    assert answer.json["spec"]["provider_hints"]["kubernetes"]["note"] == "second"
    assert stack.kube.get("horizontalpodautoscalers", "theirs")


def test_rollback_keeps_the_labels_of_others(stack):
    """On the Deployment only, or in the template only; those of the client are restored, changed and removed."""
    stack.api.create(spec(metadata={"name": "web", "labels": {"kept": "1", "changed": "1", "lost": "1"}}), "labelled")
    wait_revision(stack, "labelled", 1)
    stack.kube.patch("deployments", "labelled", {"metadata": {"labels": {"theirs": "x"}}})
    stack.kube.patch("deployments", "labelled", {"spec": {"template": {"metadata": {"labels": {"app": "x"}}}}})
    wait_revision(stack, "labelled", 2)
    patch(stack, "labelled", {"spec": {"image": {"reference": "nginx:2"}, "metadata": {"labels": {
        "changed": "2", "lost": None, "new": "2"}}}})
    wait_revision(stack, "labelled", 3)
    assert [r["spec"]["metadata"]["labels"] for r in revisions(stack, "labelled")][:2] == [
        {"kept": "1", "changed": "2", "new": "2", "theirs": "x"}, {"kept": "1", "changed": "1", "lost": "1", "theirs": "x"}]
    answer = call(stack, "labelled", "rollback")
    assert answer.json["spec"]["metadata"]["labels"] == {"kept": "1", "changed": "1", "lost": "1", "theirs": "x"}, answer.text
    deployment = stack.kube.get("deployments", "labelled")
    assert "app" not in deployment["metadata"]["labels"]
    template = deployment["spec"]["template"]["metadata"]["labels"]
    assert template["app"] == "x" and template["lost"] == "1" and "theirs" not in template and "new" not in template


@pytest.mark.deployments
def test_rollback_works_before_the_controller_has_seen_the_change(stack):
    """A Deployment that is paused makes no revision, as when its controller is slow."""
    assert stack.api.create(spec(**hints(note="first")), "lagging").status == 201
    wait_revision(stack, "lagging", 1)
    stack.kube.patch("deployments", "lagging", {"spec": {"paused": True}})
    assert patch(stack, "lagging", {"spec": {"image": {"reference": "nginx:2"}}}).status == 200
    assert [r["current"] for r in revisions(stack, "lagging")] == [False], "the current template has no number yet"
    answer = call(stack, "lagging", "rollback")
    assert answer.status == 200 and answer.json["spec"]["image"]["reference"] == "docker.io/library/nginx:1.27", answer.text
    assert [(r["revision"], r["current"]) for r in revisions(stack, "lagging")] == [(1, True)]
    call(stack, "lagging", "rollback").problem(404, "NOT_FOUND")
    stack.kube.patch("deployments", "lagging", {"spec": {"paused": False}})
    patch(stack, "lagging", {"spec": {"image": {"reference": "nginx:3"}}})
    wait_revision(stack, "lagging", 2)
    stack.kube.patch("deployments", "lagging", {"spec": {"paused": True}})
    patch(stack, "lagging", {"spec": {"image": {"reference": "nginx:4"}}})
    answer = call(stack, "lagging", "rollback")
    assert answer.json["spec"]["image"]["reference"] == "nginx:3", "not one too far"
    stack.kube.patch("deployments", "lagging", {"spec": {"paused": False}})


def test_autoscaler_is_created_and_deleted(stack):
    autoscale = {"min": 2, "max": 5, "cpu_percent": 70}
    answer = stack.api.create(spec(**hints(autoscale=autoscale, replicas=2)), "auto")
    assert answer.status == 201, answer.text
    scaler = stack.kube.get("horizontalpodautoscalers", "auto")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 5)
    assert scaler["spec"]["scaleTargetRef"]["name"] == "auto"
    assert scaler["metadata"]["ownerReferences"][0]["uid"] == answer.json["uid"]
    scale(stack.kube, "auto", 4)  # as the autoscaler would
    answer = patch(stack, "auto", {"spec": {**hints(autoscale={"max": 9, "memory_percent": 80}), "metadata": {"labels": {"a": "b"}}}})
    assert answer.status == 200 and live(stack, "auto") == 4 and shown_replicas(answer) == 2, answer.text
    scaler = stack.kube.get("horizontalpodautoscalers", "auto")["spec"]
    assert scaler["maxReplicas"] == 9 and [m["resource"]["name"] for m in scaler["metrics"]] == ["cpu", "memory"]
    answer = patch(stack, "auto", {"spec": hints(autoscale=None)})
    assert answer.status == 200 and stack.kube.get("horizontalpodautoscalers", "auto") is None, answer.text
    assert patch(stack, "auto", {"spec": hints(autoscale=autoscale)}).status == 200
    assert stack.kube.get("horizontalpodautoscalers", "auto")
    assert stack.api.delete("auto").status == 204
    wait_for("gone", lambda: stack.kube.get("horizontalpodautoscalers", "auto") is None, 30)


@pytest.mark.deployments
def test_strategy_can_be_changed(stack):
    def strategy(container_id):
        return stack.kube.get("deployments", container_id)["spec"]["strategy"]

    answer = stack.api.create(spec(**hints(strategy={"type": "rolling", "max_surge": 2, "max_unavailable": "0%"})), "how")
    assert answer.status == 201, answer.text
    assert strategy("how") == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": "0%"}}
    for change, wanted in (
            ({"type": "recreate", "max_surge": None, "max_unavailable": None}, {"type": "Recreate"}),
            ({"type": "rolling", "max_surge": 1},
             {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}),
            (None, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
            ({"type": "recreate"}, {"type": "Recreate"})):
        answer = patch(stack, "how", {"spec": hints(strategy=change)})
        assert answer.status == 200 and strategy("how") == wanted, (change, answer.text)
    stack.wait_status("how", "RUNNING")
    old = living_pods(stack.kube, "how")[0]["metadata"]["name"]
    assert call(stack, "how", "restart").status == 200
    wait_for("another Pod", lambda: [p for p in living_pods(stack.kube, "how") if p["metadata"]["name"] != old], 60)


@pytest.mark.deployments
def test_old_hints_are_shown_and_rejected_when_used(stack):
    """A Deployment of v0.1 may have any value there."""
    stack.api.create(spec(provider_hints={"kubernetes": {"x": 1}}), "v01")
    stack.kube.patch("deployments", "v01", {"metadata": {"annotations": {"dcm.project/spec":
                     '{"provider_hints":{"kubernetes":{"replicas":"many","strategy":7,"autoscale":"no","kind":"Pod"}}}'}}})
    shown = stack.api.get("v01")
    assert shown.status == 200 and shown.json["spec"]["provider_hints"]["kubernetes"]["replicas"] == "many", shown.text
    assert call(stack, "v01", "stop").status == 200 and call(stack, "v01", "start").status == 200
    problem = patch(stack, "v01", {"spec": {"metadata": {"labels": {"a": "b"}}}}).problem(400, "INVALID_ARGUMENT")
    assert len(problem["errors"]) == 4, problem
    assert patch(stack, "v01", {"spec": {"provider_hints": None}}).status == 200
