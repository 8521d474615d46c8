"""Realistic clients: each creates, reads, changes and deletes its own containers, and reuses their ids."""

import concurrent.futures
import http.client
import json
import random
import socket
import threading
import time
import urllib.parse

from api import BASE, spec
from exec_client import Exec
from history import BROKEN, ENDED, LEFT, NO_SERVICE, RESET, STREAMS, TIMEOUT, UNREACHABLE, Op, Sighting
from stage import SECRET

ANSWER_S = 45     # longer than any deadline: taken for a hang
GONE_S = 60       # by then the objects of an unanswered create are removed
CALM_S = 5        # after a failed DELETE: no later changes
SLOTS = 6         # containers of a client
KEY_REPEATS = 6
STREAM_S = (0.5, 4)  # how long a client reads a stream
EXIT_CODE = 3
PORTS = [(8080, "internal"), (9090, "none")]
MERGE_PATCH = "application/merge-patch+json"
METHODS = {"scale": lambda rng: {"replicas": rng.randrange(4)}, "stop": None, "start": None, "restart": None}
LISTS = {"revisions": "revisions", "events": "events"}  # operation: member


class Slot:
    """
    A container that a client uses. `name` is its label chaos-name; `id` is the same, or "" until the service has
    generated one. `state`: free; there; doubt: a DELETE has failed; ending: a create has failed, and its possible result
    is deleted. `shown`: the numbers of updates that it may have shown.
    """

    def __init__(self, name, generated):
        self.name, self.generated, self.id = name, generated, "" if generated else name
        self.state, self.since = "free", 0.0
        self.key, self.body, self.work, self.uid, self.service, self.shown = "", None, 0, "", False, {0}


class Session(Exec):
    """Of a command, at an Api."""

    @staticmethod
    def connect(api, timeout):
        return socket.create_connection((api.host, api.port), timeout=timeout)


class Client:
    """One thread."""

    def __init__(self, number, seed, stage, history, think_s):
        self.name, self.random = f"c{number}", random.Random(f"{seed}-client-{number}")
        self.stage, self.history, self.think_s = stage, history, think_s
        self.stopping, self.failed = threading.Event(), None
        self.count = 0
        self.resting = []  # slots whose create has failed
        self.slots = [self._new_slot() for _ in range(SLOTS)]
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.stopping.set()

    def _new_slot(self):
        self.count += 1
        return Slot(f"{self.name}-{self.count}", self.random.random() < 0.2)

    def _run(self):
        try:
            while not self.stopping.is_set():
                slot = self.random.choice(self.slots)
                getattr(self, "_on_" + slot.state)(slot)
                self.stopping.wait(self.random.uniform(0.2, 1.8) * self.think_s)
        except BaseException as error:
            self.failed = error
            raise

    # ---- operations on an id -----------------------------------------------------------------------------------------

    def _on_free(self, slot):
        slot.id = "" if slot.generated else slot.name
        slot.work = self.history.number()
        slot.key = f"key-{slot.work}" if self.random.random() < 0.4 else ""
        slot.service, slot.shown = self.random.random() < 0.4, {0}
        slot.body = spec(ports=PORTS if slot.service else (), process={"env": [{"name": "A", "value": SECRET}]},
                         **self._any_kind())
        slot.body["metadata"]["labels"] = {"chaos-work": str(slot.work), "chaos-name": slot.name}
        if not slot.key and self.random.random() < 0.1:
            self._create(slot, patience_s=self.random.choice([0, 0.01, 0.05, 0.1, 1]))
            self._rest(slot)
            return
        op = self._create_twice(slot) if slot.key and self.random.random() < 0.2 else self._create(slot)
        for _ in range(KEY_REPEATS if slot.key else 0):
            if not op.failed:
                break
            self.stopping.wait(self.random.uniform(0.1, 2))
            op = self._create(slot)
        if op.result == 201:
            slot.state, slot.uid, slot.since, slot.id = "there", op.uid, op.answered, op.real
        elif op.result != UNREACHABLE:
            self._give_up(slot, op)

    def _any_kind(self):
        return {"provider_hints": {"kubernetes": {"kind": "StatefulSet"}}} if self.random.random() < 0.4 else {}

    def _give_up(self, slot, op):
        """The outcome of the create is unknown: its id is not used for a while."""
        if slot.id and self.random.random() < 0.2:
            slot.state = "ending"
            self._delete(slot)
            return
        slot.since = op.answered
        if isinstance(op.result, int):
            self.resting.append(slot)
        self._rest(slot)

    def _rest(self, slot):
        self.slots.remove(slot)
        if self.resting and time.monotonic() > self.resting[0].since + GONE_S + CALM_S:
            self.slots.append(self.resting.pop(0))
        else:
            self.slots.append(self._new_slot())

    def _on_there(self, slot):
        calls, weights = zip(*ON_THERE)
        self.random.choices(calls, weights)[0](self, slot)

    def _create_twice(self, slot):
        """The same create concurrently on another connection; returns the better response."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ops = list(pool.map(lambda _: self._create(slot), range(2)))
        return min(ops, key=lambda op: (op.result != 201, op.result == UNREACHABLE, op.answered))

    def _create_again(self, slot):
        """By key: the same one, or 422 for another id; without: 409. Nothing changes in any case."""
        if slot.key and self.random.random() < 0.5:
            self._create(slot)
            return
        other = Slot(f"{slot.name}-other" if slot.key else slot.name, False)
        other.id = other.name if slot.key else slot.id
        other.work, other.key = self.history.number(), slot.key
        other.body = spec(**self._any_kind())
        other.body["metadata"]["labels"] = {"chaos-work": str(other.work), "chaos-name": other.name}
        op = self._create(other)
        if slot.key and op.result == 201:
            self.history.notes.append(f"op {op.number}: one key, two containers: {slot.name} and {other.name}")

    def _on_ending(self, slot):
        self._delete(slot)

    def _on_doubt(self, slot):
        if self.random.random() < 0.5:
            self._delete(slot)
            return
        op = self._get(slot)
        if op.sent > slot.since + CALM_S and op.result in (200, 404):
            slot.state = "there" if op.result == 200 else "free"

    # ---- calls -----------------------------------------------------------------------------------------------------

    def _call(self, op, method, path, body=None, patience_s=None, content_type="application/json", stay_s=None):
        """JSON or text of the response; None: none. stay_s: of a stream, closed after this time."""
        api = self.stage.apis[op.api]
        headers = {"X-Request-Id": f"op-{op.number}", **({"Idempotency-Key": op.key} if op.key else {}),
                   **({"Content-Type": content_type} if body else {})}
        connection = http.client.HTTPConnection(api.host, api.port, timeout=ANSWER_S)
        answer = None
        try:
            try:
                connection.connect()
            except OSError:
                op.result = UNREACHABLE
                return None
            op.sent, sock = time.monotonic(), connection.sock
            connection.request(method, path, json.dumps(body) if body else None, headers)
            if patience_s is not None:
                self.stopping.wait(patience_s)
                op.result = LEFT
                return None
            response = connection.getresponse()
            if stay_s is not None and response.status == 200:
                op.result = 200
                op.detail, answer = stay(sock, response, stay_s)
                return answer
            answer = read_answer(response)
            op.result = response.status
            if op.result >= 400:
                op.detail = problem_fault(response, answer) or answer.get("detail", "")
        except TimeoutError:
            op.result = TIMEOUT
        except http.client.IncompleteRead as error:
            op.result, op.detail = (200, BROKEN) if op.kind in STREAMS else (RESET, repr(error))
        except (OSError, http.client.HTTPException) as error:
            op.result, op.detail = RESET, repr(error)
        except ValueError as error:
            self.history.notes.append(f"op {op.number} {op.id}: broken JSON in an answer: {error}")
        finally:
            op.answered = time.monotonic()
            connection.close()
            self.history.ops.append(op)
        return answer

    def _op(self, kind, container_id, **more):
        return Op(self.history.number(), kind, container_id, self.random.choice(list(self.stage.apis)),
                  time.monotonic(), **more)

    def _create(self, slot, patience_s=None):
        op = self._op("create", slot.name, key=slot.key, work=slot.work, wants_service=slot.service)
        query = "?" + urllib.parse.urlencode({"id": slot.id}) if slot.id else ""
        answer = self._call(op, "POST", BASE + query, {"spec": slot.body}, patience_s)
        if op.result == 201:
            op.uid, op.real = answer["uid"], answer["id"]
            op.detail = NO_SERVICE if slot.service and slot.shown == {0} and "service" not in answer else ""
        return op

    def _get(self, slot):
        op = self._op("get", slot.name)
        answer = self._call(op, "GET", f"{BASE}/{slot.id}")
        if op.result == 200:
            op.uid = answer["uid"]
            work = int(answer["spec"]["metadata"]["labels"]["chaos-work"])
            self.history.sightings.append(Sighting("GET", op.sent, op.answered,
                                                   {slot.name: (op.uid, work, update_of(answer["spec"]))}))
        return op

    def _list(self, _):
        op = self._op("list", "")
        answer = self._call(op, "GET", f"{BASE}?max_page_size=1000")
        if op.result == 200:
            self.history.sightings.append(Sighting(f"LIST op {op.number}", op.sent, op.answered, {
                labels["chaos-name"]: (c["uid"], int(labels["chaos-work"]), update_of(c["spec"]))
                for c in answer["containers"] for labels in [c["spec"]["metadata"]["labels"]]}))

    def _update(self, slot):
        """A label, and with an odd number no Service: both, or neither."""
        op = self._op("update", slot.name)
        op.wants_service, op.shows = op.number % 2 == 0, frozenset({op.number})
        slot.shown = slot.shown | op.shows
        network = {"ports": [{"container_port": p, "visibility": v} for p, v in PORTS]} if op.wants_service else None
        self._call(op, "PATCH", f"{BASE}/{slot.id}", {"spec": {
            "metadata": {"labels": {"chaos-patch": str(op.number)}}, "network": network}}, content_type=MERGE_PATCH)

    def _method(self, slot):
        verb = self.random.choice(list(METHODS))
        op = self._op(verb, slot.name, key=f"{verb}-{self.history.number()}" if self.random.random() < 0.5 else "")
        self._call(op, "POST", f"{BASE}/{slot.id}:{verb}", METHODS[verb](self.random) if METHODS[verb] else None)

    def _rollback(self, slot):
        """To the previous revision, or a number; the response has the result."""
        op = self._op("rollback", slot.name, shows=frozenset(slot.shown))
        answer = self._call(op, "POST", f"{BASE}/{slot.id}:rollback", self.random.choice([None, {"revision": 1}]))
        if op.result == 200:
            op.shows = frozenset({update_of(answer["spec"])})
            self._must_be_known(op, slot, answer["spec"])

    def _read_list(self, slot):
        kind = self.random.choice(list(LISTS))
        op = self._op(kind, slot.name)
        answer = self._call(op, "GET", f"{BASE}/{slot.id}/{kind}")
        if op.result == 200 and not isinstance(answer.get(LISTS[kind]), list):
            self.history.notes.append(f"op {op.number} {slot.name}: no list: {answer}")
        elif op.result == 200 and kind == "revisions":
            if sum(r["current"] for r in answer["revisions"]) > 1:  # none: the controller has not seen the newest spec yet
                self.history.notes.append(f"op {op.number} {slot.name}: more than one current revision: {answer}")
            for revision in answer["revisions"]:
                self._must_be_known(op, slot, revision["spec"])

    def _revision(self, slot):
        op = self._op("revision", slot.name)
        answer = self._call(op, "GET", f"{BASE}/{slot.id}/revisions/1")
        if op.result == 200:
            self._must_be_known(op, slot, answer["spec"])

    def _must_be_known(self, op, slot, shown):
        """An earlier spec is of this container, with an update that was sent."""
        labels = shown["metadata"]["labels"]
        if labels.get("chaos-work") != str(slot.work) or update_of(shown) not in slot.shown:
            self.history.notes.append(f"op {op.number} {slot.name}: a {op.kind} of another container, or never sent: "
                                      f"{labels}, work {slot.work}, {sorted(slot.shown)}")

    def _usage(self, slot):
        self._call(self._op("usage", slot.name), "GET", f"{BASE}/{slot.id}/usage")

    def _logs(self, slot):
        self._call(self._op("logs", slot.name), "GET", f"{BASE}/{slot.id}/logs?tail_lines=5")

    def _follow(self, slot):
        self._call(self._op("logs", slot.name), "GET", f"{BASE}/{slot.id}/logs?follow=true",
                   stay_s=self.random.uniform(*STREAM_S))

    def _watch(self, _):
        self._call(self._op("watch", ""), "GET", f"{BASE}:watch", stay_s=self.random.uniform(*STREAM_S))

    def _command(self, op):
        """It records its run, prints its number, and exits with EXIT_CODE; kubesim runs nothing, and prints the command."""
        return ["sh", "-c", f"echo op-{op.number} >>{self.stage.ran_path}; echo op-{op.number}; exit {EXIT_CODE}"]

    def _exec_run(self, slot):
        op = self._op("exec_run", slot.name)
        answer = self._call(op, "POST", f"{BASE}/{slot.id}:exec", {"command": self._command(op), "timeout": "10s"})
        if op.result == 200:
            self._check_command(op, answer["stdout"] + answer["stderr"], answer["exit_code"])

    def _exec(self, slot):
        op = self._op("exec", slot.name)
        session = None
        try:
            session = Session(self.stage.apis[op.api], slot.id, self._command(op), {"X-Request-Id": f"op-{op.number}"},
                           timeout=ANSWER_S)
            op.result = session.status
            if op.result == 101:
                self._read_session(op, session)
            else:
                op.detail = fault_of(session.problem, op.result, session.headers) or session.problem["detail"]
        except ConnectionRefusedError:
            op.result = UNREACHABLE
        except TimeoutError:
            op.result = TIMEOUT
        except (OSError, AssertionError) as error:
            op.result, op.detail = RESET, repr(error)
        finally:
            op.answered = time.monotonic()
            if session:
                session.close()
            self.history.ops.append(op)

    def _read_session(self, op, session):
        """Without its final status the outcome of a command is unknown."""
        try:
            stdout, stderr, status, _ = session.result()
        except (OSError, TypeError):  # also in the middle of a frame
            status = None
        if status is None:
            op.detail = BROKEN
            return
        code = int(status["details"]["causes"][0]["message"]) if status.get("reason") == "NonZeroExitCode" else 0
        if status["status"] == "Success" or status.get("reason") == "NonZeroExitCode":
            self._check_command(op, (stdout + stderr).decode(), code)
        else:
            op.detail = BROKEN

    def _check_command(self, op, said, code):
        op.detail = "ran"
        if f"op-{op.number}" not in said or code != (EXIT_CODE if self.stage.runs_commands else 0):
            self.history.notes.append(f"op {op.number} {op.id}: another command than the one sent: {code} {said!r}")

    def _delete(self, slot):
        op = self._op("delete", slot.name, key=f"delete-{self.history.number()}" if self.random.random() < 0.3 else "")
        self._call(op, "DELETE", f"{BASE}/{slot.id}")
        if op.result in (204, 404):
            slot.state = "free"
        elif op.reached and slot.state != "ending":
            slot.state, slot.since = "doubt", op.answered
        return op


# Operations on an existing container, with their frequency.
ON_THERE = [
    (Client._get, 30), (Client._list, 8), (Client._create_again, 8), (Client._update, 14), (Client._method, 6),
    (Client._rollback, 4), (Client._read_list, 4), (Client._revision, 2), (Client._usage, 2), (Client._logs, 3),
    (Client._follow, 1), (Client._watch, 1), (Client._exec_run, 2), (Client._exec, 2), (Client._delete, 20),
]


def update_of(shown):
    """The number of the update in a spec; 0: none."""
    return int(shown["metadata"]["labels"].get("chaos-patch", 0))


def read_answer(response):
    text = response.read().decode()
    is_json = "json" in response.headers.get("Content-Type", "")
    return json.loads(text) if is_json else {} if not text else text


def stay(sock, response, seconds):
    """Read a stream for this time. (how it ended: "", ENDED or BROKEN; its bytes)"""
    left = threading.Event()

    def leave():
        left.set()
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
    timer = threading.Timer(seconds, leave)
    timer.start()
    try:
        text, how = response.read(), ENDED
    except (OSError, http.client.HTTPException) as error:
        text, how = getattr(error, "partial", b""), BROKEN
    timer.cancel()
    return "" if left.is_set() else how, text


def problem_fault(response, answer):
    """The error in a problem document; "": none."""
    return fault_of(answer, response.status, {k.lower(): v for k, v in response.getheaders()})


def fault_of(answer, status, headers):
    if not isinstance(answer, dict):
        return f"NO PROBLEM DOCUMENT: {answer!r}"
    wrong = [name for name in ("type", "title", "detail", "instance") if not isinstance(answer.get(name), str)]
    if headers.get("content-type") != "application/problem+json":
        wrong.append("Content-Type")
    if answer.get("status") != status:
        wrong.append("status")
    if status == 503 and not headers.get("retry-after", "").isdigit():
        wrong.append("Retry-After")
    return f"NO PROBLEM DOCUMENT: {', '.join(wrong)}: {answer}" if wrong else ""
