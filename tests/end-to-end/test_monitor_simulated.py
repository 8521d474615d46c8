"""Behaviour of the monitor if watches are rejected."""

from monitors import deployment
from processes import wait_for


def test_rejected_watches_are_replaced_by_polling_until_accepted(monitors, target):
    target.faults({"match": {"verb": "watch"}, "kind": "forbidden", "count": -1})
    m = monitors()
    m.processes[0].wait_log("cannot watch: polling instead")
    m.create("polled")
    m.wait_last("polled", "RUNNING", 25)
    assert m.stats()[0]["polling"]
    target.faults()
    m.create("watched")
    m.wait_last("watched", "RUNNING", 25)
    m.scale("watched", 0)
    m.processes[0].wait_log("watching again", 70)
    m.scale("watched", 1)
    m.wait_last("watched", "RUNNING", 25)


def test_configured_polling_opens_no_watch(monitors, target):
    target.admin.create("deployments", deployment("p0"))
    wait_for("it runs", lambda: [p for p in target.admin.of("pods", "p0") if p["status"].get("phase") == "Running"])
    m = monitors(SP_MONITOR_MODE="poll")
    m.wait_last("p0", "RUNNING", 5)
    m.delete("p0")
    m.wait_last("p0", "DELETED", 25)
    stats = m.stats()[0]
    assert stats["watches"] == 0 and stats["polling"]
