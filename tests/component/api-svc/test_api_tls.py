"""HTTPS: the HTTP tests, and TLS specifics."""

import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import time

import pytest

from api_peers import BUILD, HEALTH, SLOW
from certificates import Certificates
from processes import wait_for

# The same tests with this module's `start`: HTTPS.
from test_api_framing import (  # noqa: F401
    test_a_stalled_client_gets_408, test_a_client_that_continues_sending_can_read_the_413,
    test_an_overlong_chunk_header_does_not_affect_other_uploads, test_chunks_sent_byte_by_byte_are_a_body,
    test_results_are_the_same_byte_by_byte, test_requests_that_end_the_connection_are_answered_once,
    test_malformed_requests_are_rejected_once_and_the_connection_closed,
    test_well_formed_requests_are_served_and_so_are_following_ones)
from test_api_http import (  # noqa: F401
    closes_within, test_a_chunked_body_is_a_body, test_a_pending_request_is_not_disconnected,
    test_too_many_headers_are_rejected,
    test_pipelined_requests_are_answered_in_order, test_shutdown_completes_running_requests,
    test_shutdown_has_a_timeout, test_slow_clients_are_disconnected)
from test_api_routes import *  # noqa: E402,F401,F403
from test_api_undo import (  # noqa: E402,F401
    test_a_create_of_a_disconnected_client_is_undone, test_a_create_by_key_of_a_disconnected_client_is_kept,
    test_clients_that_half_close_get_a_response_if_and_only_if_a_container_exists)


pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.authority("ca")
    made.sign("ca", "first")
    made.sign("ca", "second")
    made.context = ssl.create_default_context(cafile=made.path("ca.crt"))
    made.context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python does it since 3.13
    return made


class Pair:
    """The TLS files; replaced like a mounted Secret, or in place."""

    def __init__(self, certificates, folder):
        self.certificates, self.folder = certificates, folder
        self.put("first")

    def put(self, name, parts=("crt", "key")):
        for part in parts:
            shutil.copy(self.certificates.path(f"{name}.{part}"), self.path(part) + ".new")
            os.rename(self.path(part) + ".new", self.path(part))

    def path(self, part):
        return str(self.folder / f"api.{part}")

    def settings(self):
        return {"SP_SERVER_TLS_CERT": self.path("crt"), "SP_SERVER_TLS_KEY": self.path("key")}


@pytest.fixture
def pair(certificates, tmp_path):
    return Pair(certificates, tmp_path)


@pytest.fixture
def start(start, certificates, pair):
    def start_https(**environment):
        api = start(**pair.settings(), **environment)
        api.context = certificates.context
        return api

    return start_https


def name_shown(api):
    with api.connect() as s:
        return dict(field for part in s.getpeercert()["subject"] for field in part)["commonName"]


def test_a_changed_certificate_is_loaded_without_losing_connections(api, pair):
    assert name_shown(api) == "first"
    kept = api.connection(10)
    kept.request("GET", HEALTH)
    assert kept.getresponse().read()
    pair.put("second", ["crt"])  # half of the pair: it does not fit
    wait_for("a warning", lambda: name_shown(api) and api.find_log("the new certificate is invalid; keeping the current one"))
    assert name_shown(api) == "first" and api.healthy()
    pair.put("second", ["key"])
    wait_for("the new certificate", lambda: name_shown(api) == "second")
    pathlib.Path(pair.path("crt")).write_text("no PEM")
    time.sleep(1.2)
    assert name_shown(api) == "second"
    assert len([line for line in api.logs() if line["msg"].startswith("the new certificate is invalid")]) == 2
    pair.put("first")
    wait_for("the old certificate again", lambda: name_shown(api) == "first")
    kept.request("GET", HEALTH)
    assert kept.getresponse().status == 200
    kept.close()


def test_a_fifo_as_certificate_or_key_does_not_block(api, pair):
    assert name_shown(api) == "first"
    for name in ("crt", "key"):
        os.mkfifo(pair.path(name) + ".fifo")
        os.rename(pair.path(name) + ".fifo", pair.path(name))

    def warnings():
        assert name_shown(api) == "first"
        return [line for line in api.logs() if line["msg"].startswith("the new certificate is invalid")]

    wait_for("a warning", warnings)
    time.sleep(1.2)
    assert len(warnings()) == 1 and "SP_SERVER_TLS_CERT, SP_SERVER_TLS_KEY: " in warnings()[0]["error"]
    api.process.send_signal(signal.SIGTERM)
    assert api.process.wait(2) == 0


def first_bytes():
    """The start of a TLS handshake."""
    out = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def test_bytes_other_than_a_handshake_are_rejected(api):
    hello = first_bytes()
    for data in (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 1000, b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                 hello[:40] + b"\xff" * 400, hello + b"garbage" * 100):
        with api.connect_plain() as s:
            s.sendall(data)
            assert data.startswith(hello[:40]) or closes_within(s, 5 * SLOW)  # more bytes of the ClientHello may follow
    for _ in range(50):  # closed in the middle of it
        with api.connect_plain() as s:
            s.sendall(hello[:100])
    assert api.healthy()


def test_a_slow_handshake_times_out(worker, start):
    api = start(SP_SERVER_READ_TIMEOUT="1s")
    hello = first_bytes()
    with api.connect_plain() as silent, api.connect_plain() as half, api.connect_plain() as slow:
        half.sendall(hello[:-1])
        begin = time.monotonic()
        try:
            for i in range(60):
                slow.sendall(hello[i:i + 1])
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - begin < 4 * SLOW
        assert closes_within(silent, 3 * SLOW) and closes_within(half, 3 * SLOW)
    assert api.healthy()


def test_health_responds_with_200_idle_connections(api):
    idle = [api.connect() for _ in range(200)] + [api.connect_plain() for _ in range(50)]
    begin = time.monotonic()
    assert api.healthy()
    assert time.monotonic() - begin < 1 * SLOW
    for s in idle:
        s.close()


def test_health_option_uses_https(api, pair):
    env = {k: v for k, v in os.environ.items() if not k.startswith("SP_")}
    env |= {"SP_NAME": "x", "SP_NATS_URL": "nats://127.0.0.1:1", "SP_SERVER_ADDRESS": f"127.0.0.1:{api.port}"}
    done = subprocess.run([BUILD / "bin" / "api-svc", "--health"], capture_output=True, text=True, timeout=20,
                          env=env | pair.settings())
    assert (done.returncode, done.stdout) == (0, "healthy\n"), done.stderr


def test_old_tls_versions_are_rejected(api, certificates):
    for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
        context = ssl.create_default_context(cafile=certificates.path("ca.crt"))
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            with context.wrap_socket(api.connect_plain(), server_hostname="127.0.0.1") as s:
                assert good and s.version() == version.name.replace("_", ".")
        except ssl.SSLError:
            assert not good


def test_invalid_settings_are_rejected(certificates, tmp_path):
    (tmp_path / "text").write_text("no PEM")
    first = certificates.path("first.crt")
    for settings, words in (
            ({"SP_SERVER_TLS_CERT": first}, ["SP_SERVER_TLS_CERT", "SP_SERVER_TLS_KEY"]),
            ({"SP_SERVER_TLS_KEY": certificates.path("first.key")}, ["SP_SERVER_TLS_CERT", "SP_SERVER_TLS_KEY"]),
            ({"SP_SERVER_TLS_CERT": first, "SP_SERVER_TLS_KEY": certificates.path("second.key")}, ["does not match"]),
            ({"SP_SERVER_TLS_CERT": first, "SP_SERVER_TLS_KEY": "/no/such/file"}, ["/no/such/file"]),
            ({"SP_SERVER_TLS_CERT": str(tmp_path / "text"), "SP_SERVER_TLS_KEY": certificates.path("first.key")},
             ["no certificate"]),
            ({"SP_SERVER_TLS_CLIENT_CA": first}, ["SP_SERVER_TLS_CLIENT_CA", "SP_SERVER_TLS_CERT"])):
        env = {k: v for k, v in os.environ.items() if not k.startswith("SP_")}
        done = subprocess.run([BUILD / "bin" / "api-svc", "--check-config"], capture_output=True, text=True, timeout=20,
                              env={**env, "SP_NAME": "x", "SP_NATS_URL": "nats://127.0.0.1:1", **settings})
        assert done.returncode == 1 and all(word in done.stderr for word in words), (settings, done.stderr)
