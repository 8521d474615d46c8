"""JetStream temporarily rejects a record, or a record changes late: acknowledged containers stay, others are removed."""

import contextlib
import hashlib
import json
import time
import uuid

from api import spec
from processes import wait_for
from test_settled import BUCKET, DEPLOYMENTS, begin, gated, gone, resume, stays, suspend, uid  # pylint: disable=unused-import
from test_void_record import WATCHED_S, Caller
from wire import Nats

MINUTE = 60
KEY_SWEPT_S = 40  # a debt by key is due after 30 s


def update(stack, **changes):
    """Change the bucket's stream."""
    nats = Nats(stack.nats_port)
    config = nats.jetstream(f"STREAM.INFO.{BUCKET}")["config"]
    answer = nats.jetstream(f"STREAM.UPDATE.{BUCKET}", {**config, **changes})
    nats.close()
    assert "error" not in answer, answer


@contextlib.contextmanager
def without_jetstream(stack):
    """NATS has no JetStream for a while (its disk is full)."""
    usual = stack.nats.args
    stack.nats.kill()
    stack.nats.args = usual[:usual.index("-js")]
    stack.start_nats()
    yield
    stack.nats.kill()
    stack.nats.args = usual
    stack.start_nats()


def held_create(stack, gate, name):
    """A create whose first attempt has stored its record and written the Deployment, not the first of the provider."""
    assert stack.api.create(spec(), "first").status == 201
    hold = gate.hold("after", "POST", DEPLOYMENTS)
    answer = begin(stack.api.create, spec(), name)
    hold.wait()
    return hold, answer


def stays_or_goes(stack, name, told):
    """According to the response to its client."""
    if told.status == 201:
        stays(stack.kube, name, told.json["uid"], 10)
    else:
        told.problem(503, "UNAVAILABLE")
        wait_for("gone", lambda: gone(stack.kube, name), MINUTE, 0.5)


def test_a_marked_container_survives_its_owed_record(gated):
    """The first attempt has stored its record; for the second one JetStream rejects everything temporarily."""
    stack, gate = gated
    hold, answer = held_create(stack, gate, "refused")
    suspend(stack.workers[0])
    update(stack, max_msg_size=1)
    stack.add_worker()
    told = answer.result()
    update(stack, max_msg_size=-1)
    resume(stack.workers[0])
    hold.release()
    stays_or_goes(stack, "refused", told)


def test_a_marked_container_survives_a_record_that_reappears(gated):
    """The first attempt has stored its record; for the second one NATS temporarily has no JetStream."""
    stack, gate = gated
    hold, answer = held_create(stack, gate, "hidden")
    stack.add_worker().wait_log('"connected to NATS"')
    suspend(stack.workers[0])
    with without_jetstream(stack):
        told = answer.result()
    resume(stack.workers[0])
    hold.release()
    stays_or_goes(stack, "hidden", told)


def test_a_marked_container_survives_an_older_record_of_the_key(own_stack):
    """A request by the key has left a record; for the next request NATS temporarily has no JetStream."""
    stack = own_stack(2)
    assert stack.api.create(spec(), "first").status == 201
    caller, key = Caller(stack), "came-again"
    record = {"state": "owed", "id": "kept", "caller": f"{caller.call}-1", "left_ms": 1000}
    caller.put(f"owed.key_3A{hashlib.sha256(key.encode()).hexdigest()}", record, 0)
    with without_jetstream(stack):
        told = stack.api.create(spec(), "kept", {"Idempotency-Key": key})
    assert told.status == 201, told.text
    stays(stack.kube, "kept", told.json["uid"], KEY_SWEPT_S)
    assert stack.api.create(spec(), "kept", {"Idempotency-Key": key}).json["uid"] == told.json["uid"]


def test_creates_succeed_while_records_are_rejected(own_stack):
    """A first attempt certainly has no record: the object is marked."""
    stack = own_stack(2)
    assert stack.api.create(spec(), "first").status == 201
    update(stack, max_msg_size=1)
    told = [stack.api.create(spec(), "a"), stack.api.create(spec(), "b", {"Idempotency-Key": "while-refused"})]
    assert [t.status for t in told] == [201, 201]
    update(stack, max_msg_size=-1)
    stays(stack.kube, "a", told[0].json["uid"], 8)
    stays(stack.kube, "b", told[1].json["uid"], 1)


def test_an_undo_is_completed_if_its_worker_dies_after_sweepers_saw_the_settled_record(own_stack):
    stack = own_stack(2)
    stack.api.create(spec(), "first")  # makes the bucket
    caller = Caller(stack)
    token = f"req:{uuid.uuid4()}"
    caller.ask("undone", token)
    headers = caller.permit(10)[1]
    sequence, key = headers["Sp-Debt"].split(" ")
    settled = caller.put(key, json.loads(headers["Sp-Settle"]), int(sequence))
    time.sleep(WATCHED_S)
    assert uid(stack.kube, "undone")
    caller.put(key, {"state": "void", "id": "undone", "left_ms": 25000}, settled)  # the undo got no further
    wait_for("gone", lambda: gone(stack.kube, "undone"), 10, 0.2)
