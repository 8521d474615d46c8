"""Creates whose client does not receive the response."""

import json
import re
import socket
import struct
import time

from api_peers import CONTAINERS, SPEC, Fail, FakeWorker, Ok
from processes import wait_for

BODY = json.dumps({"spec": SPEC}).encode()


def send_create(api, ident, headers=b""):
    s = api.connect()
    s.sendall(b"POST %b?id=%b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b" %
              (CONTAINERS.encode(), ident.encode(), headers, len(BODY), BODY))
    return s


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def test_a_create_of_a_disconnected_client_is_undone(api, worker):
    worker.on["create"] = lambda asked: Ok(worker.create(asked).body, delay=0.3)
    for close in (socket.socket.close, reset):
        worker.store.clear()
        del worker.asked[:]
        s = send_create(api, "gone")
        wait_for("the create", lambda: worker.of("create"))
        close(s)
        undo = wait_for("the undo", lambda: worker.of("undo"))[0]
        assert undo.body == {"id": "gone", "token": worker.of("create")[0].body["token"]}
        assert undo.headers["Sp-Request-Id"] == worker.of("create")[0].headers["Sp-Request-Id"]
        wait_for("an empty store", lambda: not worker.store)
    assert api.find_log("a create was undone", id="gone")


def test_a_create_by_key_of_a_disconnected_client_is_kept(api, worker):
    worker.on["create"] = lambda asked: Ok(worker.create(asked).body, delay=0.3)
    send_create(api, "kept", b"Idempotency-Key: k\r\n").close()
    time.sleep(1)
    assert "kept" in worker.store and not worker.of("undo")
    assert api.create("kept", headers={"Idempotency-Key": "k"}).status == 201


def create_impatiently(api, worker, i):
    """A create that takes up to 10 ms, of a client that waits up to 49 ms: sometimes one is first, sometimes the other."""
    worker.on["create"] = lambda asked: Ok(worker.create(asked).body, delay=i % 11 / 1000)
    s = send_create(api, f"c{i}")
    time.sleep(i % 50 / 1000)
    return s


def is_whole_201(s):
    """Head and body: over TLS they are received separately, possibly with the end between them."""
    got = b""
    while part := s.recv(65536):
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 201") and len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1])


def test_clients_that_half_close_get_a_response_if_and_only_if_a_container_exists(api, worker):
    """If the client shuts down its side and reads everything, a container exists if and only if it received a response."""
    answered = set()
    for i in range(200):
        with create_impatiently(api, worker, i) as s:
            socket.socket.shutdown(s, socket.SHUT_WR)  # not TLS': that would end both directions
            if is_whole_201(s):
                answered.add(f"c{i}")
    wait_for(f"undos: {set(worker.store)} and {answered}", lambda: set(worker.store) == answered)
    time.sleep(0.3)
    assert set(worker.store) == answered
    assert 10 < len(answered) < 190


def test_creates_of_clients_that_close_early_are_undone_or_answered(api, worker):
    """
    Whether a client that resets the connection has read the response is unknown; containers exist whose response was
    sent to a connected client.
    """
    for i in range(200):
        s = create_impatiently(api, worker, i)
        reset(s) if i % 2 else s.close()

    def ended():
        """Every request has its line, except unread ones discarded by a reset: those count once a worker got them."""
        lines = [line for line in api.logs() if line.get("msg", "").startswith("request") and line.get("method")]
        expected = {f"c{i}" for i in range(0, 200, 2)} | {asked.body["id"] for asked in worker.of("create")}
        return lines if expected <= {line["id"] for line in lines} else None
    sent = {line["id"] for line in wait_for("an end of every request", ended) if line["msg"] == "request"}
    wait_for(f"undos: {set(worker.store) ^ sent}", lambda: set(worker.store) == sent)
    assert 10 < len(sent) < 190


def test_an_undo_is_retried_until_it_succeeds(api, worker):
    worker.on["create"] = lambda asked: Ok(worker.create(asked).body, delay=0.2)
    worker.on["undo"] = lambda asked: [Fail("BUSY"), Fail("UNAVAILABLE"), Fail("INTERNAL"), Ok()][
        min(len(worker.of("undo")), 4) - 1]
    send_create(api, "a").close()
    wait_for("four undos", lambda: len(worker.of("undo")) == 4)
    time.sleep(1)
    assert len(worker.of("undo")) == 4


def test_a_create_with_an_unknown_outcome_is_undone(worker, start):
    api = start(SP_SERVER_REQUEST_TIMEOUT="500ms")
    worker.on["create"] = lambda asked: None
    assert api.create("a").status == 504
    undo = wait_for("the undo", lambda: worker.of("undo"))[0]
    assert undo.body == {"id": "a", "token": worker.of("create")[0].body["token"]}


def test_a_create_with_a_malformed_reply_is_undone(api, worker):
    worker.on["create"] = lambda asked: Ok(b"")
    assert api.create("a").status == 500
    wait_for("the undo", lambda: worker.of("undo"))


def test_a_create_by_key_with_an_unknown_outcome_is_not_undone(worker, start):
    api = start(SP_SERVER_REQUEST_TIMEOUT="300ms")
    worker.on["create"] = lambda asked: None
    assert api.create("a", headers={"Idempotency-Key": "k"}).status == 504
    time.sleep(1)
    assert not worker.of("undo")


def test_a_create_that_was_never_started_is_not_undone(start, nats):
    api = start(SP_SERVER_WORKER_WAIT="300ms")
    assert api.create("a").status == 503
    worker = FakeWorker(nats)
    time.sleep(1)
    assert not worker.asked
    worker.stop()


def test_a_definite_error_is_not_undone(api, worker):
    worker.on["create"] = lambda asked: Fail("ALREADY_EXISTS")
    assert api.create("a").status == 409
    worker.on["create"] = lambda asked: Fail("UNAVAILABLE")
    assert api.create("a").status == 503
    time.sleep(0.3)
    assert not worker.of("undo")


def test_a_pending_undo_is_completed_during_shutdown(worker, start):
    api = start(SP_SERVER_SHUTDOWN_TIMEOUT="8s")
    worker.on["create"] = lambda asked: Ok(worker.create(asked).body, delay=0.3)
    worker.on["undo"] = lambda asked: Fail("BUSY") if len(worker.of("undo")) < 3 else worker.undo(asked)
    s = send_create(api, "a")
    wait_for("the create", lambda: worker.of("create"))
    s.close()
    assert api.terminate() == 0
    assert not worker.store
