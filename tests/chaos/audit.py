"""
The auditor: what clients were told, what was seen, and what there is in the end must fit together. Pure.

From the operations of an id follows when it must be there, with which uid, and when it must be gone:
  201                          there from the answer until the next DELETE is sent, whatever else happens
  DELETE 204 or 404            gone from the answer until the next create is sent; back for less than 1 s: counted
  a create without success     gone 60 s after its last answer; a repeat by key may still succeed
  a create whose client left   as its api-svc has logged: 201 was written, or the client was found gone
  a DELETE without an answer   not known; what a GET says 5 s later stays so
  PATCH 200                    shown from the answer until another PATCH is sent, label and Service together
  a PATCH without success      shown or not, until one succeeds; finished or undone in the end
"""

import dataclasses

from clients import CALM_S, GONE_S
from history import CHANGES, LEFT, NO_SERVICE, RESET, TIMEOUT
from watchers import ID_LABEL, NAME_LABEL, PATCH_LABEL

INF = float("inf")
BRIEF_S = 1
SLACK_S = 2          # of GONE_S: between two looks
KILL_S = 1           # between the death of an api-svc and the reset that its client sees
START_S = 3          # until a process that was started again does its work
HEALTH_MAX_S = 1
CALM_HEALTH_S = 6    # without a fault of NATS, Kubernetes and a worker: healthy
ALLOWED = {"create": {201, 409, 422, 503, 504}, "get": {200, 404, 503, 504}, "list": {200, 503, 504},
           "delete": {204, 404, 503, 504}, **{kind: {200, 404, 503, 504} for kind in CHANGES}}


@dataclasses.dataclass
class Expect:
    """`kind`: there, gone, going (gone GONE_S later), any."""

    kind: str
    begin: float
    op: object = None
    uid: str = ""
    end: float = INF


@dataclasses.dataclass(frozen=True)
class Violation:
    rule: str
    id: str
    at: float
    text: str


class Audit:
    """`excused`: kinds of things that are allowed, and were seen. `durable`: events do not get lost with NATS."""

    def __init__(self, history, durable=True):
        self.history, self.durable = history, durable
        self.violations, self.excused = [], {}
        self.ids = sorted({op.id for op in history.ops if op.id})
        self.expected = {i: self._expect(i) for i in self.ids}

    def violate(self, rule, container_id, at, text):
        if not any(v.rule == rule and v.id == container_id for v in self.violations):
            self.violations.append(Violation(rule, container_id, at, text))

    def excuse(self, why):
        self.excused[why] = self.excused.get(why, 0) + 1

    # ---- what follows from the answers -----------------------------------------------------------------------------

    def _expect(self, container_id):
        line = [Expect("gone", self.history.begin)]
        for op in self.history.of(container_id):
            now = line[-1]
            if not op.reached:
                continue
            if op.changes:
                if op.result == 404 and now.kind == "there":
                    self.violate(f"{op.kind} 404 of a live container", op.id, op.answered, op.detail)
                continue
            handler = {"create": self._after_create, "delete": self._after_delete, "get": self._after_get}[op.kind]
            new = handler(op, now)
            if new:
                now.end = min(now.end, op.sent)
                line.append(new)
        return line

    def _after_create(self, op, now):
        if now.kind == "there":
            self._judge_again(op, now)
            return None
        if op.result == 201:
            return Expect("there", op.answered, op, op.uid)
        if op.result == LEFT:
            return self._after_leaving(op)
        if op.failed:
            if op.result == RESET and self._was_killed(op):
                return Expect("any", op.answered, op)
            return Expect("going", op.answered + GONE_S + SLACK_S, op)
        if op.result == 409 and now.kind == "gone" and not self._came_back(op):
            self.violate("409 for a free id", op.id, op.answered, op.detail)
        return Expect("any", op.answered, op)

    def _after_leaving(self, op):
        """The client has closed at once. Whether a 201 was written before that, only the api-svc knows."""
        status, present = self.history.delivered.get(f"op-{op.number}", (0, True))
        if status == 201 and present:
            return Expect("there", op.answered + SLACK_S, op)
        if status == 201 or status >= 500:
            return Expect("going", op.answered + GONE_S + SLACK_S, op)
        return Expect("any", op.answered, op)

    def _judge_again(self, op, now):
        same = op.work == now.op.work
        if op.result == 201 and not same:
            self.violate("a second container with one id", op.id, op.answered, f"201 for {now.uid} and {op.uid}")
        elif op.result == 201 and op.uid != now.uid:
            self.violate("a repeat by key got another container", op.id, op.answered, f"{now.uid}, then {op.uid}")
        elif op.result in (409, 422) and same:
            self.violate(f"{op.result} for a repeat by key", op.id, op.answered, op.detail)

    def _was_killed(self, op):
        return any(s.name.startswith("kill") and abs(s.begin - op.answered) < KILL_S
                   for s in self.history.struck({op.api}, op.answered - KILL_S, op.answered + KILL_S))

    def _came_back(self, op):
        seen = [s for s in self.history.sightings if op.id in s.containers and op.sent - BRIEF_S <= s.answered
                and s.sent <= op.answered]
        if seen:
            self.excuse("409 while a late attempt was being taken back")
        return bool(seen)

    def _after_delete(self, op, now):
        if op.result == 404 and now.kind == "there":
            self.violate("DELETE 404 of a live container", op.id, op.answered, op.detail)
        if op.result in (204, 404):
            return Expect("gone", op.answered, op)
        if now.kind == "there":
            return Expect("any", op.answered, now.op)
        if now.kind == "going":
            return Expect("going", now.begin, now.op)
        return Expect("any", op.answered, None if now.kind == "any" else now.op)

    def _after_get(self, op, now):
        if now.kind != "any" or now.op is None or now.op.result != 201 or op.sent < now.begin + CALM_S:
            return None
        if op.result == 200:
            return Expect("there", op.answered, now.op, op.uid)
        return Expect("gone", op.answered, op) if op.result == 404 else None

    # ---- what was seen ---------------------------------------------------------------------------------------------

    def check_sightings(self):
        gets = [op for op in self.history.ops if op.kind == "get" and op.result == 404]
        for container_id in self.ids:
            for e in self.expected[container_id]:
                inside = [s for s in self.history.sightings if s.sent >= e.begin and s.answered <= e.end
                          and (s.source != "GET" or container_id in s.containers)]
                if e.kind == "there":
                    self._check_there(container_id, e, inside)
                    self._check_patches(container_id, e, inside)
                    for op in gets:
                        if op.id == container_id and op.sent >= e.begin and op.answered <= e.end:
                            self.violate("GET 404 of a live container", container_id, op.answered, "")
                elif e.kind in ("gone", "going"):
                    self._check_gone(container_id, e, [s for s in inside if container_id in s.containers])

    def _check_there(self, container_id, e, inside):
        for s in inside:
            found = s.containers.get(container_id)
            if found is None:
                self.violate("lost: it was answered 201, and is missing", container_id, s.answered, f"in {s.source}")
            elif e.uid and found[0] != e.uid:
                self.violate("another one than the one answered", container_id, s.answered,
                             f"{found[0]} instead of {e.uid} in {s.source}")

    def _patches(self, e):
        return [op for op in self.history.of(e.op.id) if op.kind == "patch" and op.reached and e.op.sent <= op.sent <= e.end]

    @staticmethod
    def _may_show(patches, begin, end):
        """The numbers that may be seen by one who looks between these times."""
        done = [p for p in patches if p.result == 200 and p.answered <= begin]
        last = max(done, key=lambda p: p.sent) if done else None
        return {last.number if last else 0} | {p.number for p in patches if p.sent <= end and (not last or p.sent > last.sent)}

    def _check_patches(self, container_id, e, inside):
        patches = self._patches(e)
        for s in inside:
            found = s.containers.get(container_id)
            if found is not None and e.uid in ("", found[0]) and found[2] not in self._may_show(patches, s.sent, s.answered):
                self.violate("another version than the one answered", container_id, s.answered,
                             f"patch {found[2]} in {s.source}: {[(p.number, p.result) for p in patches]}")

    def _check_gone(self, container_id, e, seen):
        if not seen:
            return
        uids = {s.containers[container_id][0] for s in seen}
        lasted = max(s.sent for s in seen) - min(s.answered for s in seen)
        where = f"{len(seen)} times for {max(0, lasted):.1f} s: {' '.join(sorted(uids))}"
        if e.kind == "going":
            if self._store_was_lost(e.op.sent, seen[0].answered):
                self.excuse("an orphan after the loss of JetStream's store")
            else:
                self.violate("orphan: its create has failed, and it is there after 60 s", container_id,
                             seen[0].answered, where)
        elif lasted >= BRIEF_S:
            self.violate("it came back after its DELETE", container_id, seen[0].answered, where)
        else:
            self.excuse("a come-back of less than 1 s")

    def _store_was_lost(self, begin, end):
        return any(s.name == "lose store" for s in self.history.struck({"nats"}, begin, end))

    # ---- answers ---------------------------------------------------------------------------------------------------

    def check_answers(self):
        for op in self.history.ops:
            if isinstance(op.result, int) and op.result not in ALLOWED[op.kind]:
                self.violate(f"{op.result} for a {op.kind}", op.id, op.answered, op.detail)
            if op.detail == NO_SERVICE and self._store_was_lost(op.sent - GONE_S, op.answered):
                self.excuse("201 for a half-made container after the loss of JetStream's store; repair completes it")
            elif op.detail == NO_SERVICE:
                self.violate(NO_SERVICE, op.id, op.answered, f"op {op.number}")
            if op.detail.startswith("NO PROBLEM DOCUMENT"):
                self.violate("an error without a proper problem document", op.id, op.answered, op.detail)
            if op.result in (RESET, TIMEOUT) and not self.history.struck({op.api}, op.sent - 1, op.answered):
                self.violate("a connection that ends without an answer", op.id, op.answered, f"{op.result} {op.detail}")
        for note in self.history.notes:
            self.violate("a note of a client", note, 0, note)

    def check_health(self, parts):
        for name, sent, answered, said in self.history.health:
            if self.history.struck({name}, sent - START_S, answered) or self._stalled(sent, answered):
                continue
            if answered - sent > HEALTH_MAX_S:
                self.violate("health took longer than 1 s", name, answered, f"{answered - sent:.2f} s: {said}")
            elif said not in ("healthy", "unhealthy"):
                self.violate("health without an answer", name, answered, said)
            elif said == "unhealthy" and self._must_be_healthy(sent, answered, parts):
                self.violate("unhealthy without a reason", name, answered, "")

    def _stalled(self, begin, end):
        return any(a <= end and b >= begin for a, b in self.history.stalls)

    def _must_be_healthy(self, sent, answered, parts):
        begin = sent - CALM_HEALTH_S
        if begin < self.history.begin or self.history.struck({"nats", *parts}, begin, answered):
            return False
        return any(not self.history.struck({f"worker-{n}"}, begin, answered) for n in range(3))

    # ---- the end ---------------------------------------------------------------------------------------------------

    def open_ends(self, deployments, services, events, statuses):
        """What does not fit in the end: [(rule, id, text)]; some of it may only need time."""
        wrong = []
        by_id, owners = {}, {d["metadata"]["uid"] for d in deployments}
        for d in deployments:
            by_id.setdefault(d["metadata"]["labels"][NAME_LABEL], []).append(d)
        with_service = {o["uid"] for s in services for o in s["metadata"].get("ownerReferences", [])}
        for container_id in self.ids:
            e, found = self.expected[container_id][-1], by_id.pop(container_id, [])
            wrong += self._end_of(container_id, e, found, with_service)
            for real in {op.real for op in self.history.of(container_id) if op.real}:
                wrong += self._events_of(container_id, [d for d in found if d["metadata"]["labels"][ID_LABEL] == real],
                                         events.get(real), statuses.get(real))
        wrong += [("a container that was not created", i, "") for i in by_id]
        wrong += [("a Service without its Deployment", s["metadata"]["name"], "") for s in services
                  if not any(o["uid"] in owners for o in s["metadata"].get("ownerReferences", []))]
        wrong += [("an object is still marked as owed", d["metadata"]["name"], "") for d in deployments
                  if "dcm.project/owed" in d["metadata"].get("annotations", {})]
        wrong += [("a change is still marked as incomplete", d["metadata"]["name"], "") for d in deployments
                  if "dcm.project/changing" in d["metadata"].get("annotations", {})]
        return wrong

    def _end_of(self, container_id, e, found, with_service):
        uids = [d["metadata"]["uid"] for d in found]
        if len(found) > 1:
            return [("two containers with one id", container_id, " ".join(uids))]
        if e.kind == "there":
            if not uids or e.uid not in ("", *uids):
                return [("lost: it was answered 201, and is missing", container_id, f"expected {e.uid}: {uids}")]
            return self._version_of(container_id, e, found[0], with_service)
        if e.kind == "gone" and found:
            return [("it came back after its DELETE", container_id, f"in the end: {uids}")]
        if e.kind == "going" and found and not self._store_was_lost(e.op.sent, INF):
            return [("orphan: its create has failed, and it is there in the end", container_id, f"{uids}")]
        return []

    def _version_of(self, container_id, e, deployment, with_service):
        patches, labels = self._patches(e), deployment["metadata"]["labels"]
        number = int(labels.get(PATCH_LABEL, 0))
        has_service = deployment["metadata"]["uid"] in with_service
        if number not in self._may_show(patches, INF, INF):
            return [("another version than the one answered", container_id, f"in the end: {number}")]
        wants_service = next((p.wants_service for p in patches if p.number == number), e.op.wants_service)
        if wants_service and not has_service:
            return [("its Service is missing", container_id, f"patch {number}")]
        if has_service and not wants_service:
            return [("a Service that it does not want", container_id, f"patch {number}")]
        return []

    def _events_of(self, container_id, found, told, status):
        if not self.durable:
            return []
        if not found and told not in (None, "DELETED") and not self._store_was_lost(self.history.begin, INF):
            return [("DCM was told no DELETED", container_id, f"last: {told}")]
        if found and status and told != status:
            return [("DCM knows another status", container_id, f"told {told}, is {status}")]
        return []

    def count_unknowable(self, deployments):
        there = {d["metadata"]["labels"][NAME_LABEL] for d in deployments}
        for container_id in self.ids:
            e = self.expected[container_id][-1]
            if e.kind == "any" and e.op and e.op.result == RESET and container_id in there:
                self.excuse("unknowable: the api-svc was killed between settling and telling")
            if e.kind == "going" and container_id in there and self._store_was_lost(e.op.sent, INF):
                self.excuse("an orphan after the loss of JetStream's store")
