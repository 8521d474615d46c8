"""The auditor finds what it has to find: small histories, and the rules that they break."""

import pytest

from audit import Audit
from history import LEFT, RESET, UNREACHABLE, History, Op, Sighting, Strike

CREATE, DELETE, GET, PATCH, SCALE = "create", "delete", "get", "patch", "scale"


def history_of(ops, sightings=(), strikes=()):
    """ops: (kind, sent, answered, result, uid, work, key); sightings: (at, uid, patch)."""
    history = History(0)
    for n, (kind, sent, answered, result, *more) in enumerate(ops, 1):
        uid, work, key = [*more, "", None, ""][:3] if len(more) < 3 else more
        history.ops.append(Op(n, kind, "x", "api-0", sent, key=key, work=work, answered=answered, result=result,
                              uid=uid))
    history.sightings = [Sighting("Kubernetes", at, at + 0.01, {"x": (uid, 1, patch[0] if patch else 0)} if uid else {})
                         for at, uid, *patch in sightings]
    history.strikes = [Strike(name, victim, at, at + 1) for name, victim, at in strikes]
    return history


MADE = (CREATE, 1, 2, 201, "u", 1)
VERSION = "another version than the one answered"
HISTORIES = {
    "all is well": ([MADE, (DELETE, 5, 6, 204)], [(0.5, ""), (3, "u"), (7, "")], [], []),
    "missing after 201": ([MADE], [(3, "u"), (4, "")], [], ["lost: it was answered 201, and is missing"]),
    "another uid": ([MADE], [(3, "v")], [], ["another one than the one answered"]),
    "a GET that finds nothing": ([MADE, (GET, 3, 4, 404)], [], [], ["GET 404 of a live container"]),
    "a DELETE that finds nothing": ([MADE, (DELETE, 3, 4, 404)], [], [], ["DELETE 404 of a live container"]),
    "a DELETE that is repeated": ([MADE, (DELETE, 3, 4, 503), (DELETE, 5, 6, 404)], [], [], []),
    "back for long": ([MADE, (DELETE, 3, 4, 204)], [(5, "v"), (6.5, "v")], [], ["it came back after its DELETE"]),
    "back for a moment": ([MADE, (DELETE, 3, 4, 204)], [(5, "v"), (5.5, "v")], [], []),
    "an orphan": ([(CREATE, 1, 2, 503, "", 1)], [(30, "u"), (65, "u")], [],
                  ["orphan: its create has failed, and it is there after 60 s"]),
    "no orphan yet": ([(CREATE, 1, 2, 503, "", 1)], [(30, "u"), (61, "u"), (65, "")], [], []),
    "a repeat that succeeds": ([(CREATE, 1, 2, 503, "", 1, "k"), (CREATE, 3, 4, 201, "u", 1, "k")],
                               [(70, "u")], [], []),
    "never sent": ([(CREATE, 1, 2, UNREACHABLE, "", 1)], [], [], []),
    "reset by nobody": ([(CREATE, 1, 2, RESET, "", 1)], [], [], ["a connection that ends without an answer"]),
    "reset by a kill": ([(CREATE, 1, 2, RESET, "", 1)], [(70, "u")], [("kill", "api-0", 1.8)], []),
    "the store is lost": ([(CREATE, 1, 2, 503, "", 1)], [(70, "u")], [("lose store", "nats", 3)], []),
    "a second one": ([MADE, (CREATE, 3, 4, 201, "v", 2)], [], [], ["a second container with one id"]),
    "a repeat gets another": ([MADE, (CREATE, 3, 4, 201, "v", 1)], [], [],
                              ["a repeat by key got another container"]),
    "a repeat by key is refused": ([MADE, (CREATE, 3, 4, 422, "", 1)], [], [], ["422 for a repeat by key"]),
    "a free id is taken": ([(CREATE, 1, 2, 409, "", 1)], [], [], ["409 for a free id"]),
    "a DELETE that fails, calm": ([MADE, (DELETE, 3, 4, 503), (GET, 10, 11, 200, "u")], [(12, "")], [],
                                  ["lost: it was answered 201, and is missing"]),
    "a patch": ([MADE, (PATCH, 3, 4, 200), (PATCH, 6, 7, 200)], [(2.5, "u"), (3.5, "u", 2), (5, "u", 2), (8, "u", 3)], [], []),
    "a patch that is not there": ([MADE, (PATCH, 3, 4, 200)], [(5, "u")], [], [VERSION]),
    "a patch that comes back": ([MADE, (PATCH, 3, 4, 503), (PATCH, 6, 7, 200)], [(8, "u", 3), (9, "u", 2)], [], [VERSION]),
    "a patch before a DELETE that fails": ([MADE, (PATCH, 3, 4, 200), (DELETE, 5, 6, 503), (GET, 12, 13, 200, "u")],
                                           [(14, "u", 2)], [], []),
    "a patch that fails": ([MADE, (PATCH, 3, 4, 503)], [(5, "u"), (6, "u", 2), (7, "u")], [], []),
    "a patch that nobody has sent": ([MADE], [(5, "u", 9)], [], [VERSION]),
    "a patch that finds nothing": ([MADE, (PATCH, 3, 4, 404)], [], [], ["patch 404 of a live container"]),
    "a scale that is refused": ([MADE, (SCALE, 3, 4, 400)], [], [], ["400 for a scale"]),
    "left before the answer": ([(CREATE, 1, 2, LEFT, "", 1)], [(70, "u")], [], []),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_rules(name):
    ops, sightings, strikes, rules = HISTORIES[name]
    audit = Audit(history_of(ops, sightings, strikes))
    audit.check_sightings()
    audit.check_answers()
    assert [v.rule for v in audit.violations] == rules
