"""
The auditor: checks that responses, observations and the final state are consistent. Pure.

The operations of an id determine when it must exist, with which uid, and when it must not:
  201                          exists from the response until the next DELETE is sent, despite all faults
  DELETE 204 or 404            absent from the response until the next create is sent; present for less than 1 s: counted
  a create without success     absent 60 s after its last response; a retry by key may still succeed
  a disconnected client        as logged by its api-svc: 201 was written, or the client had disconnected
  a DELETE without a response  unknown; the result of a GET 5 s later remains
  PATCH or :rollback 200       shown from the response until another one is sent, label and Service together
  one without success          shown or not, until one succeeds; completed or undone in the end
  a command 200 or 101         was executed exactly once; with any other response, never twice
  a followed log, a :watch     ends when its client disconnects, its container is deleted, or a process terminates
"""

import collections
import dataclasses

from clients import ANSWER_S, CALM_S, GONE_S
from history import BROKEN, CHANGES, ENDED, LEFT, NO_SERVICE, READS, RESET, TIMEOUT
from watchers import ID_LABEL, NAME_LABEL, UPDATE_LABEL

INF = float("inf")
BRIEF_S = 1
SLACK_S = 2          # of GONE_S: between two observations
KILL_S = 1           # between the kill of an api-svc and the connection reset at its client
START_S = 3          # until a restarted process works again
HEALTH_MAX_S = 1
BROKEN_S = 45        # how long after a fault a stream may detect a lost peer
NATS = {"nats-0", "nats-1", "nats-2"}
SCRAPE_S = 1         # maximum duration of a failed scrape
CALM_HEALTH_S = 6    # without a fault of NATS, Kubernetes and a worker: healthy
ALLOWED = {"create": {201, 409, 422, 503, 504}, "list": {200, 503, 504}, "delete": {204, 404, 503, 504},
           **{kind: {200, 404, 503, 504} for kind in (*CHANGES, *READS)}, "watch": {200, 503, 504},
           "usage": {200, 404, 409, 501, 503, 504}, "logs": {200, 404, 409, 503, 504}, "exec": {101, 404, 409, 503, 504},
           "exec_run": {200, 404, 409, 503, 504}}
UNKEPT = "DcmSpEventsNotKept"
NO_REVISION = "has no revision"  # in the 404 of an existing container


def _owners_of(objects):
    return {owner["uid"] for o in objects for owner in o["metadata"].get("ownerReferences", [])}


def _difference(a, b):
    """The members that differ, as (a's, b's)."""
    if not isinstance(a, dict) or not isinstance(b, dict):
        return a, b
    return {k: _difference(a.get(k), b.get(k)) for k in {*a, *b} if a.get(k) != b.get(k)}


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
    """
    `excused`: allowed irregularities that were observed. `durable`: events survive a restart of NATS. `replicated`:
    the data of a lost NATS server exists on others.
    """

    def __init__(self, history, durable=True, replicated=False):
        self.history, self.durable, self.replicated = history, durable, replicated
        self.violations, self.excused = [], {}
        self.ids = sorted({op.id for op in history.ops if op.id})
        self.expected = {i: self._expect(i) for i in self.ids}

    def violate(self, rule, container_id, at, text):
        if not any(v.rule == rule and v.id == container_id for v in self.violations):
            self.violations.append(Violation(rule, container_id, at, text))

    def excuse(self, why):
        self.excused[why] = self.excused.get(why, 0) + 1

    # ---- consequences of the responses ------------------------------------------------------------------------------

    def _expect(self, container_id):
        line = [Expect("gone", self.history.begin)]
        for op in self.history.of(container_id):
            now = line[-1]
            if not op.reached:
                continue
            if op.kind in CHANGES and op.result == 404 and now.kind == "there" and NO_REVISION not in op.detail:
                self.violate(f"{op.kind} 404 of a live container", op.id, op.answered, op.detail)
            handler = {"create": self._after_create, "delete": self._after_delete, "get": self._after_get}.get(op.kind)
            new = handler(op, now) if handler else None
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
        """The client closed immediately. Only api-svc knows whether a 201 was written before that."""
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
            self.violate("a retry by key got another container", op.id, op.answered, f"{now.uid}, then {op.uid}")
        elif op.result in (409, 422) and same:
            self.violate(f"{op.result} for a retry by key", op.id, op.answered, op.detail)

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

    # ---- observations -----------------------------------------------------------------------------------------------

    def check_sightings(self):
        reads = [op for op in self.history.ops if op.kind in READS and op.result == 404 and NO_REVISION not in op.detail]
        ended = [op for op in self.history.ops if op.kind == "logs" and op.detail == ENDED]
        for container_id in self.ids:
            for e in self.expected[container_id]:
                inside = [s for s in self.history.sightings if s.sent >= e.begin and s.answered <= e.end
                          and (s.source != "GET" or container_id in s.containers)]
                if e.kind == "there":
                    self._check_there(container_id, e, inside)
                    self._check_updates(container_id, e, inside)
                    for op in (*reads, *ended):
                        if op.id == container_id and op.sent >= e.begin and op.answered <= e.end:
                            self.violate(f"{op.kind} 404 of a live container" if op.result == 404 else
                                         "a followed log of a live container has ended", container_id, op.answered, op.detail)
                elif e.kind in ("gone", "going"):
                    self._check_gone(container_id, e, [s for s in inside if container_id in s.containers])

    def _check_there(self, container_id, e, inside):
        refused = {op.work for op in self.history.of(container_id)
                   if op.kind == "create" and isinstance(op.result, int) and op.result >= 400}
        for s in inside:
            found = s.containers.get(container_id)
            if found is None:
                self.violate("lost: missing after a 201 response", container_id, s.answered, f"in {s.source}")
            elif e.uid and found[0] != e.uid and s.source == "Kubernetes" and found[1] in refused:
                self.excuse("an object of a rejected create of the other kind, before it was undone")
            elif e.uid and found[0] != e.uid:
                self.violate("another container than in the response", container_id, s.answered,
                             f"{found[0]} instead of {e.uid} in {s.source}")

    def _updates(self, e):
        return [op for op in self.history.of(e.op.id)
                if op.shows and op.reached and op.result != 404 and e.op.sent <= op.sent <= e.end]

    @staticmethod
    def _may_show(updates, begin, end):
        """The numbers that may be observed between these times."""
        done = [u for u in updates if u.result == 200 and u.answered <= begin]
        last = max(done, key=lambda u: u.sent) if done else None
        return (last.shows if last else {0}).union(*(u.shows for u in updates
                                                     if u.sent <= end and (not last or u.sent > last.sent)))

    def _check_updates(self, container_id, e, inside):
        updates = self._updates(e)
        for s in inside:
            found = s.containers.get(container_id)
            if found is not None and e.uid in ("", found[0]) and found[2] not in self._may_show(updates, s.sent, s.answered):
                self.violate("another version than in the response", container_id, s.answered,
                             f"update {found[2]} in {s.source}: {[(u.number, u.kind, u.result) for u in updates]}")

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
                self.violate("orphan: present 60 s after its create failed", container_id,
                             seen[0].answered, where)
        elif lasted >= BRIEF_S:
            self.violate("present again after its DELETE", container_id, seen[0].answered, where)
        else:
            self.excuse("present again for less than 1 s")

    def _store_was_lost(self, begin, end):
        """Permanently; in a cluster of three, the other servers have a copy."""
        return not self.replicated and any(s.name == "lose store" for s in self.history.struck(NATS, begin, end))

    # ---- responses -------------------------------------------------------------------------------------------------

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
            if op.result in (RESET, TIMEOUT) and not self._stopped(op.api, op.sent - 1, op.answered):
                self.violate("a connection closed without a response", op.id, op.answered, f"{op.result} {op.detail}")
            self._check_stream(op)
        for note in self.history.notes:
            self.violate("a note of a client", note, 0, note)

    def _starved(self, name, begin, end):
        return any(n == name and a <= end and b >= begin for n, a, b in self.history.starved)

    def _stopped(self, name, begin, end):
        return any(s.stops for s in self.history.struck({name}, begin, end))

    def _check_stream(self, op):
        if op.kind == "watch" and op.detail == ENDED and not self._stopped(op.api, op.sent, op.answered):
            self.violate("a :watch has ended", op.id, op.answered, f"op {op.number}")
        if op.detail == BROKEN and not any(s.end >= op.sent - BROKEN_S and s.begin <= op.answered
                                           for s in self.history.strikes):
            self.violate("a stream was aborted without a fault", op.id, op.answered, f"op {op.number} {op.kind}")

    def check_watches(self):
        for name, at, text in self.history.watch_faults:
            if not self._stopped(name, at - ANSWER_S, at):
                self.violate(text, name, at, "")

    def check_commands(self, lines):
        """`lines`: the request ids of executed commands; not used if commands are simulated."""
        for op in self.history.ops:
            times = lines.count(f"op-{op.number}")
            if times > 1:
                self.violate("a command has run twice", op.id, op.answered, f"op {op.number}: {times} times")
            elif op.detail == "ran" and not times:
                self.violate("a command with a response has not run", op.id, op.answered, f"op {op.number}")

    def check_health(self, parts):
        for h in self.history.health:
            if self._stopped(h.api, h.sent - START_S, h.answered) or self._stalled(h.sent, h.answered):
                continue
            if h.answered - h.sent - h.waited_s > HEALTH_MAX_S:
                self.violate("health took longer than 1 s", h.api, h.answered, f"{h.answered - h.sent:.2f} s, "
                             f"{h.waited_s:.2f} s of it without a processor: {h.said}")
            elif h.answered - h.sent > HEALTH_MAX_S:
                self.excuse("health took longer than 1 s without a processor")
            elif h.said not in ("healthy", "unhealthy"):
                self.violate("no response to health", h.api, h.answered, h.said)
            elif h.said == "unhealthy" and self._must_be_healthy(h.api, h.sent, h.answered, parts):
                self.violate("unhealthy without a reason", h.api, h.answered, "")

    def _stalled(self, begin, end):
        return any(a <= end and b >= begin for a, b in self.history.stalls)

    def _must_be_healthy(self, name, sent, answered, parts):
        if sent - CALM_HEALTH_S < self.history.begin or self._disturbed({name, *NATS, *parts}, sent, answered):
            return False
        if any(self._starved(part, sent, answered) for part in parts):
            return False
        return any(not self._disturbed({f"worker-{n}"}, sent, answered) and not self._starved(f"worker-{n}", sent, answered)
                   for n in range(3))

    def _disturbed(self, names, begin, end):
        """Whether there is a fault, or was recently. After a partition, TCP may take as long as its duration to retry."""
        return any(s.victim in names and s.begin <= end and begin <= s.end + CALM_HEALTH_S +
                   (s.end - s.begin if "cut" in s.name else 0) for s in self.history.strikes)

    # ---- metrics ---------------------------------------------------------------------------------------------------

    def check_scrapes(self, scraped):
        """Of a Scraped. Every response received by a client was counted by then, by the same api-svc process."""
        for scrape in scraped.failed:
            if scrape.unreadable:
                self.violate("a malformed scrape", scrape.name, scrape.at, scrape.reason)
        for name in scraped.missing:
            self.violate("its metrics are not scraped again", name, self.history.quiet, "")
        for alert in scraped.firing:
            if alert == UNKEPT and not self.durable:
                self.excuse("the alert about a missing stream: JetStream is not used")
            else:
                self.violate("an alert still fires in the end", alert, self.history.quiet, "")
        answers = collections.Counter((op.api, op.kind, str(op.result)) for op in self.history.ops
                                      if isinstance(op.result, int) and op.sent >= scraped.since.get(op.api, INF))
        for key, number in answers.items():
            if scraped.counted.get(key, 0) < number:
                self.violate("fewer requests are counted than were answered", key[0], self.history.quiet,
                             f"{key[1]} {key[2]}: {number} answers, {scraped.counted.get(key, 0)} counted")

    def failed_in_running(self, scraped):
        """Failed scrapes of processes that were neither stopped nor starved of CPU time."""
        return [s for s in scraped.failed if not self._stopped(s.name, s.at - SCRAPE_S - START_S, s.at)
                and not self._starved(s.name, s.at - SCRAPE_S, s.at)]

    # ---- the end ---------------------------------------------------------------------------------------------------

    def open_ends(self, roots, services, events, statuses):
        """Violations at the end: [(rule, id, text)]; some may only need time."""
        wrong = []
        by_id, owners = {}, {r["metadata"]["uid"] for r in roots}
        for r in roots:
            by_id.setdefault(r["metadata"]["labels"][NAME_LABEL], []).append(r)
        with_service = _owners_of(s for s in services if s["spec"].get("clusterIP") != "None")
        with_headless = _owners_of(s for s in services if s["spec"].get("clusterIP") == "None")
        for container_id in self.ids:
            e, found = self.expected[container_id][-1], by_id.pop(container_id, [])
            wrong += self._end_of(container_id, e, found, with_service)
            for real in {op.real for op in self.history.of(container_id) if op.real}:
                wrong += self._events_of(container_id, [r for r in found if r["metadata"]["labels"][ID_LABEL] == real],
                                         events.get(real), statuses.get(real))
        wrong += [("a container that was not created", i, "") for i in by_id]
        wrong += [("a Service without its root", s["metadata"]["name"], "") for s in services
                  if not any(o["uid"] in owners for o in s["metadata"].get("ownerReferences", []))]
        wrong += [("its headless Service is missing", r["metadata"]["name"], "") for r in roots
                  if r["kind"] == "StatefulSet" and r["metadata"]["uid"] not in with_headless]
        wrong += [("an object is still marked as owed", r["metadata"]["name"], "") for r in roots
                  if r["metadata"].get("annotations", {}).get("dcm.project/owed")]
        wrong += [("a change is still marked as incomplete", r["metadata"]["name"], "") for r in roots
                  if "dcm.project/changing" in r["metadata"].get("annotations", {})]
        return wrong

    @staticmethod
    def watched(listed, shown):
        """`shown`: the state of a :watch at each api-svc, None: none yet; at the end it must equal the LIST."""
        wrong = [("a :watch is missing", name, "") for name, containers in shown.items() if containers is None]
        for name, containers in shown.items():
            wrong += [("a :watch shows another container than LIST", i, f"at {name}: {_difference(listed.get(i), containers.get(i))}")
                      for i in {*listed, *(containers or {})} if containers is not None and listed.get(i) != containers.get(i)]
        return wrong

    def _end_of(self, container_id, e, found, with_service):
        uids = [r["metadata"]["uid"] for r in found]
        if len(found) > 1:
            return [("two containers with one id", container_id, " ".join(uids))]
        if e.kind == "there":
            if not uids or e.uid not in ("", *uids):
                return [("lost: missing after a 201 response", container_id, f"expected {e.uid}: {uids}")]
            return self._version_of(container_id, e, found[0], with_service)
        if e.kind == "gone" and found:
            return [("present again after its DELETE", container_id, f"in the end: {uids}")]
        if e.kind == "going" and found and not self._store_was_lost(e.op.sent, INF):
            return [("orphan: present in the end, its create failed", container_id, f"{uids}")]
        return []

    def _version_of(self, container_id, e, root, with_service):
        updates, labels = self._updates(e), root["metadata"]["labels"]
        number = int(labels.get(UPDATE_LABEL, 0))
        has_service = root["metadata"]["uid"] in with_service
        if number not in self._may_show(updates, INF, INF):
            return [("another version than in the response", container_id, f"in the end: {number}")]
        wants_service = next((u.wants_service for u in updates if u.number == number), e.op.wants_service)
        if wants_service and not has_service:
            return [("its Service is missing", container_id, f"update {number}")]
        if has_service and not wants_service:
            return [("an unwanted Service", container_id, f"update {number}")]
        return []

    def _events_of(self, container_id, found, told, status):
        if not self.durable:
            return []
        if not found and told not in (None, "DELETED") and not self._store_was_lost(self.history.begin, INF):
            return [("DCM got no DELETED", container_id, f"last: {told}")]
        if found and status and told != status:
            return [("DCM has another status", container_id, f"told {told}, is {status}")]
        return []

    def count_unknowable(self, roots):
        there = {r["metadata"]["labels"][NAME_LABEL] for r in roots}
        for container_id in self.ids:
            e = self.expected[container_id][-1]
            if e.kind == "any" and e.op and e.op.result == RESET and container_id in there:
                self.excuse("unknowable: the api-svc was killed between settlement and response")
            if e.kind == "going" and container_id in there and self._store_was_lost(e.op.sent, INF):
                self.excuse("an orphan after the loss of JetStream's store")
