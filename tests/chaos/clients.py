"""Clients as real ones are: each has containers of its own, makes, reads, changes and deletes them, and uses their ids again."""

import concurrent.futures
import http.client
import json
import random
import threading
import time
import urllib.parse

from api import BASE, spec
from history import LEFT, NO_SERVICE, RESET, TIMEOUT, UNREACHABLE, Op, Sighting
from stage import SECRET

ANSWER_S = 45     # longer than any deadline: who waits longer waits for ever
GONE_S = 60       # by then what an unanswered create has made is gone
CALM_S = 5        # after a failed DELETE: from then on nothing changes any more
SLOTS = 6         # containers of a client
KEY_REPEATS = 6
PORTS = [(8080, "internal"), (9090, "none")]
MERGE_PATCH = "application/merge-patch+json"
METHODS = {"scale": lambda rng: {"replicas": rng.randrange(4)}, "stop": None, "start": None, "restart": None}


class Slot:
    """
    A container that a client uses. `name` is its label chaos-name; `id` is the same, or "" until the service has
    generated one. `state`: free; there; doubt: a DELETE has failed; ending: a create has failed, and what it may have
    made is deleted.
    """

    def __init__(self, name, generated):
        self.name, self.generated, self.id = name, generated, "" if generated else name
        self.state, self.since = "free", 0.0
        self.key, self.body, self.work, self.uid, self.service, self.patched = "", None, 0, "", False, False


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

    # ---- what is done with an id -----------------------------------------------------------------------------------

    def _on_free(self, slot):
        slot.id = "" if slot.generated else slot.name
        slot.work = self.history.number()
        slot.key = f"key-{slot.work}" if self.random.random() < 0.4 else ""
        slot.service, slot.patched = self.random.random() < 0.4, False
        slot.body = spec(ports=PORTS if slot.service else (), process={"env": [{"name": "A", "value": SECRET}]})
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

    def _give_up(self, slot, op):
        """What became of the create is not known: its id rests."""
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
        what = self.random.random()
        if what < 0.4:
            self._get(slot)
        elif what < 0.5:
            self._list()
        elif what < 0.6:
            self._create_again(slot)
        elif what < 0.75:
            self._patch(slot)
        elif what < 0.8:
            self._method(slot, self.random.choice(list(METHODS)))
        else:
            self._delete(slot)

    def _create_twice(self, slot):
        """The same create at once on another connection: the better answer of the two."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ops = list(pool.map(lambda _: self._create(slot), range(2)))
        return min(ops, key=lambda op: (op.result != 201, op.result == UNREACHABLE, op.answered))

    def _create_again(self, slot):
        """By key: the same one, or 422 for another id; without: 409. In no case anything changes."""
        if slot.key and self.random.random() < 0.5:
            self._create(slot)
            return
        other = Slot(f"{slot.name}-other" if slot.key else slot.name, False)
        other.id = other.name if slot.key else slot.id
        other.work, other.key = self.history.number(), slot.key
        other.body = spec()
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

    def _call(self, op, method, path, body=None, patience_s=None, content_type="application/json"):
        api = self.stage.apis[op.api]
        headers = {"X-Request-Id": f"op-{op.number}", **({"Idempotency-Key": op.key} if op.key else {}),
                   **({"Content-Type": content_type} if body else {})}
        connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=ANSWER_S)
        answer = None
        try:
            try:
                connection.connect()
            except OSError:
                op.result = UNREACHABLE
                return None
            op.sent = time.monotonic()
            connection.request(method, path, json.dumps(body) if body else None, headers)
            if patience_s is not None:
                self.stopping.wait(patience_s)
                op.result = LEFT
                return None
            response = connection.getresponse()
            text = response.read().decode()
            op.result, answer = response.status, json.loads(text) if text else {}
            if op.result >= 400:
                op.detail = problem_fault(response, answer) or answer.get("detail", "")
        except TimeoutError:
            op.result = TIMEOUT
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
            op.detail = NO_SERVICE if slot.service and not slot.patched and "service" not in answer else ""
        return op

    def _get(self, slot):
        op = self._op("get", slot.name)
        answer = self._call(op, "GET", f"{BASE}/{slot.id}")
        if op.result == 200:
            op.uid = answer["uid"]
            work = int(answer["spec"]["metadata"]["labels"]["chaos-work"])
            self.history.sightings.append(Sighting("GET", op.sent, op.answered, {slot.name: (op.uid, work, patch_of(answer))}))
        return op

    def _list(self):
        op = self._op("list", "")
        answer = self._call(op, "GET", f"{BASE}?max_page_size=1000")
        if op.result == 200:
            self.history.sightings.append(Sighting(f"LIST op {op.number}", op.sent, op.answered, {
                labels["chaos-name"]: (c["uid"], int(labels["chaos-work"]), patch_of(c))
                for c in answer["containers"] for labels in [c["spec"]["metadata"]["labels"]]}))
        return op

    def _patch(self, slot):
        """A label, and with an odd number no Service: both, or neither."""
        op = self._op("patch", slot.name)
        op.wants_service, slot.patched = op.number % 2 == 0, True
        network = {"ports": [{"container_port": p, "visibility": v} for p, v in PORTS]} if op.wants_service else None
        self._call(op, "PATCH", f"{BASE}/{slot.id}", {"spec": {
            "metadata": {"labels": {"chaos-patch": str(op.number)}}, "network": network}}, content_type=MERGE_PATCH)

    def _method(self, slot, verb):
        op = self._op(verb, slot.name, key=f"{verb}-{self.history.number()}" if self.random.random() < 0.5 else "")
        self._call(op, "POST", f"{BASE}/{slot.id}:{verb}", METHODS[verb](self.random) if METHODS[verb] else None)

    def _delete(self, slot):
        op = self._op("delete", slot.name, key=f"delete-{self.history.number()}" if self.random.random() < 0.3 else "")
        self._call(op, "DELETE", f"{BASE}/{slot.id}")
        if op.result in (204, 404):
            slot.state = "free"
        elif op.reached and slot.state != "ending":
            slot.state, slot.since = "doubt", op.answered
        return op


def patch_of(container):
    """The number of the PATCH that it shows; 0: none."""
    return int(container["spec"]["metadata"]["labels"].get("chaos-patch", 0))


def problem_fault(response, answer):
    """What is wrong with a problem document; "": nothing."""
    wrong = [name for name in ("type", "title", "detail", "instance") if not isinstance(answer.get(name), str)]
    if response.headers.get("Content-Type") != "application/problem+json":
        wrong.append("Content-Type")
    if answer.get("status") != response.status:
        wrong.append("status")
    if response.status == 503 and not response.headers.get("Retry-After", "").isdigit():
        wrong.append("Retry-After")
    return f"NO PROBLEM DOCUMENT: {', '.join(wrong)}: {answer}" if wrong else ""
