"""Events of the container life cycle, on kubesim and on a real control plane."""

import re
import time
import urllib.parse

import pytest

from api import spec
from monitors import OURS, deployment, labels_of
from processes import wait_for

pytestmark = pytest.mark.usefixtures("root_kind")


def test_life_cycle_pending_running_failed_running_deleted(monitors):
    m = monitors()
    m.create("life", labels={**labels_of("life"), "dcm-test/start-delay": "1s"})
    m.wait_last("life", "RUNNING")
    assert m.dcm.of("life")[0] == "PENDING"
    m.scale("life", 0)
    m.wait_last("life", "FAILED")
    m.scale("life", 1)
    m.wait_last("life", "RUNNING")
    m.delete("life")
    m.wait_last("life", "DELETED")
    time.sleep(0.5)
    assert m.dcm.of("life")[-1] == "DELETED" and m.dcm.of("life").count("DELETED") == 1
    assert not m.dcm.bad


def test_events_are_structured_cloudevents_with_a_percent_encoded_source(monitors):
    m = monitors(name="my provider/ünï%")
    m.create("event")
    m.wait_last("event", "RUNNING")
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    for headers, event in m.dcm.raw:
        assert "Content-Type: application/cloudevents+json\r\n" in headers
        assert f"Nats-Msg-Id: {event['id']}\r\n" in headers
        assert event["source"] == "dcm/providers/" + urllib.parse.quote("my provider/ünï%", safe="")
        assert (event["specversion"], event["type"], event["subject"], event["datacontenttype"]) == (
            "1.0", "dcm.status.container", "dcm.container", "application/json")
        assert stamp.fullmatch(event["time"]) and stamp.fullmatch(event["data"]["timestamp"])
        assert set(event["data"]) - {"output_spec"} == {"id", "status", "message", "timestamp"}
        assert ("output_spec" in event["data"]) == (event["data"]["status"] == "RUNNING")
    assert len({e["id"] for _, e in m.dcm.raw}) == len(m.dcm.raw)


def test_failures_keep_the_status_and_have_a_message(monitors):
    m = monitors()
    m.create("nopull", image="registry.example/nonexistent:1")
    m.create("crash", image="registry.example/crashloop:1")
    m.create("nofit", cpu="1000000")
    m.wait_message("nopull", "Pull")
    m.wait_message("crash", "CrashLoopBackOff")
    assert set(m.dcm.of("nopull")) == {"PENDING"}
    assert m.dcm.of("crash")[-1] == "RUNNING"
    if not m.target.simulated:
        m.wait_message("nofit", "nsufficient cpu")
        assert set(m.dcm.of("nofit")) == {"PENDING"}


@pytest.mark.deployments
def test_an_evicted_pod_with_a_replacement_is_never_failed(monitors):
    m = monitors(SP_FAILED_GRACE="5s")
    m.create("evicted")
    m.wait_last("evicted", "RUNNING")
    first = m.pod_of("evicted")["metadata"]["name"]
    m.set_pod_status("evicted", {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"})
    wait_for("a successor", lambda: any(
        p["metadata"]["name"] != first and p["status"].get("phase") == "Running" for p in m.kube.of("pods", "evicted")))
    time.sleep(6)
    assert "FAILED" not in m.dcm.of("evicted") and m.dcm.of("evicted")[-1] == "RUNNING"


@pytest.mark.deployments
def test_an_evicted_pod_without_a_replacement_is_failed_after_the_grace_period(monitors, no_pods):
    m = monitors(SP_FAILED_GRACE="2s")
    m.create("alone")
    m.wait_last("alone", "RUNNING")
    no_pods(True)
    m.set_pod_status("alone", {"phase": "Failed", "reason": "Evicted"})
    started = time.monotonic()
    m.wait_last("alone", "FAILED")
    assert time.monotonic() - started > 1
    no_pods(False)
    m.scale("alone", 0)
    m.scale("alone", 1)
    m.wait_last("alone", "RUNNING", 40)


@pytest.mark.deployments
@pytest.mark.parametrize("seconds, statuses", [(3, {"PENDING", "RUNNING"}), (10, {"PENDING", "FAILED", "RUNNING"})])
def test_a_quota_is_pending_first_and_failed_after_the_grace_period(monitors, no_pods, seconds, statuses):
    m = monitors(SP_FAILED_GRACE="5s")
    no_pods(True)
    m.create("quota")
    m.wait_last("quota", "PENDING")
    time.sleep(seconds)
    assert ("FAILED" in m.dcm.of("quota")) == ("FAILED" in statuses), m.dcm.events
    no_pods(False)
    m.scale("quota", 0)
    m.scale("quota", 1)  # the ReplicaSet controller's own pause after rejections grows to minutes
    m.wait_last("quota", "RUNNING", 40)
    assert any("exceeded quota" in message for message in m.dcm.messages("quota"))


def test_a_foreign_deployment_is_not_published(monitors):
    m = monitors()
    m.kube.create("deployments", deployment("foreign", labels={"app": "foreign"}))
    m.kube.create("deployments", deployment("halfway", labels={**OURS}))  # no instance id
    m.create("ours")
    m.wait_last("ours", "RUNNING")
    time.sleep(0.5)
    assert set(m.dcm.last()) == {"ours"}
    m.delete("foreign")
    m.delete("halfway")


def test_a_container_of_another_program_is_published_with_its_id(monitors):
    m = monitors()
    m.kube.create("deployments", deployment("the-id", name="another-name"))
    m.wait_last("the-id", "RUNNING")
    m.delete("another-name")
    m.wait_last("the-id", "DELETED")


def test_a_container_without_our_labels_is_deleted_until_they_are_restored(monitors):
    m = monitors()
    m.create("label")
    m.wait_last("label", "RUNNING")
    m.kube.patch("deployments", "label", {"metadata": {"labels": {"dcm.project/managed-by": None}}})
    m.wait_last("label", "DELETED")
    assert m.kube.get("deployments", "label")
    m.kube.patch("deployments", "label", {"metadata": {"labels": labels_of("label")}})
    m.wait_last("label", "RUNNING")


def test_a_deletion_while_no_monitor_ran_is_reported_at_the_next_start(monitors):
    m = monitors()
    for i in range(3):
        m.create(f"down-{i}")
        m.wait_last(f"down-{i}", "RUNNING")
    m.processes[0].stop()
    m.delete("down-0")
    m.delete("down-1")
    wait_for("gone", lambda: not m.kube.get("deployments", "down-0") and not m.kube.get("deployments", "down-1"))
    m.create("down-3")
    m.restart(m.processes[0])
    m.wait_last("down-0", "DELETED")
    m.wait_last("down-1", "DELETED")
    m.wait_last("down-2", "RUNNING")
    m.wait_last("down-3", "RUNNING")
    m.processes[0].stop()
    before = len(m.dcm.events)
    m.restart(m.processes[0])
    wait_for("the state of all again", lambda: len(m.dcm.events) >= before + 2)
    time.sleep(0.5)
    assert m.dcm.of("down-0").count("DELETED") == 1  # dropped after it was published


def test_a_container_created_and_deleted_while_no_monitor_ran_is_reported_deleted(monitors, own_stack):
    """DCM created it, so its deletion is reported: the worker has left a record."""
    m = monitors()
    m.processes[0].stop()
    api = own_stack(name=m.name, nats_port=m.port).api
    assert api.create(spec(), "brief").status == 201
    assert api.create(spec(), "lasting").status == 201
    assert api.delete("brief").status == 204
    m.restart(m.processes[0])
    m.wait_last("brief", "DELETED")
    m.wait_last("lasting", "RUNNING")
    assert api.create(spec(), "brief").status == 201  # the same id again, of which nothing is recorded any more
    m.wait_last("brief", "RUNNING")
    m.processes[0].stop()
    assert api.delete("brief").status == 204
    m.restart(m.processes[0])
    m.wait_last("brief", "DELETED")


def test_a_container_created_and_deleted_between_two_polls_is_reported_deleted(monitors, own_stack):
    m = monitors(SP_MONITOR_MODE="poll")
    api = own_stack(name=m.name, nats_port=m.port).api
    assert api.create(spec(), "mayfly").status == 201
    assert api.delete("mayfly").status == 204
    m.wait_last("mayfly", "DELETED", 25)


def test_no_internal_subjects_are_below_dcm(monitors):
    m = monitors(name="a.b *>")
    m.create("scope")
    m.wait_last("scope", "RUNNING")
    streams = m.streams()
    assert streams.pop("dcm-status") == ["dcm.*"]
    assert list(streams) == ["KV_k8s-container-sp-a_2Eb_20_2A_3E"]
    assert all(not s.startswith("dcm.") for subjects in streams.values() for s in subjects)


def test_five_hundred_state_changes_are_debounced_without_delaying_others(monitors):
    m = monitors(SP_MONITOR_DEBOUNCE_MS="500")
    m.create("flapping")
    m.create("quiet")
    m.wait_last("flapping", "RUNNING")
    m.wait_last("quiet", "RUNNING")
    time.sleep(1)
    before, end = len(m.dcm.of("flapping")), time.monotonic() + 10
    for i in range(500):
        m.set_pod_status("flapping", {"phase": "Pending" if i % 2 == 0 else "Running"})
        if i == 250:
            m.scale("quiet", 0)
            asked = time.monotonic()
            heard = None
        if i > 250 and heard is None and m.dcm.of("quiet")[-1] == "FAILED":
            heard = time.monotonic() - asked
        time.sleep(max(0.0, (end - time.monotonic()) / (500 - i)))
    m.wait_last("flapping", "RUNNING")
    time.sleep(1)
    events = len(m.dcm.of("flapping")) - before
    print(f"{events} events of 500 changes; that of the other container after {heard:.2f} s")
    assert events <= 12 and m.dcm.of("flapping")[-1] == "RUNNING"
    assert heard < 2
