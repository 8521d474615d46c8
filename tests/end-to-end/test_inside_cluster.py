"""Events as other reporters than ours write them."""

from api import BASE, spec


def report(stack, container_id, number):
    uid = stack.kube.get("deployments", container_id)["metadata"]["uid"]
    event = {"metadata": {"generateName": f"{container_id}."}, "reason": "Counted", "message": f"made {number}",
             "type": "Normal", "eventTime": "2026-01-01T00:00:00.000000Z", "action": "Count",
             "reportingComponent": "test", "reportingInstance": "test",
             "involvedObject": {"kind": "Deployment", "apiVersion": "apps/v1", "name": container_id, "uid": uid,
                                "namespace": stack.target.namespace}}
    if number:
        event["series"] = {"count": number + 1, "lastObservedTime": f"2026-01-01T00:00:0{number}.000000Z"}
    stack.kube.create("events", event)


def test_events_of_a_series_have_a_count(stack):
    stack.api.create(spec(), "series")
    for number in (2, 0, 1):
        report(stack, "series", number)
    answer = stack.api.call("GET", f"{BASE}/series/events")
    counted = [(e["message"], e["count"], e["time"]) for e in answer.json["events"] if e["reason"] == "Counted"]
    assert counted == [(f"made {n}", n + 1, f"2026-01-01T00:00:0{n}.000000Z") for n in range(3)], answer.text
