"""Events as other reporters than ours write them."""

from api import BASE, spec


def report(stack, container_id, number, time="2026-01-01T00:00:00.000000Z"):
    uid = stack.kube.get("deployments", container_id)["metadata"]["uid"]
    event = {"metadata": {"generateName": f"{container_id}."}, "reason": "Counted", "message": f"made {number}",
             "type": "Normal", "eventTime": time, "action": "Count",
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


def test_events_are_ordered_below_a_millisecond(stack):
    stack.api.create(spec(), "close")
    times = [f"2026-01-01T00:00:00.00000{number}Z" for number in range(5)]
    for time in (times[3], times[0], times[4], times[2], times[1]):
        report(stack, "close", 0, time)
    read, token = [], ""
    while token is not None:
        answer = stack.api.call("GET", f"{BASE}/close/events?max_page_size=2&page_token={token}")
        assert answer.status == 200, answer.text
        read += [e["time"] for e in answer.json["events"] if e["reason"] == "Counted"]
        token = answer.json["next_page_token"] or None
    assert read == times
