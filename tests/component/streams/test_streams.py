"""Streams from a worker through NATS and api-svc to a client: flow control and termination."""

import json
import signal
import socket
import statistics
import threading
import time

import pytest

from processes import wait_for
from raw_nats import FakeCaller, frame
from stage import SLOW

GIB = 1 << 30
UPGRADE = "Connection: keep-alive, Upgrade\r\nUpgrade: other, test\r\n"


class Watch:
    """The resident memory of processes while something runs, in KiB."""

    def __init__(self, *processes):
        self.samples = {p: [] for p in processes}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(0.1):
            for process, seen in self.samples.items():
                seen.append(process.rss_kb())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_a_gibibyte_is_streamed_with_constant_memory(stage):
    sanitized = stage.svc.sanitized()
    size = GIB // 16 if sanitized else GIB
    stage.get("mode=bytes&bytes=4000000").read_pattern()
    begun = time.monotonic()
    with Watch(stage.svc, stage.worker) as watch:
        stream = stage.get(f"mode=bytes&bytes={size}")
        assert stream.read_pattern() == size and stream.complete
    took = time.monotonic() - begun
    for process, seen in watch.samples.items():
        print(f"{process.name}: {seen[0]} KiB, at most {max(seen)} KiB over {size >> 20} MiB in {took:.1f} s")
        # cnats frees messages on a separate thread, which may be delayed on a busy machine.
        assert sanitized or statistics.median(seen) - seen[0] < 4096, (process.name, seen)
        assert sanitized or max(seen) - seen[0] < 32768, (process.name, seen)
    assert stage.wait_ended(2)[-1]["code"] == "OK"


def test_a_slow_reader_throttles_the_source(stage):
    stream = stage.get("mode=bytes&bytes=1000000000", rcvbuf=4096)
    time.sleep(1.5)
    before = stage.sent_bytes("kube-worker")
    time.sleep(2)
    sent = stage.sent_bytes("kube-worker")
    print(f"sent after 1.5 s: {before} bytes; in the 2 s after that: {sent - before}")
    assert before < 8 << 20
    assert sent - before < 4096  # beats
    body = stream.body()
    assert sum(len(next(body)) for _ in range(64)) > 0
    stream.close()
    assert stage.wait_ended()[0]["code"] == "CANCELLED"


@pytest.mark.parametrize("query", ["mode=hang", "mode=lines&interval_ms=50", "mode=bytes&bytes=1000000000"])
def test_a_disconnected_client_cancels_the_source_within_a_second(stage, query):
    stream = stage.get(query, rcvbuf=4096)
    time.sleep(0.7)
    stream.close()
    begun = time.monotonic()
    assert stage.wait_ended(timeout=1.0)[0]["code"] == "CANCELLED"
    print(f"{time.monotonic() - begun:.2f} s")


def test_a_client_that_disconnects_before_the_stream_starts(stage):
    client = socket.create_connection(("127.0.0.1", stage.port))
    client.sendall(b"GET /test/stream?mode=hang&delay_ms=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)
    client.close()
    assert stage.wait_ended(timeout=2.0)[0]["code"] == "CANCELLED"


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_a_crashed_worker_ends_the_response_within_3_s(stage, sign):
    hang, lines = stage.get("mode=hang"), stage.get("mode=lines&interval_ms=50")
    time.sleep(0.5)
    stage.worker.popen.send_signal(sign)
    begun = time.monotonic()
    for stream in (hang, lines):
        stream.wait_end()
        assert not stream.complete
    took = time.monotonic() - begun
    print(f"{took:.2f} s")
    assert took < 3 * SLOW
    wait_for("it is logged", lambda: "stream ended with an error" in stage.svc.log())
    if sign == signal.SIGSTOP:
        stage.worker.popen.send_signal(signal.SIGCONT)
        stage.wait_ended(2)
    else:
        stage.worker.popen.wait()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_a_crashed_api_svc_frees_the_stream_within_3_s(stage, sign):
    streams = [stage.get("mode=hang"), stage.get("mode=lines&interval_ms=50"), stage.get("mode=bytes&bytes=1000000000")]
    time.sleep(0.5)
    stage.svc.popen.send_signal(sign)
    begun = time.monotonic()
    ended = stage.wait_ended(3)
    print(f"{time.monotonic() - begun:.2f} s", [e["error"] for e in ended])
    assert {e["code"] for e in ended} == {"UNAVAILABLE"}
    assert len(streams) == 3
    if sign == signal.SIGSTOP:
        stage.svc.popen.send_signal(signal.SIGCONT)
        stage.get("mode=bytes&bytes=10").read_pattern()
    else:
        stage.svc.popen.wait()


def test_without_nats_both_sides_end_within_3_s_and_later_streams_work(stage):
    idle, busy = stage.get("mode=hang"), stage.get("mode=lines&interval_ms=20")
    stage.nats.kill()
    begun = time.monotonic()
    idle.wait_end()
    busy.wait_end()
    assert time.monotonic() - begun < 3 * SLOW and not idle.complete and not busy.complete
    stage.wait_ended(2)
    stage.nats.start()
    for process in (stage.svc, stage.worker):
        wait_for("connected again", lambda p=process: p.log().count('"connected to NATS"') == 2)
    stream = stage.get("mode=bytes&bytes=100000")
    assert stream.read_pattern() == 100000 and stream.complete


def test_a_restart_of_nats_is_never_taken_for_the_end_of_a_stream(stage):
    """Received data is correct; if data is lost, the response is detectably incomplete."""
    streams = [stage.get(f"mode=bytes&bytes={400 << 20}"), stage.get("mode=hang"), stage.get("mode=hang")]
    for _ in range(20):
        streams[0].more()
    stage.nats.kill()
    stage.nats.start()
    size = streams[0].read_pattern()
    print(f"{size} bytes, {streams[0].complete}")
    assert streams[0].complete == (size == 400 << 20)
    for stream in streams[1:]:
        stream.close()
    stage.wait_ended(3)


def test_two_thousand_concurrent_streams_and_short_requests(start):
    count = 2000
    stage = start(SP_WORKER_STREAMS=str(count + 10))
    stage.get("mode=hang").close()
    before = {p: p.rss_kb() for p in (stage.svc, stage.worker)}
    begun = time.monotonic()
    streams = [stage.get("mode=hang") for _ in range(count - 100)]
    streams += [stage.get("mode=lines&interval_ms=1000") for _ in range(100)]
    print(f"opened in {time.monotonic() - begun:.1f} s")
    time.sleep(3.5)  # longer than silence would be borne
    each = {p.name: (p.rss_kb() - kb) / count for p, kb in before.items()}
    print("KiB a stream:", {name: round(kb, 1) for name, kb in each.items()})
    times = []
    for _ in range(200):
        at = time.monotonic()
        assert stage.api.list().status == 200
        times.append(time.monotonic() - at)
    print(f"short requests: p50 {statistics.median(times) * 1000:.1f} ms, max {max(times) * 1000:.1f} ms")
    assert statistics.median(times) < 0.05 * SLOW and max(times) < 0.5 * SLOW
    assert stage.svc.sanitized() or max(each.values()) < 40
    assert FakeCaller(stage.nats_port).stats() == {"open": count, "max": count + 10}
    assert len(stage.ended()) == 1  # none of them but the first
    for stream in streams:
        stream.close()
    begun = time.monotonic()
    stage.wait_ended(count + 1, 10)
    print(f"all ended after {time.monotonic() - begun:.1f} s")


def test_streams_above_the_limit_are_rejected(start):
    stage = start(SP_WORKER_STREAMS="3")
    streams = [stage.get("mode=hang") for _ in range(3)]
    refused = stage.get("mode=hang", expect=503)
    assert "retry-after" in refused.headers
    assert stage.api.list().status == 200
    streams.pop().close()
    stage.wait_ended()
    streams.append(stage.get("mode=hang"))
    stage.add_worker()
    # NATS chooses a worker by chance: it takes tries to get to the right one.
    wait_for("the other worker takes one", lambda: stage.get("mode=hang", expect=None).status == 200, 30)


def test_the_memory_of_a_stream_is_reserved_at_its_start(start):
    """Excess streams are rejected immediately; no started stream is aborted."""
    stage = start(SP_WORKER_STREAMS="200", SP_SERVER_MEMORY=str(4 << 20))
    streams = [stage.get("mode=bytes&bytes=100000000", rcvbuf=4096, expect=None) for _ in range(80)]
    assert [s.status for s in streams] == [200] * 64 + [503] * 16
    assert all("retry-after" in s.headers for s in streams[64:])
    time.sleep(2 * SLOW)
    assert all(s.more() for s in streams[:64])
    assert len([e for e in stage.ended() if e["code"] != "UNAVAILABLE"]) == 0  # only the unread ones
    streams.pop(0).close()
    wait_for("memory is available again", lambda: stage.get("mode=hang", expect=None).status == 200)


def test_accounts_conf_is_sufficient_for_streams(start):
    stage = start(accounts=True)
    stream = stage.get("mode=bytes&bytes=3000000")
    assert stream.read_pattern() == 3000000 and stream.complete
    body = stage.get("mode=lines&interval_ms=1500").body()  # longer than a silence
    assert [next(body) for _ in range(3)] == [b"line 0\n", b"line 1\n", b"line 2\n"]
    echo(stage, 1 << 20).close()
    assert "ermission" not in stage.nats.log() + stage.svc.log() + stage.worker.log()


def test_an_error_before_the_stream_is_a_problem_response(stage):
    assert b"told to refuse" in stage.get("mode=refuse", expect=404).until(b"}")


def test_a_stream_that_starts_late(start):
    stage = start(SP_SERVER_REQUEST_TIMEOUT="10s")
    stream = stage.get("mode=bytes&delay_ms=4500")  # longer than the silence timeout of a worker
    assert list(stream.body()) == [] and stream.complete
    assert stage.wait_ended()[0]["attempt"] == 1


def test_the_request_timeout_ends_when_the_stream_starts(start):
    stage = start(SP_SERVER_REQUEST_TIMEOUT="1s", SP_SERVER_WRITE_TIMEOUT="1s", SP_SERVER_IDLE_TIMEOUT="1s",
                  SP_SERVER_READ_TIMEOUT="1s")
    body = stage.get("mode=lines&interval_ms=500").body()
    assert [next(body) for _ in range(6)] == [b"line %d\n" % i for i in range(6)]
    assert stage.get("mode=hang&delay_ms=3000", expect=504)


def test_an_error_within_the_stream_is_detected_by_the_client(stage):
    for version in ("1.1", "1.0"):
        stream = stage.get("mode=bytes&bytes=1000000&fail_at=300000", version=version)
        assert stream.read_pattern() == 300000
        assert version == "1.0" or not stream.complete
    wait_for("both are logged", lambda: stage.svc.log().count("told to fail") == 2)


def test_an_http_1_0_response_ends_with_the_connection(stage):
    stream = stage.get("mode=bytes&bytes=3000000", version="1.0")
    assert not stream.chunked and stream.read_pattern() == 3000000


def test_the_connection_is_reused_after_a_stream(stage):
    stream = stage.get("mode=bytes&bytes=100000")
    assert stream.read_pattern() == 100000
    stream.socket.sendall(b"GET /test/stream?mode=bytes&bytes=16 HTTP/1.1\r\nHost: x\r\n\r\n")
    stream.until(b"\r\n\r\n")
    assert stream.read_pattern() == 16


def test_head_has_no_body(stage):
    stream = stage.get("mode=bytes&bytes=16")
    stream.read_pattern()
    stream.socket.sendall(b"HEAD /test/stream?mode=hang HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " in stream.until(b"\r\n\r\n")
    assert not stream.more() and stream.buffer == b""
    assert stage.wait_ended(2)[1]["code"] == "CANCELLED"


def test_a_worker_shutting_down_ends_its_streams_without_waiting(stage):
    streams = [stage.get("mode=hang"), stage.get("mode=lines&interval_ms=20"), stage.get("mode=bytes&bytes=1000000000", rcvbuf=4096)]
    begun = time.monotonic()
    stage.worker.stop()
    took = time.monotonic() - begun
    print(f"{took:.2f} s")
    assert took < 2 * SLOW
    for stream in streams:
        stream.wait_end()
        assert not stream.complete
    wait_for("all are logged", lambda: stage.svc.log().count("the worker is stopping") == 3)
    assert {e["code"] for e in stage.ended()} == {"UNAVAILABLE"}


def test_shutdown_waits_for_callers_without_an_address_yet(stage):
    caller = FakeCaller(stage.nats_port)
    stream = caller.ask(mode="hang")
    ending = threading.Thread(target=stage.worker.stop)
    ending.start()
    time.sleep(0.4)
    caller.nats.publish(stream, frame("CREDIT", credit=1000), b"", caller.subject)
    word = caller.nats.wait("UNAVAILABLE")
    assert json.loads(word.data)["detail"] == "the worker is stopping"
    ending.join()


def test_a_stream_not_yet_started_is_retried_on_another_worker(start):
    stage = start(SP_SERVER_WORKER_WAIT="5s")
    answered = []
    thread = threading.Thread(target=lambda: answered.append(stage.get("mode=bytes&delay_ms=2000").status))
    thread.start()
    time.sleep(0.5)
    other = stage.add_worker()
    stage.worker.stop()
    thread.join(20)
    assert answered == [200] and [e["code"] for e in stage.ended()] == ["BUSY"]
    assert [e["code"] for e in stage.wait_ended(worker=other)] == ["OK"]


def test_api_svc_shutdown_does_not_wait_for_streams(stage):
    streams = [stage.get("mode=hang"), stage.get("mode=lines&interval_ms=20"), stage.get("mode=bytes&bytes=1000000000", rcvbuf=4096),
               stage.get("mode=echo&protocol=test", headers=UPGRADE, expect=101)]
    begun = time.monotonic()
    stage.svc.stop()
    took = time.monotonic() - begun
    print(f"{took:.2f} s")
    assert took < 3 * SLOW
    assert not streams[0].more()
    assert {e["code"] for e in stage.wait_ended(4)} <= {"UNAVAILABLE", "CANCELLED"}


# ---- upgrades ----

def echo(stage, size, early=b""):
    """Send and receive `size` bytes, with two blocks in transit (Python's TLS connections are not thread-safe)."""
    stream = stage.get("mode=echo&protocol=test", headers=UPGRADE, expect=101, early=early)
    assert stream.headers["upgrade"] == "test"
    assert stream.exactly(len(early)) == early
    block = bytes(range(256)) * 256
    stream.socket.sendall(block)
    for _ in range(size // len(block) - 1):
        stream.socket.sendall(block)
        assert stream.exactly(len(block)) == block
    assert stream.exactly(len(block)) == block
    return stream


def test_both_directions_of_an_upgraded_connection_are_independent(stage):
    stream = stage.get("mode=echo&protocol=test", headers=UPGRADE, expect=101)
    block, count = bytes(range(256)) * 256, 500
    thread = threading.Thread(target=lambda: [stream.socket.sendall(block) for _ in range(count)])
    thread.start()
    for _ in range(count):
        assert stream.exactly(len(block)) == block
    thread.join()


@pytest.mark.parametrize("early", [b"", b"GET / HTTP/1.1\r\nX : y\n\0\xff", b"x" * 5000])
def test_an_upgraded_connection_forwards_any_bytes_in_both_directions(stage, early):
    stream = echo(stage, 8 << 20, early)
    stream.socket.shutdown(1)
    assert not stream.more()
    assert stage.wait_ended()[0]["code"] == "OK"


def test_an_upgraded_connection_throttles_its_client_and_its_worker(stage):
    stream = stage.get("mode=hang&protocol=test", headers=UPGRADE, expect=101)
    stream.socket.settimeout(2)
    before = stage.sent_bytes("api-svc")
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            stream.socket.sendall(b"x" * (1 << 20))
    assert stage.sent_bytes("api-svc") - before < 100000  # a window, and beats
    stream.close()
    source = stage.get("mode=bytes&bytes=1000000000&protocol=test", headers=UPGRADE, expect=101, rcvbuf=4096)
    time.sleep(1)
    before = stage.sent_bytes("kube-worker")
    time.sleep(1)
    assert stage.sent_bytes("kube-worker") - before < 4096
    source.close()
    assert {e["code"] for e in stage.wait_ended(1)} == {"CANCELLED"}


def test_the_end_of_the_source_ends_an_upgraded_connection(stage):
    stream = stage.get("mode=bytes&bytes=1000000&protocol=test", headers=UPGRADE, expect=101)
    assert stream.read_pattern() == 1000000
    assert stage.wait_ended()[0]["code"] == "OK"
    failed = stage.get("mode=bytes&bytes=1000000&fail_at=10&protocol=test", headers=UPGRADE, expect=101)
    failed.wait_end()
    assert stage.wait_ended(2)[1]["code"] == "UNAVAILABLE"
    wait_for("it is logged", lambda: "told to fail" in stage.svc.log())


def test_a_crashed_worker_ends_an_upgraded_connection(stage):
    stream = stage.get("mode=echo&protocol=test", headers=UPGRADE, expect=101)
    stage.worker.kill()
    begun = time.monotonic()
    assert not stream.more()
    assert time.monotonic() - begun < 3 * SLOW


@pytest.mark.parametrize("headers", ["", "Upgrade: test\r\n", "Connection: Upgrade\r\nUpgrade: other\r\n",
                                     "Connection: Upgrade\r\nUpgrade: test2\r\n"])
def test_other_upgrades_are_rejected(stage, headers):
    stream = stage.get("mode=echo&protocol=test", headers=headers, expect=400)
    assert b"upgrade of the connection to 'test'" in stream.until(b"}")
    stage.wait_ended()


def test_an_upgrade_in_http_1_0_is_rejected(stage):
    stage.get("mode=echo&protocol=test", headers=UPGRADE, version="1.0", expect=400)


def test_after_a_rejected_upgrade_the_next_request_is_validated(stage):
    again = b"GET /test/stream?mode=bytes&bytes=8 HTTP/1.1\r\nHost: x\r\n\r\n"
    stream = stage.get("mode=bytes&bytes=16", headers=UPGRADE, early=again + b"GET / HTTP/1.1\r\nX : y\r\n\r\n")
    assert stream.read_pattern() == 16
    assert b" 200 " in stream.until(b"\r\n\r\n")
    assert stream.read_pattern() == 8
    assert b" 400 " in stream.until(b"\r\n\r\n")


# ---- TLS ----

@pytest.fixture
def secure(start, certificates):
    return start(scheme="https", SP_SERVER_TLS_CERT=str(certificates.path("server.crt")),
                 SP_SERVER_TLS_KEY=str(certificates.path("server.key")))


def test_streams_over_tls(secure):
    stream = secure.get("mode=bytes&bytes=50000000")
    assert stream.read_pattern() == 50000000 and stream.complete
    failed = secure.get("mode=bytes&bytes=1000000&fail_at=300000")
    assert failed.read_pattern() == 300000 and not failed.complete
    body = secure.get("mode=lines&interval_ms=100").body()
    assert [next(body), next(body)] == [b"line 0\n", b"line 1\n"]
    hang = secure.get("mode=hang")
    count = len(secure.ended())
    hang.close()
    secure.wait_ended(count + 1, 1.0)


@pytest.mark.parametrize("early", [b"", b"not HTTP\n\0\xff"])
def test_an_upgraded_connection_over_tls(secure, early):
    stream = echo(secure, 4 << 20, early)
    plain = stream.socket.unwrap()
    plain.close()
    assert secure.wait_ended()[0]["code"] == "OK"
    echo(secure, 1 << 20).close()  # without a word
    assert secure.wait_ended(2)[1]["code"] == "CANCELLED"
    gone = secure.get("mode=echo&protocol=test", headers=UPGRADE, expect=101)
    secure.worker.kill()
    assert not gone.more()
