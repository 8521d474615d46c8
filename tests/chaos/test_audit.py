"""Tests of the auditor: small histories and the rules they violate."""

import pytest

from audit import Audit
from history import (BROKEN, ENDED, LEFT, RESET, UNREACHABLE, FailedScrape, Health, History, Op, Scraped, Sighting,
                     Strike)

CREATE, DELETE, GET, UPDATE, SCALE = "create", "delete", "get", "update", "scale"


def history_of(ops, sightings=(), strikes=()):
    """ops: (kind, sent, answered, result, uid, work, key); sightings: (at, uid, update)."""
    history = History(0)
    for n, (kind, sent, answered, result, *more) in enumerate(ops, 1):
        uid, work, key = [*more, "", None, ""][:3] if len(more) < 3 else more
        history.ops.append(Op(n, kind, "x", "api-0", sent, key=key, work=work, answered=answered, result=result,
                              uid=uid, shows=frozenset({n} if kind == UPDATE else ())))
    history.sightings = [Sighting("Kubernetes", at, at + 0.01, {"x": (uid, 1, update[0] if update else 0)} if uid else {})
                         for at, uid, *update in sightings]
    history.strikes = [Strike(name, victim, at, name != "clock", at + 1) for name, victim, at in strikes]
    return history


MADE = (CREATE, 1, 2, 201, "u", 1)
VERSION = "another version than in the response"
HISTORIES = {
    "no violation": ([MADE, (DELETE, 5, 6, 204)], [(0.5, ""), (3, "u"), (7, "")], [], []),
    "missing after 201": ([MADE], [(3, "u"), (4, "")], [], ["lost: missing after a 201 response"]),
    "another uid": ([MADE], [(3, "v")], [], ["another container than in the response"]),
    "a GET with 404": ([MADE, (GET, 3, 4, 404)], [], [], ["get 404 of a live container"]),
    "a DELETE with 404": ([MADE, (DELETE, 3, 4, 404)], [], [], ["DELETE 404 of a live container"]),
    "a retried DELETE": ([MADE, (DELETE, 3, 4, 503), (DELETE, 5, 6, 404)], [], [], []),
    "present again for more than 1 s": ([MADE, (DELETE, 3, 4, 204)], [(5, "v"), (6.5, "v")], [],
                                        ["present again after its DELETE"]),
    "present again for less than 1 s": ([MADE, (DELETE, 3, 4, 204)], [(5, "v"), (5.5, "v")], [], []),
    "an orphan": ([(CREATE, 1, 2, 503, "", 1)], [(30, "u"), (65, "u")], [],
                  ["orphan: present 60 s after its create failed"]),
    "not yet an orphan": ([(CREATE, 1, 2, 503, "", 1)], [(30, "u"), (61, "u"), (65, "")], [], []),
    "a successful retry": ([(CREATE, 1, 2, 503, "", 1, "k"), (CREATE, 3, 4, 201, "u", 1, "k")],
                               [(70, "u")], [], []),
    "never sent": ([(CREATE, 1, 2, UNREACHABLE, "", 1)], [], [], []),
    "reset without a fault": ([(CREATE, 1, 2, RESET, "", 1)], [], [], ["a connection closed without a response"]),
    "reset by a step of its clock": ([(CREATE, 1, 2, RESET, "", 1)], [], [("clock", "api-0", 1)],
                                     ["a connection closed without a response"]),
    "reset by a kill": ([(CREATE, 1, 2, RESET, "", 1)], [(70, "u")], [("kill", "api-0", 1.8)], []),
    "a lost store": ([(CREATE, 1, 2, 503, "", 1)], [(70, "u")], [("lose store", "nats-0", 3)], []),
    "a second container": ([MADE, (CREATE, 3, 4, 201, "v", 2)], [], [], ["a second container with one id"]),
    "a retry gets another container": ([MADE, (CREATE, 3, 4, 201, "v", 1)], [], [],
                              ["a retry by key got another container"]),
    "a retry by key is rejected": ([MADE, (CREATE, 3, 4, 422, "", 1)], [], [], ["422 for a retry by key"]),
    "a conflict on a free id": ([(CREATE, 1, 2, 409, "", 1)], [], [], ["409 for a free id"]),
    "a failed DELETE without effect": ([MADE, (DELETE, 3, 4, 503), (GET, 10, 11, 200, "u")], [(12, "")], [],
                                  ["lost: missing after a 201 response"]),
    "a patch": ([MADE, (UPDATE, 3, 4, 200), (UPDATE, 6, 7, 200)], [(2.5, "u"), (3.5, "u", 2), (5, "u", 2), (8, "u", 3)], [], []),
    "a patch without effect": ([MADE, (UPDATE, 3, 4, 200)], [(5, "u")], [], [VERSION]),
    "an outdated patch": ([MADE, (UPDATE, 3, 4, 503), (UPDATE, 6, 7, 200)], [(8, "u", 3), (9, "u", 2)], [], [VERSION]),
    "a patch before a failed DELETE": ([MADE, (UPDATE, 3, 4, 200), (DELETE, 5, 6, 503), (GET, 12, 13, 200, "u")],
                                           [(14, "u", 2)], [], []),
    "a failed patch": ([MADE, (UPDATE, 3, 4, 503)], [(5, "u"), (6, "u", 2), (7, "u")], [], []),
    "a patch that was never sent": ([MADE], [(5, "u", 9)], [], [VERSION]),
    "a patch with 404": ([MADE, (UPDATE, 3, 4, 404)], [], [], ["update 404 of a live container"]),
    "a rejected scale": ([MADE, (SCALE, 3, 4, 400)], [], [], ["400 for a scale"]),
    "a read with 404": ([MADE, ("usage", 3, 4, 404)], [], [], ["usage 404 of a live container"]),
    "disconnected before the response": ([(CREATE, 1, 2, LEFT, "", 1)], [(70, "u")], [], []),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_violations_of_each_rule_are_found(name):
    ops, sightings, strikes, rules = HISTORIES[name]
    audit = Audit(history_of(ops, sightings, strikes))
    audit.check_sightings()
    audit.check_answers()
    assert [v.rule for v in audit.violations] == rules


def rules(history, check):
    audit = Audit(history)
    check(audit)
    return [v.rule for v in audit.violations]


def told(op, **more):
    """The details of an operation in addition to its result."""
    for name, value in more.items():
        setattr(op, name, value)


@pytest.mark.parametrize("shown, fits", [(2, False), (3, False), (0, True)])
def test_the_state_after_a_rollback_is_that_of_its_response(shown, fits):
    history = history_of([MADE, (UPDATE, 2, 3, 200), (UPDATE, 4, 5, 200), ("rollback", 6, 7, 200)], [(8, "u", shown)])
    told(history.ops[3], shows=frozenset({0}))
    assert rules(history, Audit.check_sightings) == ([] if fits else [VERSION])


def test_a_rejected_rollback_does_not_determine_the_state():
    history = history_of([MADE, (UPDATE, 2, 3, 200), ("rollback", 3, 4, 404), ("revision", 5, 6, 404)], [(7, "u", 2)])
    for op in history.ops[2:]:
        told(op, detail="the container 'x' has no revision 1")
    told(history.ops[2], shows=frozenset({0, 2}))
    assert rules(history, Audit.check_sightings) == []
    history.sightings[0].containers["x"] = ("u", 1, 0)
    assert rules(history, Audit.check_sightings) == [VERSION]


@pytest.mark.parametrize("kind, rule", [("logs", "a followed log of a live container has ended"), ("watch", "a :watch has ended")])
def test_the_end_of_a_stream_of_a_live_container_is_a_violation(kind, rule):
    def check(audit):
        audit.check_sightings()
        audit.check_answers()
    ops = [MADE, (kind, 3, 4, 200), (DELETE, 5, 6, 204)]
    history = history_of(ops)
    told(history.ops[1], detail=ENDED)
    assert rules(history, check) == [rule]
    history = history_of(ops, strikes=[("terminate", "api-0", 3)])
    told(history.ops[1], detail=ENDED)
    assert rules(history, check) == ([] if kind == "watch" else [rule])


def test_an_aborted_stream_needs_a_fault():
    for strikes in ([], [("kill", "worker-0", 2)]):
        history = history_of([MADE, ("logs", 3, 4, 200)], strikes=strikes)
        told(history.ops[1], detail=BROKEN)
        assert rules(history, Audit.check_answers) == ([] if strikes else ["a stream was aborted without a fault"])


@pytest.mark.parametrize("lines, rule", [([], ["a command with a response has not run"]), (["op-2"], []),
                                         (["op-2", "op-2"], ["a command has run twice"])])
def test_an_answered_command_must_run_exactly_once(lines, rule):
    history = history_of([MADE, ("exec_run", 3, 4, 200)])
    told(history.ops[1], detail="ran")
    assert rules(history, lambda audit: audit.check_commands(lines)) == rule


def test_the_loss_of_one_of_three_stores_excuses_nothing():
    history = history_of([(CREATE, 1, 2, 503, "", 1)], [(70, "u")], [("lose store", "nats-0", 3)])
    audit = Audit(history, replicated=True)
    audit.check_sightings()
    assert [v.rule for v in audit.violations] == ["orphan: present 60 s after its create failed"]


@pytest.mark.parametrize("strike, at, rule", [
    (None, 50, ["unhealthy without a reason"]),
    (Strike("cut", "api-0", 20, False, 30), 45, []),     # TCP retries after up to the duration of the partition
    (Strike("cut", "api-0", 20, False, 30), 50, ["unhealthy without a reason"]),
    (Strike("kill", "worker-0", 49), 50, ["unhealthy without a reason"]),
])
def test_unhealthy_needs_a_fault(strike, at, rule):
    history = history_of([], strikes=[])
    history.strikes = [strike] if strike else []
    history.health = [Health("api-0", at, at + 0.1, "unhealthy")]
    assert rules(history, lambda audit: audit.check_health(())) == rule


def test_a_starved_process_may_be_silent():
    history = history_of([])
    history.health = [Health("api-0", 50, 50.6, "unhealthy")]
    history.starved = [(f"worker-{n}", 49.9, 50.4) for n in range(3)]
    assert rules(history, lambda audit: audit.check_health(())) == []
    history.starved.pop()
    assert rules(history, lambda audit: audit.check_health(())) == ["unhealthy without a reason"]


def test_health_must_respond_in_time_during_a_network_partition():
    history = history_of([])
    history.strikes = [Strike("cut", "api-0", 20, False, 30), Strike("pause", "api-1", 20, True, 30)]
    history.health = [Health("api-0", 25, 27, "unhealthy"), Health("api-1", 25, 27, "unhealthy"),
                      Health("api-0", 28, 30, "unhealthy", waited_s=1.1)]
    assert rules(history, lambda audit: audit.check_health(())) == ["health took longer than 1 s"]


def test_a_watch_must_match_the_list():
    web, other = {"id": "web", "etag": "1"}, {"id": "web", "etag": "2"}
    assert Audit.watched({"web": web}, {"api-0": {"web": web}}) == []
    assert [w[:2] for w in Audit.watched({"web": web}, {"api-0": {"web": other}, "api-1": None})] == [
        ("a :watch is missing", "api-1"), ("a :watch shows another container than LIST", "web")]
    assert len(Audit.watched({}, {"api-0": {"web": web}}) + Audit.watched({"web": web}, {"api-0": {}})) == 2


def scraped(**more):
    """The data of Prometheus without faults."""
    return Scraped(**{"scrapes": 9, "failed": [], "fired": {"DcmSpDown": 2}, "missing": [], "firing": [],
                      "counted": {("api-0", CREATE, "201"): 1}, "since": {"api-0": 0}, **more})


@pytest.mark.parametrize("more, rule", [
    ({}, []),
    ({"failed": [FailedScrape("api-0", 3, False, "timeout")]}, []),
    ({"failed": [FailedScrape("api-0", 3, True, "expected value")]}, ["a malformed scrape"]),
    ({"missing": ["worker-0"]}, ["its metrics are not scraped again"]),
    ({"firing": ["DcmSpDown"]}, ["an alert still fires in the end"]),
    ({"counted": {("api-0", CREATE, "201"): 2}}, []),     # another client
    ({"counted": {("api-0", CREATE, "409"): 1}}, ["fewer requests are counted than were answered"]),
    ({"counted": {}, "since": {"api-0": 1.5}}, []),       # the process that responded has ended
    ({"counted": {}, "since": {}}, []),
])
def test_metrics_must_match_the_results_of_clients(more, rule):
    history = history_of([MADE, (GET, 3, 4, RESET)])
    assert rules(history, lambda audit: audit.check_scrapes(scraped(**more))) == rule


def test_a_stopped_or_starved_process_may_miss_scrapes():
    history = history_of([], strikes=[("kill", "api-0", 10), ("cut", "worker-0", 10)])
    history.strikes[1].stops = False
    history.starved = [("api-1", 9.5, 10)]
    failed = [FailedScrape(name, 10.5, False, "timeout") for name in ("api-0", "api-1", "worker-0")]
    assert [s.name for s in Audit(history).failed_in_running(scraped(failed=failed))] == ["worker-0"]


@pytest.mark.parametrize("durable", [True, False])
def test_without_jetstream_its_alert_is_expected(durable):
    audit = Audit(history_of([]), durable)
    audit.check_scrapes(scraped(firing=["DcmSpEventsNotKept", "DcmSpDown"]))
    assert [v.id for v in audit.violations] == (["DcmSpEventsNotKept"] if durable else []) + ["DcmSpDown"]
