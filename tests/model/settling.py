#!/usr/bin/python3
"""A model of one request across api-svc, NATS, workers and Kubernetes: the rules of common/protocol.h, SETTLING.

Every interleaving of send, lose, stop, resume, write, reply, settle and crash is explored, with up to three attempts (two
where JetStream comes and goes: three are millions of states). A
worker that is stopped is one whose next step comes late, so every order of steps is a stop somewhere. The permission's
time limit is not modelled: a worker may write whenever it once had the permission, which is worse than the truth. Where
JetStream comes and goes, what is made without it carries a mark; by key, there is a record of an earlier request, whose
caller is gone.

  settling.py            explores today's rules: no violation, and how many states there are
  settling.py --v0.1     explores the rules of version 0.1: finds their faults, and prints how each comes about

What must hold (day's end: nothing is left to happen but crashes and what users do):
  FINAL     a container whose client was told 201 is there until a user deletes it
  OVER      a container that a user has deleted, or whose id another create has, is not touched by an attempt of ours
  GONE      at day's end nothing is there that no client was told of
            (excepted: api-svc died between storing "settled" and telling: it cannot be known whether the client heard; and
        a mark by key, which stays settled for a repeat: op_undo.c)
"""

import argparse
import collections
import sys

ATTEMPTS = 3
ATTEMPTS_WITH_OUTAGES = 2

# ---- one attempt ---------------------------------------------------------------------------------------------------
# pc      where the worker is; see create_steps() and delete_steps()
# perm    what the caller said: None, "asked", "yes", "no"
# seq     of the record that this attempt stored; 0: none
# uid     of the Deployment that this attempt made; 0: none
# target  what it is about to delete (a uid), or None
# marks   is its debt the object's mark?
Attempt = collections.namedtuple("Attempt", "pc perm seq uid target marks")
NEW = Attempt("sent", None, 0, 0, None, False)
DONE = Attempt("done", None, 0, 0, None, False)

# ---- the world -----------------------------------------------------------------------------------------------------
# api       "open", "settling", "told", "failed", "dead"
# told      what the client was told: None, "201", "error"; for delete: "204"
# answer    the uid that was settled or told; settle_seq: of the record that is to be replaced
# holder    the attempt that has the permission, 0: none; attempts: a tuple
# object    uid of the Deployment with our name, 0: none; mine: does it carry the request's token?
# record    (state, sequence, uid) of the ledger: state "none", "owed", "settled", "void"
# next_uid, next_seq   counters
# user      what users have done: "": nothing yet, "deleted", "created" (another container of the same id)
# sweep     (a uid that the sweeper has seen, whether it has read the record since), or None
# undo      does api-svc want the request undone? "", "wanted", "marked"
# mark      of the object: "", the number of the attempt that owes it, "settled"
# promised  a worker will settle the mark of `answer`, and api-svc says so
# jetstream is it there? outages: how often it may still go
World = collections.namedtuple(
    "World", "api told answer settle_seq holder attempts object mine record next_uid next_seq user sweep undo "
    "mark promised jetstream outages")


def with_attempt(w, i, attempt, **changes):
    attempts = w.attempts[:i] + (attempt,) + w.attempts[i + 1:]
    return w._replace(attempts=attempts, **changes)


def store(w, state, uid=0):
    """The world with a new record, and its sequence."""
    return w._replace(record=(state, w.next_seq, uid), next_seq=w.next_seq + 1), w.next_seq


def delete(w, uid):
    """A DELETE with a uid precondition."""
    return w._replace(object=0, mine=False, mark="") if w.object == uid and uid else w


def is_of_records(w, rules):
    """Whether a record is about the object. (root_has_record)"""
    return w.mine and (w.mark == "" or not rules.marks)


def canonical(w):
    """The same world with uids and sequences numbered in the order of their appearance: only equality counts."""
    uids, seqs = {0: 0}, {0: 0}

    def uid(value):
        return None if value is None else uids.setdefault(value, len(uids))

    def seq(value):
        return seqs.setdefault(value, len(seqs))

    w = w._replace(object=uid(w.object), answer=uid(w.answer), sweep=w.sweep and (uid(w.sweep[0]), w.sweep[1]), settle_seq=seq(w.settle_seq),
                   record=(w.record[0], seq(w.record[1]), uid(w.record[2])))
    attempts = tuple(a._replace(seq=seq(a.seq), uid=uid(a.uid), target=uid(a.target)) for a in w.attempts)
    return w._replace(attempts=attempts, next_uid=len(uids), next_seq=len(seqs))


# ---- what api-svc does ---------------------------------------------------------------------------------------------

def api_steps(w, rules):
    attempts = min(ATTEMPTS, ATTEMPTS_WITH_OUTAGES) if rules.outages else ATTEMPTS
    if w.api == "open" and len(w.attempts) < attempts and all(a.pc != "sent" for a in w.attempts):
        # No reply in time, or the connection was lost: whoever has the permission loses it.
        yield "api-svc sends another attempt", w._replace(attempts=w.attempts + (NEW,), holder=0)
    if w.api in ("open", "settling") and rules.create:
        yield "api-svc: the deadline; the client is told an error", w._replace(
            api="failed", told="error", undo="" if rules.key else "wanted")
    if w.api == "settling" and not w.settle_seq:
        yield "api-svc has a worker settle the mark", w._replace(api="stored", promised=True)
    elif w.api == "settling" and w.jetstream:
        _, seq, _ = w.record
        if seq == w.settle_seq:
            stored, seq = store(w, "settled", w.answer)
            yield "api-svc stores: settled", stored._replace(api="stored", settle_seq=seq)
        else:
            yield "api-svc: the record is another one; the client is told an error", w._replace(
                api="failed", told="error", undo="" if rules.key else "wanted")
    if w.api == "stored":
        yield "api-svc tells the client", w._replace(api="told", told="201")
        yield "api-svc: the client has disconnected", w._replace(api="failed", undo="wanted")
    if w.api != "dead":
        yield "api-svc dies", w._replace(api="dead", undo="")


def undo_steps(w, rules):
    """The client of a create was not told: a worker does it, and it is asked for until it is done."""
    if w.undo == "wanted" and rules.key:
        if w.jetstream or not w.settle_seq:
            owed = store(w, "owed")[0] if w.settle_seq and w.record[1] == w.settle_seq else w
            yield "undo: what the key has made is owed again", owed._replace(undo="")
    elif w.undo == "wanted":
        marked = store(w, "void")[0] if rules.debts and w.jetstream else w
        yield "undo: the request is void", marked._replace(undo="marked")
    if w.undo == "marked":
        yield "undo: what carries the token is removed", (delete(w, w.object) if w.mine else w)._replace(undo="")


def on_permission(w, i):
    granted = w.api == "open" and w.holder in (0, i + 1)
    return with_attempt(w, i, w.attempts[i]._replace(perm="yes" if granted else "no"),
                        holder=i + 1 if granted else w.holder)


def on_success(w, i, uid):
    """A reply reaches api-svc."""
    a = w.attempts[i]
    if w.api != "open" or w.holder not in (0, i + 1):
        return w
    if a.seq or a.marks:
        return w._replace(api="settling", answer=uid, settle_seq=a.seq)
    return w._replace(api="stored", answer=uid)


def on_error(w, i, rules):
    if w.api != "open" or (rules.permissions and w.holder not in (0, i + 1)):
        return w
    return w._replace(api="failed", told="error",
                      undo="wanted" if len(w.attempts) > 1 and not rules.key else w.undo)


# ---- what a worker does with a create ------------------------------------------------------------------------------

def take_debt(w, i, rules):
    """Permission is there: the record decides how to continue. Without JetStream it is to be a mark."""
    a = w.attempts[i]
    state, seq, uid = w.record
    if a.seq and (seq == a.seq or not w.jetstream):
        return with_attempt(w, i, a._replace(pc="post"))
    if not w.jetstream:
        return with_attempt(w, i, a._replace(pc="post", marks=True))
    if state == "settled" and not (rules.key and uid != w.object):
        return with_attempt(w, i, DONE)
    if state in ("void", "settled") and is_of_records(w, rules):
        return with_attempt(w, i, DONE)  # "pending": api-svc sends another attempt
    stored, seq = store(w, "owed")
    return with_attempt(stored, i, a._replace(pc="post", seq=seq))


def join(w, i, rules):
    """The name is taken by an object of the token: whose debt is it? (join_existing)"""
    a = w.attempts[i]
    if w.mark and rules.marks:
        voided = store(w, "void")[0] if a.seq and w.jetstream and w.record[1] == a.seq else w
        mark = "settled" if w.mark == "settled" else i + 1
        return with_attempt(voided, i, a._replace(pc="made", uid=0, seq=0, marks=mark == i + 1), mark=mark)
    if a.marks and not w.mark and rules.marks:
        return with_attempt(w, i, a._replace(pc="failed", uid=0))  # its record may be hidden
    return with_attempt(w, i, a._replace(pc="made", uid=0))


def after_failure(w, i):
    """What may an attempt remove that has failed, or has come too late? (create_debt_void)"""
    a = w.attempts[i]
    state, seq, uid = w.record
    if a.marks:
        over = w.api in ("stored", "told", "failed") and not (w.promised and w.answer == a.uid)
        permitted = w.api == "open" and w.holder in (0, i + 1)
        return with_attempt(w, i, a._replace(pc="remove", target=a.uid) if a.uid and (permitted or over) else DONE,
                            holder=i + 1 if permitted else w.holder)
    if not w.jetstream:
        return with_attempt(w, i, DONE)
    if seq == a.seq:
        stored, _ = store(w, "void")
        return with_attempt(stored, i, a._replace(pc="remove"))
    if a.uid and (state == "void" or (state == "settled" and uid != a.uid)):
        return with_attempt(w, i, a._replace(pc="remove", target=a.uid))
    return with_attempt(w, i, DONE)


def create_steps(w, i, rules):
    a = w.attempts[i]
    who = f"attempt {i + 1}"
    if a.pc == "sent":
        yield f"{who} is lost", with_attempt(w, i, DONE)
        yield f"{who} reaches a worker", with_attempt(w, i, a._replace(pc="ask" if rules.permissions else "post"))
    elif a.pc == "ask":
        if a.perm is None:
            yield f"{who} asks for permission", with_attempt(w, i, a._replace(perm="asked"))
        elif a.perm == "asked":
            if w.api == "dead":
                yield f"{who} hears nothing", with_attempt(w, i, a._replace(perm="no"))
            else:
                yield f"api-svc decides on {who}", on_permission(w, i)
        if a.perm in ("asked", None) and not a.seq and w.record[0] == "none" and w.jetstream:
            stored, seq = store(w, "owed")
            yield f"{who} stores: owed", with_attempt(stored, i, a._replace(seq=seq))
        if a.perm == "no":
            forget = a.seq and w.record[1] == a.seq and w.jetstream
            forgotten = w._replace(record=("none", 0, 0)) if forget else w
            yield f"{who} ends without permission", with_attempt(forgotten, i, DONE)
        if a.perm == "yes":
            yield f"{who} takes the debt", take_debt(w, i, rules)
    elif a.pc == "post":
        yield f"{who} sends its POST", with_attempt(w, i, a._replace(pc="posting"))
    elif a.pc in ("posting", "posting-dead"):
        alive = a.pc == "posting"
        if w.object == 0:
            made = w.next_uid
            yield f"Kubernetes makes the Deployment of {who}", with_attempt(
                w, i, a._replace(pc="made", uid=made) if alive else DONE, object=made, mine=True, next_uid=made + 1,
                mark=i + 1 if a.marks else "")
        elif alive and w.mine:
            yield f"Kubernetes refuses the name to {who}, and it is of the token", join(w, i, rules)
        else:
            yield f"Kubernetes refuses the name to {who}", with_attempt(
                w, i, a._replace(pc="failed", uid=0) if alive else DONE)
    elif a.pc == "made":
        yield f"{who} replies", with_attempt(on_success(w, i, w.object if not a.uid else a.uid), i, DONE)
        yield f"the Service of {who} is rejected", with_attempt(w, i, a._replace(pc="failed"))
        if rules.permissions:  # its permission is too old by now: it asks again
            yield f"{who} asks again before it replies", (
                with_attempt(w, i, a._replace(pc="failed")) if w.api != "open" or w.holder not in (0, i + 1)
                else with_attempt(w._replace(holder=i + 1), i, a))
    elif a.pc == "failed":
        if rules.debts:
            yield f"{who} looks at what it leaves", with_attempt(w, i, a._replace(
                pc="void", target=w.object if w.mine else 0))
        elif a.uid or (w.mine and i > 0):  # version 0.1: made now, or "made earlier", or asked before
            yield f"{who} rolls back", with_attempt(w, i, a._replace(pc="remove", target=w.object if w.mine else 0))
        else:
            yield f"{who} fails", with_attempt(on_error(w, i, rules), i, DONE)
    elif a.pc == "void":
        yield f"{who} ends its debt", after_failure(w, i)
    elif a.pc == "remove":
        may = w.mark == i + 1 if a.marks else is_of_records(w, rules) or not rules.debts
        yield f"{who} removes what it may", with_attempt(on_error(delete(w, a.target) if may else w, i, rules), i, DONE)
    if a.pc not in ("done", "sent", "posting-dead"):
        dead = a._replace(pc="posting-dead") if a.pc == "posting" else DONE
        yield f"the worker of {who} dies", with_attempt(w, i, dead)


# ---- what a worker does with a delete ------------------------------------------------------------------------------

def delete_steps(w, i, rules):
    a = w.attempts[i]
    who = f"attempt {i + 1}"
    if a.pc == "sent":
        yield f"{who} is lost", with_attempt(w, i, DONE)
        yield f"{who} reaches a worker", with_attempt(w, i, a._replace(pc="look"))
    elif a.pc == "look":
        found = a._replace(target=w.object, pc="ask" if rules.permissions and w.object else "remove")
        yield f"{who} looks the container up", with_attempt(w, i, found)
    elif a.pc == "ask":
        if a.perm is None:
            yield f"{who} asks for permission", with_attempt(w, i, a._replace(perm="asked"))
        elif a.perm == "asked":
            yield f"api-svc decides on {who}", (
                with_attempt(w, i, a._replace(perm="no")) if w.api == "dead" else on_permission(w, i))
        elif a.perm == "no":
            yield f"{who} ends without permission", with_attempt(w, i, DONE)
        else:
            yield f"{who} may delete", with_attempt(w, i, a._replace(pc="remove"))
    elif a.pc == "remove":
        yield f"{who} deletes by uid", with_attempt(delete(w, a.target), i, a._replace(pc="reply"))
    elif a.pc == "reply":
        answered = w._replace(api="told", told="204") if w.api == "open" and w.holder in (0, i + 1) else w
        yield f"{who} replies", with_attempt(answered, i, DONE)
    if a.pc not in ("done", "sent"):
        yield f"the worker of {who} dies", with_attempt(w, i, DONE)


# ---- the sweeper, and users ----------------------------------------------------------------------------------------

def sweeper_steps(w, rules):
    """Of records, while JetStream shows them, and of marks."""
    if rules.debts and w.jetstream:
        yield from record_steps(w, rules)
    if w.mark not in ("", "settled") and w.promised and w.object == w.answer:
        yield "a worker settles the mark", w._replace(mark="settled")
    elif w.mark not in ("", "settled") and w.api not in ("open", "settling"):
        yield "the sweeper removes what is marked", delete(w, w.object)


def record_steps(w, rules):
    state, _, uid = w.record
    # The caller's word: over or gone. (A caller that lives but cannot be heard is "gone" as well: the record decides.)
    if state == "owed" and (w.api not in ("open", "settling") or rules.spurious):
        yield "the sweeper marks the debt void", store(w, "void")[0]
    if w.sweep is None and is_of_records(w, rules) and (state == "void" or (state == "settled" and w.object != uid)):
        yield "the sweeper looks at what carries the token", w._replace(sweep=(w.object, False))
    if w.sweep and not w.sweep[1]:
        goes = state == "void" or (state == "settled" and w.sweep[0] != uid)
        yield "the sweeper reads the record", w._replace(sweep=(w.sweep[0], True) if goes else None)
    if w.sweep and w.sweep[1]:
        may = w.object != w.sweep[0] or is_of_records(w, rules)
        yield "the sweeper deletes by uid", (delete(w, w.sweep[0]) if may else w)._replace(sweep=None)


def jetstream_steps(w):
    if w.jetstream and w.outages:
        yield "JetStream goes", w._replace(jetstream=False, outages=w.outages - 1)
    if not w.jetstream:
        yield "JetStream comes back", w._replace(jetstream=True)


def user_steps(w, rules):
    if rules.create and w.told == "201" and w.user == "" and w.object:
        yield "a user deletes the container", w._replace(object=0, mine=False, mark="", user="deleted")
    if w.object == 0 and ((rules.create and w.user == "deleted") or (not rules.create and w.told == "204" and
                                                                      w.user == "")):
        yield "a user makes another container of the id", w._replace(
            object=w.next_uid, mine=False, next_uid=w.next_uid + 1, user="created")


# ---- what must hold ------------------------------------------------------------------------------------------------

def broken_now(w, rules):
    if rules.create and w.told == "201" and w.user == "" and w.object != w.answer:
        return "FINAL"
    if w.user == "created" and w.object == 0:
        return "OVER"
    return None


def broken_at_the_end(w, rules):
    if not rules.create or not w.mine:
        return None
    if w.user == "deleted":
        return "OVER"
    unknowable = (w.api == "dead" and (w.record[0] == "settled" or w.mark == "settled")) or (
        rules.key and w.mark == "settled")
    return "GONE" if w.told != "201" and not unknowable else None


# ---- exploring -----------------------------------------------------------------------------------------------------

def steps(w, rules):
    """(what, next world, does it have to happen some time?)"""
    for what, after in api_steps(w, rules):
        yield what, after, "dies" not in what and "sends another" not in what and "deadline" not in what
    for i in range(len(w.attempts)):
        for what, after in (create_steps if rules.create else delete_steps)(w, i, rules):
            yield what, after, "dies" not in what
    for what, after in undo_steps(w, rules):
        yield what, after, True
    for what, after in sweeper_steps(w, rules):
        yield what, after, True
    for what, after in jetstream_steps(w):
        yield what, after, "comes back" in what
    for what, after in user_steps(w, rules):
        yield what, after, False


def history(parents, w):
    lines = []
    while parents[w]:
        w, what = parents[w]
        lines.append(what)
    return lines[::-1]


def explore(rules, keep_histories, until=None):
    """(number of worlds, {violation: how the shortest comes about}); not further than the violation `until`"""
    first = World("open", None, 0, 0, 0, (NEW,), 0 if rules.create else 1, False, ("none", 0, 0), 2, 2, "", None, "",
                  "", False, True, rules.outages)
    older = [("none", 0, 0)] + ([("owed", 1, 0), ("settled", 1, 1), ("void", 1, 0)] if rules.key else [])
    parents = {canonical(first._replace(record=record)): None for record in older}
    queue = collections.deque(parents)
    found = {}
    while queue and until not in found:
        w = queue.popleft()
        must_go_on = False
        broken = broken_now(w, rules)
        if not broken:
            for what, after, has_to_happen in steps(w, rules):
                after = canonical(after)
                must_go_on |= has_to_happen and after != w
                if after not in parents:
                    parents[after] = (w, what) if keep_histories else ()
                    queue.append(after)
            # An open call at day's end is one whose deadline comes.
            if not must_go_on and w.api not in ("open", "settling"):
                broken = broken_at_the_end(w, rules)
        if broken and broken not in found:
            found[broken] = history(parents, w) if keep_histories else []
    return len(parents), found


# key      there may be the record of an earlier request by the key
# outages  how often JetStream goes
# marks    a record decides nothing about what has a mark, which is never taken away
Rules = collections.namedtuple("Rules", "create permissions debts spurious key outages marks", defaults=(False, 0, True))
TODAY = {"create": Rules(True, True, True, False), "create, sweeper too early": Rules(True, True, True, True),
         "create, JetStream comes and goes": Rules(True, True, True, False, outages=1),
         "create by key, JetStream comes and goes": Rules(True, True, True, False, key=True, outages=1),
         "delete": Rules(False, True, True, False)}
V01 = {"create": Rules(True, False, False, False), "delete": Rules(False, False, False, False)}


def main():
    global ATTEMPTS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--v0.1", dest="old", action="store_true")
    parser.add_argument("--attempts", type=int, default=ATTEMPTS)
    options = parser.parse_args()
    ATTEMPTS = options.attempts
    violations = 0
    for name, rules in (V01 if options.old else TODAY).items():
        count, found = explore(rules, True)
        print(f"{name}: {count} states, {len(found)} violations")
        for what, lines in found.items():
            violations += 1
            print(f"  {what}:")
            for line in lines:
                print(f"    {line}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
