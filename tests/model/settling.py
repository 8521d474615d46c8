#!/usr/bin/python3
"""A model of one request across api-svc, NATS, workers and Kubernetes: the rules of common/protocol.h, SETTLING.

Every interleaving of send, lose, stop, resume, write, reply, settle and crash is explored, with up to three attempts (two
with outages of JetStream: three are millions of states).
A stopped worker is one whose next step is late, so every order of steps includes a stop. The time limit of the permission
is not modelled: a worker may write if it ever had the permission, which is worse than reality. With outages of JetStream,
objects created without it have a mark; by key, there is a record of an earlier request, whose caller is dead.

  settling.py            explores the current rules: no violation; prints the number of states
  settling.py --v0.1     explores the rules of version 0.1: finds their violations, and prints the steps to each

Invariants (in the end: only crashes and actions of users are still possible):
  FINAL     a container with a 201 response exists until a user deletes it
  OVER      a container deleted by a user, or one of another create with the id, is not changed by an attempt of ours
  GONE      in the end no container exists without a 201 response
            (except if api-svc crashed between storing "settled" and the response: it is unknown whether the client got it;
            and a mark by key, which stays settled for a retry: op_undo.c)
"""

import argparse
import collections
import sys

ATTEMPTS = 3
ATTEMPTS_WITH_OUTAGES = 2

# ---- one attempt ---------------------------------------------------------------------------------------------------
# pc      position of the worker; see create_steps() and delete_steps()
# perm    reply of the caller: None, "asked", "yes", "no"
# seq     of the record stored by this attempt; 0: none
# uid     of the Deployment created by this attempt; 0: none
# target  the uid that it is about to delete, or None
# marks   whether its debt is the mark of the object
Attempt = collections.namedtuple("Attempt", "pc perm seq uid target marks")
NEW = Attempt("sent", None, 0, 0, None, False)
DONE = Attempt("done", None, 0, 0, None, False)

# ---- the world -----------------------------------------------------------------------------------------------------
# api       "open", "settling", "stored", "replied", "failed", "dead"
# response  of the client: None, "201", "error"; for delete: "204"
# answer    the settled or returned uid; settle_seq: of the record to be replaced
# holder    the attempt that has the permission, 0: none; attempts: a tuple
# object    uid of the Deployment with our name, 0: none; mine: whether it has the token of the request
# record    (state, sequence, uid) of the ledger: state "none", "owed", "settled", "void"
# next_uid, next_seq   counters
# user      actions of users: "": none, "deleted", "created" (another container with the same id)
# sweep     (a uid seen by the sweeper, whether it has read the record since), or None
# undo      whether api-svc undoes the request: "", "wanted", "marked"
# mark      of the object: "", the number of the attempt that owes it, "settled"
# promised  a worker will settle the mark of `answer`, and api-svc confirms it
# jetstream whether it is available; outages: number of possible ones
World = collections.namedtuple(
    "World", "api response answer settle_seq holder attempts object mine record next_uid next_seq user sweep undo "
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
    """Whether a record applies to the object. (root_has_record)"""
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


# ---- api-svc -------------------------------------------------------------------------------------------------------

def api_steps(w, rules):
    attempts = min(ATTEMPTS, ATTEMPTS_WITH_OUTAGES) if rules.outages else ATTEMPTS
    if w.api == "open" and len(w.attempts) < attempts and all(a.pc != "sent" for a in w.attempts):
        # No reply in time, or the connection was lost: the permission is revoked.
        yield "api-svc sends another attempt", w._replace(attempts=w.attempts + (NEW,), holder=0)
    if w.api in ("open", "settling") and rules.create:
        yield "api-svc: the deadline; the client gets an error", w._replace(
            api="failed", response="error", undo="" if rules.key else "wanted")
    if w.api == "settling" and not w.settle_seq:
        yield "api-svc has a worker settle the mark", w._replace(api="stored", promised=True)
    elif w.api == "settling" and w.jetstream:
        _, seq, _ = w.record
        if seq == w.settle_seq:
            stored, seq = store(w, "settled", w.answer)
            yield "api-svc stores: settled", stored._replace(api="stored", settle_seq=seq)
        else:
            yield "api-svc: the record is another one; the client gets an error", w._replace(
                api="failed", response="error", undo="" if rules.key else "wanted")
    if w.api == "stored":
        yield "api-svc replies to the client", w._replace(api="replied", response="201")
        yield "api-svc: the client has disconnected", w._replace(api="failed", undo="wanted")
    if w.api != "dead":
        yield "api-svc dies", w._replace(api="dead", undo="")


def undo_steps(w, rules):
    """A create without a 201 response is undone by a worker; the request for it is retried until it succeeds."""
    if w.undo == "wanted" and rules.key:
        if w.jetstream or not w.settle_seq:
            owed = store(w, "owed")[0] if w.settle_seq and w.record[1] == w.settle_seq else w
            yield "undo: the container of the key is owed again", owed._replace(undo="")
    elif w.undo == "wanted":
        marked = store(w, "void")[0] if rules.debts and w.jetstream else w
        yield "undo: the request is void", marked._replace(undo="marked")
    if w.undo == "marked":
        yield "undo: the object with the token is removed", (delete(w, w.object) if w.mine else w)._replace(undo="")


def on_permission(w, i):
    granted = w.api == "open" and w.holder in (0, i + 1)
    return with_attempt(w, i, w.attempts[i]._replace(perm="yes" if granted else "no"),
                        holder=i + 1 if granted else w.holder)


def on_success(w, i, uid):
    """api-svc receives a reply."""
    a = w.attempts[i]
    if w.api != "open" or w.holder not in (0, i + 1):
        return w
    if a.seq or a.marks:
        return w._replace(api="settling", answer=uid, settle_seq=a.seq)
    return w._replace(api="stored", answer=uid)


def on_error(w, i, rules):
    if w.api != "open" or (rules.permissions and w.holder not in (0, i + 1)):
        return w
    return w._replace(api="failed", response="error",
                      undo="wanted" if len(w.attempts) > 1 and not rules.key else w.undo)


# ---- a create in a worker ------------------------------------------------------------------------------------------

def take_debt(w, i, rules):
    """With permission, the record determines how to continue. Without JetStream it will be a mark."""
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
    """The name is used by an object with the token: determine the owner of its debt. (join_existing)"""
    a = w.attempts[i]
    if w.mark and rules.marks:
        voided = store(w, "void")[0] if a.seq and w.jetstream and w.record[1] == a.seq else w
        mark = "settled" if w.mark == "settled" else i + 1
        return with_attempt(voided, i, a._replace(pc="made", uid=0, seq=0, marks=mark == i + 1), mark=mark)
    if a.marks and not w.mark and rules.marks:
        return with_attempt(w, i, a._replace(pc="failed", uid=0))  # its record may be unreadable
    return with_attempt(w, i, a._replace(pc="made", uid=0))


def after_failure(w, i):
    """The objects that a failed or late attempt may remove. (create_debt_void)"""
    a = w.attempts[i]
    state, seq, uid = w.record
    if a.marks:
        over = w.api in ("stored", "replied", "failed") and not (w.promised and w.answer == a.uid)
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
            yield f"{who} requests permission", with_attempt(w, i, a._replace(perm="asked"))
        elif a.perm == "asked":
            if w.api == "dead":
                yield f"{who} gets no reply", with_attempt(w, i, a._replace(perm="no"))
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
            yield f"Kubernetes creates the Deployment of {who}", with_attempt(
                w, i, a._replace(pc="made", uid=made) if alive else DONE, object=made, mine=True, next_uid=made + 1,
                mark=i + 1 if a.marks else "")
        elif alive and w.mine:
            yield f"Kubernetes rejects the name of {who}, which is used with the token", join(w, i, rules)
        else:
            yield f"Kubernetes rejects the name of {who}", with_attempt(
                w, i, a._replace(pc="failed", uid=0) if alive else DONE)
    elif a.pc == "made":
        yield f"{who} replies", with_attempt(on_success(w, i, w.object if not a.uid else a.uid), i, DONE)
        yield f"the Service of {who} is rejected", with_attempt(w, i, a._replace(pc="failed"))
        if rules.permissions:  # its permission has expired: it requests it again
            yield f"{who} requests permission again before it replies", (
                with_attempt(w, i, a._replace(pc="failed")) if w.api != "open" or w.holder not in (0, i + 1)
                else with_attempt(w._replace(holder=i + 1), i, a))
    elif a.pc == "failed":
        if rules.debts:
            yield f"{who} checks the resulting objects", with_attempt(w, i, a._replace(
                pc="void", target=w.object if w.mine else 0))
        elif a.uid or (w.mine and i > 0):  # version 0.1: created now, or earlier
            yield f"{who} rolls back", with_attempt(w, i, a._replace(pc="remove", target=w.object if w.mine else 0))
        else:
            yield f"{who} fails", with_attempt(on_error(w, i, rules), i, DONE)
    elif a.pc == "void":
        yield f"{who} ends its debt", after_failure(w, i)
    elif a.pc == "remove":
        may = w.mark == i + 1 if a.marks else is_of_records(w, rules) or not rules.debts
        yield f"{who} removes its object if allowed", with_attempt(on_error(delete(w, a.target) if may else w, i, rules), i, DONE)
    if a.pc not in ("done", "sent", "posting-dead"):
        dead = a._replace(pc="posting-dead") if a.pc == "posting" else DONE
        yield f"the worker of {who} dies", with_attempt(w, i, dead)


# ---- a delete in a worker ------------------------------------------------------------------------------------------

def delete_steps(w, i, rules):
    a = w.attempts[i]
    who = f"attempt {i + 1}"
    if a.pc == "sent":
        yield f"{who} is lost", with_attempt(w, i, DONE)
        yield f"{who} reaches a worker", with_attempt(w, i, a._replace(pc="look"))
    elif a.pc == "look":
        found = a._replace(target=w.object, pc="ask" if rules.permissions and w.object else "remove")
        yield f"{who} reads the container", with_attempt(w, i, found)
    elif a.pc == "ask":
        if a.perm is None:
            yield f"{who} requests permission", with_attempt(w, i, a._replace(perm="asked"))
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
        answered = w._replace(api="replied", response="204") if w.api == "open" and w.holder in (0, i + 1) else w
        yield f"{who} replies", with_attempt(answered, i, DONE)
    if a.pc not in ("done", "sent"):
        yield f"the worker of {who} dies", with_attempt(w, i, DONE)


# ---- the sweeper, and users ----------------------------------------------------------------------------------------

def sweeper_steps(w, rules):
    """Records, while JetStream is available, and marks."""
    if rules.debts and w.jetstream:
        yield from record_steps(w, rules)
    if w.mark not in ("", "settled") and w.promised and w.object == w.answer:
        yield "a worker settles the mark", w._replace(mark="settled")
    elif w.mark not in ("", "settled") and w.api not in ("open", "settling"):
        yield "the sweeper removes the marked object", delete(w, w.object)


def record_steps(w, rules):
    state, _, uid = w.record
    # The caller has ended the call, or is dead. (An unreachable caller looks dead as well: the record determines the result.)
    if state == "owed" and (w.api not in ("open", "settling") or rules.spurious):
        yield "the sweeper marks the debt void", store(w, "void")[0]
    if w.sweep is None and is_of_records(w, rules) and (state == "void" or (state == "settled" and w.object != uid)):
        yield "the sweeper reads the object with the token", w._replace(sweep=(w.object, False))
    if w.sweep and not w.sweep[1]:
        goes = state == "void" or (state == "settled" and w.sweep[0] != uid)
        yield "the sweeper reads the record", w._replace(sweep=(w.sweep[0], True) if goes else None)
    if w.sweep and w.sweep[1]:
        may = w.object != w.sweep[0] or is_of_records(w, rules)
        yield "the sweeper deletes by uid", (delete(w, w.sweep[0]) if may else w)._replace(sweep=None)


def jetstream_steps(w):
    if w.jetstream and w.outages:
        yield "JetStream goes down", w._replace(jetstream=False, outages=w.outages - 1)
    if not w.jetstream:
        yield "JetStream comes back", w._replace(jetstream=True)


def user_steps(w, rules):
    if rules.create and w.response == "201" and w.user == "" and w.object:
        yield "a user deletes the container", w._replace(object=0, mine=False, mark="", user="deleted")
    if w.object == 0 and ((rules.create and w.user == "deleted") or (not rules.create and w.response == "204" and
                                                                      w.user == "")):
        yield "a user creates another container with the id", w._replace(
            object=w.next_uid, mine=False, next_uid=w.next_uid + 1, user="created")


# ---- invariants ----------------------------------------------------------------------------------------------------

def broken_now(w, rules):
    if rules.create and w.response == "201" and w.user == "" and w.object != w.answer:
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
    return "GONE" if w.response != "201" and not unknowable else None


# ---- exploring -----------------------------------------------------------------------------------------------------

def steps(w, rules):
    """(step, next world, whether it must happen eventually)"""
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
    """(number of worlds, {violation: the shortest steps to it}); stops at the violation `until`"""
    first = World("open", None, 0, 0, 0, (NEW,), 0 if rules.create else 1, False, ("none", 0, 0), 2, 2, "", None, "",
                  "", False, True, rules.outages)
    older = [("none", 0, 0)] + ([("owed", 1, 0), ("settled", 1, 1), ("void", 1, 0)] if rules.key else [])
    parents = {canonical(first._replace(record=record)): None for record in older}
    queue = collections.deque(parents)
    found = {}
    while queue and until not in found:
        w = queue.popleft()
        more_to_do = False
        broken = broken_now(w, rules)
        if not broken:
            for what, after, has_to_happen in steps(w, rules):
                after = canonical(after)
                more_to_do |= has_to_happen and after != w
                if after not in parents:
                    parents[after] = (w, what) if keep_histories else ()
                    queue.append(after)
            # A call still open in the end reaches its deadline.
            if not more_to_do and w.api not in ("open", "settling"):
                broken = broken_at_the_end(w, rules)
        if broken and broken not in found:
            found[broken] = history(parents, w) if keep_histories else []
    return len(parents), found


# key      a record of an earlier request by the key may exist
# outages  number of outages of JetStream
# marks    a mark, which is never removed, takes precedence over a record
Rules = collections.namedtuple("Rules", "create permissions debts spurious key outages marks", defaults=(False, 0, True))
CURRENT = {"create": Rules(True, True, True, False), "create, early sweeper": Rules(True, True, True, True),
         "create, JetStream outages": Rules(True, True, True, False, outages=1),
         "create by key, JetStream outages": Rules(True, True, True, False, key=True, outages=1),
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
    for name, rules in (V01 if options.old else CURRENT).items():
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
