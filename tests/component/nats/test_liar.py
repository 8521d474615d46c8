"""A foreign peer publishing on our subjects: a clear error, and no effect on other requests."""

import json
import time

import pytest

from wire import Nats

ROOT = "k8s-container-sp.provider"
TOKEN = "req:01234567-89ab-4def-8123-456789abcdef"
EVIL = "a\r\nPUB dcm.container 2\r\n{}\r\n"


def headers(**more):
    fields = {"Sp_Protocol": "1", "Sp_Deadline": str(int((time.time() + 10) * 1000)), **more}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"NATS/1.0\r\n{lines}\r\n".encode()


@pytest.fixture
def sp(start):
    made = start("")
    made.wait_connected()
    made.wait_healthy()
    return made


def agent(name="agent", key="k"):
    return {"spec": {}, "token": TOKEN, "agent": {"name": name, "key": key}}


MEMBERS = [
    ("create", agent(name="a b"), "agent.name"), ("create", agent(name='a","x":"'), "agent.name"),
    ("create", agent(name=EVIL), "agent.name"), ("create", agent(name="a.>"), "agent.name"),
    ("create", agent(name=""), "agent.name"), ("create", agent(name=7), "agent.name"),
    ("create", agent(key=EVIL), "agent.key"), ("create", agent(key="k" * 256), "agent.key"),
    ("create", {"spec": {}, "token": EVIL, "id": "a"}, "token"), ("create", {"spec": 1, "token": TOKEN, "id": "a"}, "spec"),
    ("create", {"spec": {}, "token": TOKEN, "id": EVIL}, "id"), ("create", {"spec": {}, "token": TOKEN}, "id and agent"),
    ("undo", {"id": EVIL, "token": TOKEN}, "id"), ("undo", {"id": "a", "token": TOKEN, "sequence": -1}, "sequence"),
    ("get", {"id": "../../pods"}, "id"), ("get", {}, "id"), ("get", [], "not an object"), ("get", None, "malformed request"),
    ("delete", {"id": "a", "absent_ok": 1}, "absent_ok"), ("list", {"max_page_size": 1e9}, "max_page_size"),
    ("list", {"page_token": {}}, "page_token"), ("settle", {"state": "settled", "id": EVIL, "uid": "u"}, "settle"),
    ("settle", {"state": "settled", "id": "a", "uid": EVIL}, "settle"),
]
HEADERS = [
    {"Sp_Deadline": "soon"}, {"Sp_Deadline": "9223372036854775808"}, {"Sp_Attempt": "0"},
    {"Sp_Attempt": "4294967297"}, {"Sp_Wait": "-1"}, {"Sp_Request_Id": "x" * 129}, {"traceparent": "x" * 64},
    {"Sp_Permission": "give"}, {"Sp_Permission": "ask"},  # on a subject that is no api-svc's
]


def test_invalid_fields_are_rejected(sp):
    nats = Nats(sp.nats.port)
    nats.subscribe("dcm.container")
    for operation, body, word in MEMBERS:
        text = b"{" if body is None else json.dumps(body).encode()
        reply = nats.ask(f"{ROOT}.op.{operation}", headers(), 5, text, one=True)
        assert reply and "Sp-Status: INTERNAL" in reply[0][0] and word in json.loads(reply[0][1])["detail"], (body, reply)
    for wrong in HEADERS:
        reply = nats.ask(f"{ROOT}.op.get", headers(**wrong), 5, b'{"id": "a"}', one=True)
        name = next(iter(wrong)).replace("_", "-")
        assert reply and "Sp-Status: INTERNAL" in reply[0][0], (wrong, reply)
        assert name in reply[0][1] or "an invalid reply subject" in reply[0][1], (wrong, reply)
    reply = nats.ask(f"{ROOT}.op.get", headers(Sp_Deadline="9223372036854775807"), 5, b'{"id": "a"}', one=True)
    assert "Sp-Status: NOT_FOUND" in reply[0][0]  # an hour is enough
    assert nats.next(0.2) is None and sp.connected() == [1, 1, 1, 1] and sp.healthy()


def test_replies_are_only_sent_to_inboxes(sp):
    """Otherwise, a peer allowed to send requests could have a worker publish events, or call JetStream."""
    nats = Nats(sp.nats.port)
    nats.subscribe("dcm.>")
    nats.subscribe("$JS.API.>")
    nats.subscribe("anything")
    for subject in (f"{ROOT}.op.get", f"{ROOT}.op.health", f"{ROOT}.health", f"{ROOT}.op.settle"):
        for reply in ("dcm.container", "$JS.API.STREAM.PURGE.x", "anything", ""):
            head = headers()
            nats.s.sendall(f"HPUB {subject} {reply} {len(head)} {len(head) + 12}\r\n".encode() + head + b'{"id": "ab"}\r\n')
    assert nats.next(0.5) is None
    assert nats.ask(f"{ROOT}.health", headers(), 5, one=True) and sp.connected() == [1, 1, 1, 1]
