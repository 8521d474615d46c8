"""The connection to the registry: proxies from the environment, and invalid responses."""

import pytest

from kube_liar import Liar, http
from kube_peers import TunnelProxy
from processes import wait_for


@pytest.fixture
def proxy():
    server = TunnelProxy("http")
    yield server
    server.close()


def through(proxy, name="HTTP_PROXY"):
    return {name: f"http://127.0.0.1:{proxy.port}"}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_a_proxy_from_the_environment_is_used(api, registry, start, proxy, name):
    """Only the proxy knows the name of the registry."""
    start(registry_url=registry.url.replace("127.0.0.1", "registry.example"), **through(proxy, name))
    wait_for("the registration", lambda: registry.providers)
    host, port = registry.url.split("/")[2].split(":")
    assert host == "127.0.0.1" and proxy.asked == [("registry.example", int(port))]
    assert registry.seen[0].headers["Host"] == f"registry.example:{port}"


@pytest.mark.parametrize("host, more", [
    ("127.0.0.1", {}), ("localhost", {}), ("127.0.0.1", {"ALL_PROXY": "http://127.0.0.1:1"}),
])
def test_loopback_addresses_bypass_the_proxy(api, registry, start, proxy, host, more):
    start(registry_url=registry.url.replace("127.0.0.1", host), **through(proxy), **more)
    wait_for("the registration", lambda: registry.providers)
    assert proxy.asked == []


@pytest.mark.parametrize("no_proxy", ["*", "registry.example", ".example", "a,registry.example:*,example"])
def test_no_proxy_bypasses_the_proxy(api, registry, start, proxy, no_proxy):
    registrar = start(registry_url=registry.url.replace("127.0.0.1", "registry.example"), NO_PROXY=no_proxy,
                      **through(proxy))
    line = wait_for("an attempt", registrar.attempts)[0]
    assert line["status"] == 0 and line["code"] == "UNAVAILABLE", line
    assert proxy.asked == []


def test_retry_after_is_limited_to_a_minute(api, registry, start):
    registry.always = (429, {"Retry-After": "86399"})
    registrar = start()
    line = wait_for("an attempt", registrar.attempts)[0]
    assert line["retry_after_s"] == 60 and 60_000 <= line["next_ms"] <= 61_000, line


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"hello", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                                    http(503, "<html>")], ids=["SSH", "text", "length", "503"])
def test_invalid_responses_are_retried(api, start, answer):
    liar = Liar(answer)
    try:
        registrar = start(registry_url=liar.url)
        lines = wait_for("two attempts", lambda: len(registrar.attempts()) >= 2 and registrar.attempts())
        assert all(line["level"] == "warn" and line["next_ms"] < 60_000 for line in lines), lines
    finally:
        liar.close()
