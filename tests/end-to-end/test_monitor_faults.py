"""Outages of NATS, monitors and watches: every final state arrives, in order."""

import os
import signal
import threading
import time

from processes import wait_for


def create_many(m, prefix, count):
    for i in range(count):
        m.create(f"{prefix}{i}")
    for i in range(count):
        m.wait_last(f"{prefix}{i}", "RUNNING", 30)


def test_changes_without_nats_are_published_after_the_reconnect(monitors):
    """Under change, for SP_TEST_OUTAGE seconds (30); memory stays flat."""
    m = monitors()
    create_many(m, "c", 10)
    monitor, seconds = m.processes[0], float(os.environ.get("SP_TEST_OUTAGE", "30"))
    m.nats.kill()
    before, end, rounds = monitor.rss_kb(), time.monotonic() + seconds, 0
    m.delete("c0")
    m.scale("c1", 0)
    while time.monotonic() < end:
        m.create(f"short-{rounds}")
        m.set_pod_status("c2", {"phase": "Pending" if rounds % 2 else "Running"})
        m.delete(f"short-{rounds}")
        rounds += 1
        time.sleep(0.05)
    m.create("c99")
    m.set_pod_status("c2", {"phase": "Running"})
    after, sanitized = monitor.rss_kb(), monitor.sanitized()
    m.start_nats()
    m.wait_last("c0", "DELETED")
    m.wait_last("c1", "FAILED")
    m.wait_last("c99", "RUNNING")
    for i in range(2, 10):
        m.wait_last(f"c{i}", "RUNNING")
    print(f"{seconds:.0f} s without NATS, {rounds} containers created and deleted: {before} -> {after} KiB resident")
    assert after < before + 2048 or sanitized


def test_a_later_created_stream_gets_all_states(monitors):
    from wire import Dcm
    m = monitors(stream=None)
    m.create("early")
    m.processes[0].wait_log("no stream: ")
    time.sleep(1)
    m.dcm = Dcm(m.port)
    m.wait_last("early", "RUNNING")  # may have been published plainly: the stream captures that as well
    m.processes[0].wait_log("stream found")
    assert m.stats()[0]["acknowledged"]


def test_plain_nats_works_with_one_monitor_and_is_logged(monitors):
    m = monitors(stream=False, jetstream=False)
    m.create("plain")
    m.wait_last("plain", "RUNNING")
    m.delete("plain")
    m.wait_last("plain", "DELETED")
    assert "NATS has no JetStream: run only one monitor" in m.processes[0].log()
    assert m.stats()[0]["role"] == "alone"


def test_all_states_are_published_again_every_period(monitors):
    m = monitors(SP_MONITOR_RESYNC_PERIOD="2s")
    create_many(m, "r", 3)
    before = len(m.dcm.events)
    wait_for("two rounds", lambda: len(m.dcm.events) >= before + 6, 10)
    assert set(m.dcm.last().values()) == {"RUNNING"}


def test_the_standby_takes_over_within_ten_seconds_of_kill_9(monitors):
    m = monitors(count=2)
    create_many(m, "t", 5)
    assert sorted(s["role"] for s in m.stats()) == ["active", "standby"]
    assert [p for p in m.processes if '"to":"active"' in p.log()] == [m.processes[0]]
    m.processes[0].kill()
    killed = time.monotonic()
    m.delete("t0")
    m.scale("t1", 0)
    m.wait_last("t0", "DELETED", 12)
    m.wait_last("t1", "FAILED", 12)
    taken = time.monotonic() - killed
    print(f"taken over in {taken:.1f} s")
    assert taken < 10
    m.restart(m.processes[0])
    wait_for("one of each", lambda: sorted(s["role"] for s in m.stats()) == ["active", "standby"], 10)


def test_a_monitor_shutting_down_hands_over_immediately(monitors):
    m = monitors(count=2)
    create_many(m, "h", 2)
    m.processes[0].stop()
    m.delete("h0")
    started = time.monotonic()
    m.wait_last("h0", "DELETED", 5)
    assert time.monotonic() - started < 3


def test_an_active_monitor_resumed_after_its_lease_publishes_nothing(monitors):
    """
    SIGSTOP beyond the lease: the other one takes over; after SIGCONT the first is standby, and no state goes backwards. Its
    role is requested while it is stopped, so its first reply is checked.
    """
    m = monitors(count=2)
    create_many(m, "s", 3)
    os.kill(m.processes[0].popen.pid, signal.SIGSTOP)
    m.scale("s0", 0)
    m.wait_last("s0", "FAILED", 12)
    m.scale("s0", 1)
    m.wait_last("s0", "RUNNING", 12)
    before, roles = m.dcm.of("s0"), []
    asking = threading.Thread(target=lambda: roles.extend(s["role"] for s in m.stats(seconds=2)))
    asking.start()
    time.sleep(0.3)
    os.kill(m.processes[0].popen.pid, signal.SIGCONT)
    m.processes[0].wait_log("another monitor has become leader", 10)
    asking.join()
    assert sorted(roles) == ["active", "standby"]
    for _ in range(3):
        assert sorted(s["role"] for s in m.stats()) == ["active", "standby"]
    time.sleep(1)
    assert set(m.dcm.of("s0")[len(before):]) <= {"RUNNING"}


def test_pending_events_are_flushed_on_sigterm(monitors):
    m = monitors(SP_MONITOR_DEBOUNCE_MS="60000")
    m.create("late")
    wait_for("it runs", lambda: m.pod_of("late")["status"].get("phase") == "Running")
    time.sleep(0.3)
    m.scale("late", 0)
    time.sleep(0.3)
    assert m.dcm.of("late") == []
    started = time.monotonic()
    m.processes[0].stop()
    assert time.monotonic() - started < 5
    m.wait_last("late", "FAILED")


def test_sigterm_without_nats_exits_with_0_within_the_timeout(monitors):
    m = monitors(SP_MONITOR_SHUTDOWN_TIMEOUT="1s")
    create_many(m, "e", 1)
    m.nats.kill()
    m.delete("e0")
    started = time.monotonic()
    m.processes[0].stop()
    assert time.monotonic() - started < 4
    m.start_nats()


def test_a_container_known_to_dcm_is_deleted_after_kill_9_although_the_bucket_was_full(monitors):
    """Its first event waits for the record, from which the next monitor knows it."""
    m = monitors()
    m.refuse_records(True)
    m.create("first")
    time.sleep(3)
    assert m.dcm.of("first") == [] and m.stats()[0]["pending"] == 1
    m.refuse_records(False)
    m.wait_last("first", "RUNNING")
    m.processes[0].kill()
    m.delete("first")
    m.restart(m.processes[0])
    m.wait_last("first", "DELETED", 20)


def test_a_full_bucket_neither_stops_nor_repeats_events(monitors):
    m = monitors()
    create_many(m, "known", 1)
    m.refuse_records(True)
    m.create("new")
    m.scale("known0", 0)
    m.wait_last("known0", "FAILED", 5)
    m.wait_last("new", "RUNNING", 20)
    time.sleep(1)
    before = m.dcm.of("new")
    time.sleep(4)
    assert m.dcm.of("new") == before and m.stats()[0]["retried"] == 0
    m.scale("new", 0)
    m.wait_last("new", "FAILED", 5)


def test_many_concurrent_deletions_are_all_published(monitors):
    m = monitors()
    for i in range(100):
        m.create(f"m{i}")
    wait_for("all run", lambda: list(m.dcm.last().values()).count("RUNNING") == 100, 30)
    threads = [threading.Thread(target=lambda k=k: [m.delete(f"m{i}") for i in range(k, 100, 4)]) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    wait_for("all deleted", lambda: list(m.dcm.last().values()).count("DELETED") == 100, 30)
    wait_for("no record is left", lambda: m.stats()[0]["pending"] == 0)
