"""Unacknowledged events: the reason and their age are logged."""

import json

from processes import wait_for
from wire import Nats


def warnings(monitor, message):
    lines = [json.loads(line) for line in monitor.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] == "warn" and line["msg"] == message]


def stream(m, call, body=None):
    nats = Nats(m.port)
    try:
        answer = nats.jetstream(f"STREAM.{call}.dcm-status", body)
        assert "error" not in answer, answer
    finally:
        nats.close()


def test_a_stream_full_or_missing_for_a_minute_is_logged(monitors):
    full, gone = monitors(stream=None), monitors(stream=None)
    stream(full, "CREATE", {"name": "dcm-status", "subjects": ["dcm.*"], "max_msgs": 1, "discard": "new"})
    stream(gone, "CREATE", {"name": "dcm-status", "subjects": ["dcm.*"]})
    full.create("late")
    for m in (full, gone):
        m.add()
        wait_for("the first event", lambda m=m: m.stats()[0]["published"] > 0)
    stream(gone, "DELETE")
    full.scale("late", 0)  # both see it
    wait_for("refused", lambda: full.stats()[0]["retried"] > 0)
    assert not warnings(full.processes[0], "events are pending")

    wait_for("a warning", lambda: warnings(full.processes[0], "events are pending"), 75, 0.5)
    warning, = warnings(full.processes[0], "events are pending")
    assert "maximum messages exceeded" in warning["why"]
    assert warning["pending"] == 1 and 60000 <= warning["lag_ms"] < 70000 <= full.stats()[0]["lag_ms"] + 10000
    wait_for("a warning", lambda: warnings(gone.processes[0], "events are published, but no stream captures them"), 75, 0.5)
    assert "the stream no longer exists" in warnings(gone.processes[0], "events are published, but no stream captures them")[0]["why"]
    assert gone.stats()[0]["lag_ms"] == 0

    stream(full, "PURGE")
    wait_for("all events are published", lambda: full.stats()[0]["pending"] == 0 and full.stats()[0]["lag_ms"] == 0, 40)
