"""Lost, repeated or invalid frames from either side affect only their stream."""

import os
import signal
import time

import pytest

from raw_nats import VERSION, FakeCaller, FakeWorker, frame
from stage import SLOW

WINDOW = 65536


@pytest.fixture
def stage(start):
    """Without a real worker."""
    return start(workers=0)


def d(offset, data, **more):
    return frame("DATA", offset, **more), data


END = "END"
INCOMPLETE = {
    "a gap": ([d(0, b"abc"), d(4, b"e")], b"abc", "UNAVAILABLE"),
    "a gap detected by a credit": ([d(0, b"abc"), (frame("CREDIT", 4), b"")], b"abc", "UNAVAILABLE"),
    "a gap detected by the end": ([d(0, b"abc"), (frame(END, 4), b"")], b"abc", "UNAVAILABLE"),
    "more than the credit": ([d(0, b"x" * WINDOW), d(WINDOW, b"x" * WINDOW), d(2 * WINDOW, b"x" * WINDOW),
                              d(3 * WINDOW, b"x" * (4 * WINDOW))], None, "INTERNAL"),
    "data that overlap": ([d(0, b"abc"), d(1, b"xyz")], b"abc", "INTERNAL"),
    "an end before its data": ([d(0, b"abc"), (frame(END, 2), b"")], b"abc", "INTERNAL"),
    "no headers": ([d(0, b"abc"), ({}, b"")], b"abc", "INTERNAL"),
    "no offset": ([d(0, b"abc"), ({"Sp-Status": "DATA", "Sp-Credit": "1"}, b"d")], b"abc", "INTERNAL"),
    "an invalid offset": ([d(0, b"abc"), d("3x", b"d")], b"abc", "INTERNAL"),
    "an offset below 0": ([d(0, b"abc"), d(-3, b"d")], b"abc", "INTERNAL"),
    "an offset beyond 64 bits": ([d(0, b"abc"), d(1 << 64, b"d")], b"abc", "INTERNAL"),
    "the greatest offset": ([d(0, b"abc"), d((1 << 63) - 1, b"d" * 100)], b"abc", "UNAVAILABLE"),
    "a credit above the limit": ([d(0, b"abc"), (frame("CREDIT", 3, 1 << 62), b"")], b"abc", "INTERNAL"),
    "an error": ([d(0, b"abc"), (frame("BUSY"), b'{"detail":"set by the test"}')], b"abc", None),
    "an error that is not JSON": ([d(0, b"abc"), (frame("BUSY"), b"\0\xff")], b"abc", "INTERNAL"),
    "an unknown status": ([d(0, b"abc"), (frame("NEWS"), b"")], b"abc", None),
    "cancelled": ([d(0, b"abc"), (frame("CANCEL"), b"")], b"abc", None),
    "silence": ([d(0, b"abc")], b"abc", "UNAVAILABLE"),
}


def drain(stream):
    return b"".join(stream.body())


@pytest.mark.parametrize("what", INCOMPLETE)
def test_lost_frames_make_the_response_detectably_incomplete(stage, what):
    frames, body, word = INCOMPLETE[what]
    worker = FakeWorker(stage.nats_port)
    client = AskLater(stage)
    worker.begin(worker.take())
    peer = worker.peer()
    begun = time.monotonic()
    for headers, data in frames:
        worker.nats.publish(peer, headers, data)
    stream = client.stream()
    got = drain(stream)
    assert time.monotonic() - begun < 3 * SLOW
    assert not stream.complete and (got == body if body is not None else set(got) <= {ord("x")}), got
    if word:
        assert worker.nats.wait(word) is not None
    assert stage.api.call("GET", "/openapi.yaml").status == 200


class AskLater:
    """A client that sends a request now and reads later."""

    def __init__(self, stage):
        import threading
        self.found = []
        self.thread = threading.Thread(target=lambda: self.found.append(stage.get("mode=hang", expect=None)))
        self.thread.start()

    def stream(self):
        self.thread.join(20)
        return self.found[0]


COMPLETE = {
    "in order": [d(0, b"abc"), d(3, b"def"), (frame(END, 6), b"")],
    "duplicates": [d(0, b"abc"), d(0, b"abc"), d(3, b"def"), d(0, b"abc"), d(3, b"def"), (frame(END, 6), b""),
                         (frame(END, 6), b"")],
    "credits in between, old ones too": [d(0, b"abc"), (frame("CREDIT", 3), b""), (frame("CREDIT", 0), b""),
                                         d(3, b"def"), (frame("CREDIT", 6, 0), b""), (frame(END, 6), b"")],
    "an empty frame": [d(0, b""), d(0, b"abcdef"), d(6, b""), (frame(END, 6), b"")],
    "frames after the end are ignored": [d(0, b"abcdef"), (frame(END, 6), b""), d(6, b"x"), ({}, b"\0"), d(9, b"x")],
}


@pytest.mark.parametrize("what", COMPLETE)
def test_duplicate_frames_are_harmless(stage, what):
    worker = FakeWorker(stage.nats_port)
    client = AskLater(stage)
    worker.begin(worker.take())
    peer = worker.peer()
    for headers, data in COMPLETE[what]:
        worker.nats.publish(peer, headers, data)
    stream = client.stream()
    assert drain(stream) == b"abcdef" and stream.complete


BEGINS = {
    "not JSON": (b"\0", {}),
    "not an object": (b"[]", {}),
    "nothing": (b"{}", {}),
    "both": (b'{"content_type":"text/plain","protocol":"test"}', {}),
    "an invalid type": (b'{"content_type":7}', {}),
    "an empty type": (b'{"content_type":""}', {}),
    "another header in the type": (b'{"content_type":"text/plain\\r\\nX-Evil: 1"}', {}),
    "no address": (b'{"content_type":"text/plain"}', {"subject": ""}),
    "a foreign address": (b'{"content_type":"text/plain"}', {"subject": "dcm.container"}),
    "a wildcard address": (b'{"content_type":"text/plain"}', {"subject": "_INBOX.>"}),
    "a long address": (b'{"content_type":"text/plain"}', {"subject": "_INBOX." + "x" * 500}),
    "no stream": (b'{"content_type":"text/plain"}', {"status": "OK"}),
}


@pytest.mark.parametrize("what", BEGINS)
def test_a_malformed_stream_reply_is_an_error(stage, what):
    begin, options = BEGINS[what]
    worker = FakeWorker(stage.nats_port)
    client = AskLater(stage)
    worker.begin(worker.take(), begin, **options)
    assert client.stream().status == 500
    assert "X-Evil" not in str(client.stream().headers)


def test_failed_streams_leak_no_descriptors(stage):
    worker = FakeWorker(stage.nats_port)
    folder = f"/proc/{stage.svc.popen.pid}/fd"
    counts = []
    for i in range(30):
        client = AskLater(stage)
        worker.begin(worker.take())
        peer = worker.peer()
        worker.nats.publish(peer, *d(0, b"abc"))
        worker.nats.publish(peer, frame("BUSY"), b"")
        assert drain(client.stream()) == b"abc"
        client.stream().close()
        if i in (4, 29):
            time.sleep(0.3)
            counts.append(len(os.listdir(folder)))
    assert counts[1] <= counts[0] + 1, counts


# ---- a caller that is not as it should be ----

@pytest.fixture
def asked(start):
    """A worker limited to two streams, and a raw client."""
    stage = start(SP_WORKER_STREAMS="2")
    stage.svc.suspend()  # it shall not take part
    yield stage, FakeCaller(stage.nats_port)
    stage.svc.popen.send_signal(signal.SIGCONT)


ENDS = {
    "no first frame": ([], "UNAVAILABLE"),
    "silence": ([(frame("CREDIT"), b"")], "UNAVAILABLE"),
    "a credit above the limit": ([(frame("CREDIT", 0, 1 << 40), b"")], "INTERNAL"),
    "no headers": ([(frame("CREDIT"), b""), ({}, b"")], "INTERNAL"),
    "garbage": ([(frame("CREDIT"), b""), ({"Sp-Status": "DATA", "Sp-Offset": "a", "Sp-Credit": "b"}, b"\0\xff")], "INTERNAL"),
    "a gap": ([(frame("CREDIT"), b""), d(7, b"x")], "UNAVAILABLE"),
    "a gap detected by the end": ([(frame("CREDIT"), b""), (frame(END, 7), b"")], "UNAVAILABLE"),
    "more than the credit": ([(frame("CREDIT"), b""), d(0, b"x" * (WINDOW + 1))], "INTERNAL"),
    "more than the credit, in parts": ([(frame("CREDIT"), b""), d(0, b"x" * WINDOW), d(WINDOW, b"x")], "INTERNAL"),
    "cancelled": ([(frame("CREDIT", 0, 10), b""), (frame("CANCEL"), b"")], "CANCELLED"),
    "failed": ([(frame("CREDIT", 0, 10), b""), (frame("NOT_FOUND"), b"")], "NOT_FOUND"),
}


@pytest.mark.parametrize("mode", ["hang", "bytes"])
@pytest.mark.parametrize("what", ENDS)
def test_the_worker_frees_a_stream_after_protocol_violations(asked, what, mode):
    stage, caller = asked
    frames, code = ENDS[what]
    begun = time.monotonic()
    stream = caller.ask(mode=mode, bytes=1 << 30)
    for headers, data in frames:
        caller.nats.publish(stream, headers, data, caller.subject)
    assert stage.wait_ended()[0]["code"] == code
    assert time.monotonic() - begun < 3 * SLOW
    if frames and code in ("INTERNAL", "UNAVAILABLE"):
        assert caller.nats.wait(code) is not None  # it is sent
    assert caller.stats()["open"] == 0


@pytest.mark.parametrize("mode", ["hang", "bytes", "lines"])
@pytest.mark.parametrize("first, code", [("CREDIT", "INTERNAL"), ("DATA", "INTERNAL"), ("END", "INTERNAL"),
                                         ("CANCEL", "CANCELLED"), ("NOT_FOUND", "NOT_FOUND")])
def test_the_worker_frees_a_stream_without_an_address_of_the_caller(asked, first, code, mode):
    stage, caller = asked
    stream = caller.ask(mode=mode, bytes=1 << 30)
    begun = time.monotonic()
    caller.nats.publish(stream, frame(first, 0, 1000), b"x" if first == "DATA" else b"")
    assert stage.wait_ended()[0]["code"] == code
    assert time.monotonic() - begun < 1 * SLOW
    assert caller.stats()["open"] == 0


def test_a_caller_gets_no_more_than_its_credit(asked):
    _, caller = asked
    stream = caller.ask(mode="bytes", bytes=1 << 30)
    for credit in (1000, 1000, 500, 5000):
        caller.nats.publish(stream, frame("CREDIT", 0, credit), b"", caller.subject)
    got = 0
    end = time.monotonic() + 2
    while time.monotonic() < end:
        message = caller.nats.next(0.1)
        if message and message.status == "DATA":
            assert int(message.headers["Sp-Offset"]) == got
            got += len(message.data)
        caller.nats.publish(stream, frame("CREDIT", 0, 5000), b"", caller.subject)
    assert got == 5000


def test_nothing_is_sent_to_an_address_other_than_an_inbox(asked):
    stage, caller = asked
    caller.nats.subscribe("dcm.container")
    stream = caller.ask(mode="bytes", bytes=1000)
    for _ in range(3):
        caller.nats.publish(stream, frame("CREDIT"), b"", "dcm.container")
        message = caller.nats.next(0.3)
        assert message is None or message.subject != "dcm.container"
    caller.nats.publish(stream, frame("CANCEL"))
    stage.wait_ended()


def test_frames_without_a_stream_are_ignored(asked):
    stage, caller = asked
    stream = caller.ask(mode="hang")
    prefix = stream.rsplit(".", 1)[0]
    for name in ("0", "1", "4294967296", "18446744073709551615", "x", "-1", "99999999999999999999999"):
        if f"{prefix}.{name}" != stream:
            caller.nats.publish(f"{prefix}.{name}", frame("CANCEL"), b"", caller.subject)
    caller.nats.publish(stream, frame("CREDIT"), b"", caller.subject)
    assert caller.nats.wait("CREDIT") is not None
    assert caller.stats() == {"open": 1, "max": 2}
    caller.nats.publish(stream, frame("CANCEL"))
    assert stage.wait_ended()[0]["code"] == "CANCELLED"


def test_a_full_worker_rejects_immediately(asked):
    _, caller = asked
    streams = [caller.ask(mode="hang") for _ in range(2)]
    for stream in streams:
        caller.nats.publish(stream, frame("CREDIT"), b"", caller.subject)
    headers = {**VERSION, "Sp-Deadline": str(int(time.time() * 1000) + 20000)}
    caller.nats.publish("k8s-container-sp.provider.op.test_stream", headers, b'{"mode":"hang"}', "_INBOX.fake.caller.0")
    assert caller.nats.wait("BUSY", 1.0) is not None
