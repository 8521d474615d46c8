"""The command line, termination at any time, and --once."""

import signal
import socket
import time

import pytest

from ports import free_port
from support import Registrar
from processes import wait_for


def test_sigterm_during_a_hanging_post(api, registry, start):
    registry.always = "hang"
    registrar = start()
    wait_for("the request", lambda: registry.seen)
    begun = time.monotonic()
    assert registrar.terminate() == 0
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("delay", [0.2, 0.5, 1.3])
def test_sigterm_while_waiting_for_nats(nats, start, delay):
    nats.stop()
    registrar = start()
    wait_for("the start", lambda: registrar.find_log("ready"))
    time.sleep(delay)
    begun = time.monotonic()
    assert registrar.terminate() == 0
    assert time.monotonic() - begun < 5


def test_sigterm_while_backing_off_and_while_registered(api, registry, start):
    registry.script = [500, 500, 500]
    registrar = start()
    wait_for("two attempts", lambda: len(registrar.attempts()) == 2)
    assert registrar.terminate(5) == 0
    registry.script = []
    registrar = start()
    wait_for("the registration", lambda: registry.providers)
    assert registrar.terminate(5) == 0


def test_kill_9_during_a_post_is_harmless(api, registry, start):
    registry.script = ["hang"]
    first = start()
    wait_for("the request", lambda: registry.seen)
    first.process.kill()
    assert first.wait() == -signal.SIGKILL
    start()
    wait_for("the registration", lambda: list(registry.providers) == ["provider"])


@pytest.mark.parametrize("fault, code, requests", [
    (None, 0, 1), (409, 1, 1), (400, 1, 1), (401, 1, 1), (500, 2, 3), (429, 2, 3),
    ((429, {"Retry-After": "3000"}), 2, 1),
])
def test_once_has_an_exit_code(registry, start, fault, code, requests):
    registry.always = fault
    assert start("--once", nats=None).wait() == code
    assert len(registry.seen) == requests


def test_once_retries_a_few_times_on_connection_refused(start):
    registrar = start("--once", nats=None, registry_url=f"http://127.0.0.1:{free_port()}")
    assert registrar.wait() == 2
    assert len(registrar.attempts()) == 3


def test_once_retries_after_a_lost_connection(registry, start):
    registry.script = [503]
    assert start("--once", nats=None).wait() == 0


def test_sigterm_terminates_once_before_its_result(registry, start):
    registry.always = "hang"
    registrar = start("--once", nats=None)
    wait_for("the request", lambda: registry.seen)
    assert registrar.terminate(5) == 2


@pytest.mark.parametrize("variable, value", [
    ("DCM_REGISTRATION_URL", "registry:8080"), ("DCM_REGISTRATION_URL", "http://"),
    ("DCM_REGISTRATION_URL", "http:///api"), ("DCM_REGISTRATION_URL", "http://h/api?x=1"), ("DCM_REGISTRATION_URL", ""),
    ("SP_ENDPOINT", "provider:8080"), ("SP_ENDPOINT", "https://:8080"), ("SP_ENDPOINT", None), ("SP_NAME", None),
    ("SP_REGISTRATION_INTERVAL", "soon"), ("SP_REGISTRATION_INTERVAL", "10ms"), ("SP_REGISTRATION_CA", "/no/such/file"),
])
def test_invalid_configurations_are_rejected(tmp_path, variable, value):
    registrar = Registrar(tmp_path, None, **{"registry_url": "http://127.0.0.1:9", variable: value} if
                          variable != "DCM_REGISTRATION_URL" else {"registry_url": value})
    assert registrar.wait() == 1
    assert variable in registrar.text()


def test_all_configuration_errors_are_reported(tmp_path):
    registrar = Registrar(tmp_path, None, "htp://jane:geheim@x", SP_ENDPOINT="no", SP_NAME=None)
    assert registrar.wait() == 1
    assert all(name in registrar.text() for name in ("SP_NAME", "SP_ENDPOINT", "DCM_REGISTRATION_URL"))
    assert "geheim" not in registrar.text()


@pytest.mark.parametrize("option, expected", [
    ("--help", "--once"), ("--help", "DCM_REGISTRATION_URL"), ("--version", "registrar 0."),
    ("--check-config", "the configuration is valid"),
])
def test_command_line_options(tmp_path, option, expected):
    registrar = Registrar(tmp_path, None, "http://jane:geheim@registry", option)
    assert registrar.wait() == 0
    assert expected in registrar.text() and "geheim" not in registrar.text()


def test_health_option_queries_the_running_registrar(registry, start, nats):
    def health():
        return start("--health").wait()
    assert health() == 1
    registrar = start()
    wait_for("the connection to NATS", lambda: registrar.find_log("connected to NATS"))
    wait_for("a healthy registrar", lambda: health() == 0)
    assert registrar.terminate() == 0
    assert health() == 1


def test_an_unknown_argument_is_rejected(tmp_path):
    assert Registrar(tmp_path, None, "http://registry", "--twice").wait() == 1


def test_systemd_is_notified(api, registry, start, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(path)
        told.settimeout(10)
        registrar = start(NOTIFY_SOCKET=path)
        wait_for("the registration", lambda: registry.providers)
        words = [told.recv(200).decode()]
        while words[-1] != "STATUS=registered":
            words.append(told.recv(200).decode())
        assert words[0] == "READY=1"
        assert registrar.terminate() == 0
        assert told.recv(200).decode() == "STOPPING=1"
