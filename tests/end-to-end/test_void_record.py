"""A void record may be reused by a later attempt of the same call: its settled container stays."""

import json
import time
import uuid

from api import spec
from wire import Nats

VERSION = "1"
WATCHED_S = 4  # two turns of a sweeper at rest


class Caller:
    """Acts as an api-svc: grants permissions and settles."""

    def __init__(self, stack):
        self.nats, self.name = Nats(stack.nats_port), stack.name
        inbox = f"_INBOX.api-svc.{uuid.uuid4().hex.upper()[:22]}"
        self.call = f"{inbox}.1-1"
        self.nats.subscribe(f"{inbox}.*")
        self.bucket = f"k8s-container-sp-{stack.name}"

    def put(self, key, value, last):
        """Compare and set; the new sequence."""
        headers = f"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: {last}\r\n\r\n".encode()
        answer = self.nats.ask(f"$KV.{self.bucket}.{key}", headers, body=json.dumps(value).encode(), one=True)
        return json.loads(answer[0][1])["seq"]

    def ask(self, container_id, token, attempt=1):
        """Send a create."""
        body = json.dumps({"id": container_id, "any_id": False, "spec": spec(), "token": token}).encode()
        headers = (f"NATS/1.0\r\nSp-Protocol: {VERSION}\r\nSp-Permission: ask\r\nSp-Attempt: {attempt}\r\n"
                   f"Sp-Request-Id: by-hand\r\nSp-Deadline: {int(time.time() * 1000) + 20000}\r\n\r\n").encode()
        subject = f"k8s-container-sp.{self.name}.op.create"
        self.nats.s.sendall(b"HPUB %s %s %d %d\r\n%s%s\r\n" % (subject.encode(), f"{self.call}-{attempt}".encode(),
                                                              len(headers), len(headers) + len(body), headers, body))

    def permit(self, seconds):
        """
        Grant every requested permission until a worker replies: returns the number of the attempt, and the headers.
        None: timeout.
        """
        end = time.monotonic() + seconds
        while message := self.nats.next(end - time.monotonic()):
            if "Sp-Status: PERMISSION" in message[2] or "Sp-Status: PROBE" in message[2]:
                ok = f"NATS/1.0\r\nSp-Protocol: {VERSION}\r\nSp-Status: OK\r\n\r\n".encode()
                self.nats.s.sendall(b"HPUB %s %d %d\r\n%s\r\n" % (message[1].encode(), len(ok), len(ok), ok))
            elif "Sp-Status: WORKING" not in message[2]:
                headers = dict(line.split(": ", 1) for line in message[2].split("\r\n") if ": " in line)
                return int(message[0].rsplit("-", 1)[1]), headers
        return None

    def settle(self, headers):
        """Settle it, as an api-svc before the response."""
        assert headers["Sp-Status"] == "OK", headers
        sequence, key = headers["Sp-Debt"].split(" ")
        self.put(key, json.loads(headers["Sp-Settle"]), int(sequence))


def stays(stack, container_id):
    """Whether the existing container still exists a while later."""
    uid = stack.kube.get("deployments", container_id)["metadata"]["uid"]
    time.sleep(WATCHED_S)
    found = stack.kube.get("deployments", container_id)
    return found is not None and found["metadata"]["uid"] == uid


def test_a_container_of_a_later_attempt_survives_a_void_record(own_stack):
    stack = own_stack(2)
    stack.api.create(spec(), "first")  # makes the bucket
    caller = Caller(stack)
    token = f"req:{uuid.uuid4()}"
    record = {"state": "void", "id": "again", "left_ms": 25000}  # as left by a failed attempt
    caller.put("owed." + token.replace(":", "_3A"), record, 0)
    time.sleep(WATCHED_S)  # the sweepers know it
    caller.ask("again", token)
    caller.settle(caller.permit(10)[1])
    assert stays(stack, "again"), "a settled container was removed"
