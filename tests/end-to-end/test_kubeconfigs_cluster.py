"""kubectl against the table of kubeconfigs, as the reference for tests/component/auth."""

import base64
import os
import pty
import subprocess

import pytest

from control_plane import CLUSTER
from kube_peers import ApiServer, kube_certificates
from kubeconfigs import ANONYMOUS, OTHER, PLAIN, SHAPES, TLS, expected, seen


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return kube_certificates(tmp_path_factory.mktemp("certificates") / "pki")


@pytest.fixture(scope="module")
def servers(certificates):
    servers = {TLS: ApiServer(certificates), OTHER: ApiServer(certificates), PLAIN: ApiServer(None)}
    yield servers
    for server in servers.values():
        server.close()


ASKED = "Basic " + base64.b64encode(b"nobody:nothing").decode()


def run_kubectl(path, folder):
    """Its output. On a terminal: without credentials it asks for a user name and a password."""
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    terminal, stdin = pty.openpty()
    try:
        os.write(terminal, b"nobody\nnothing\n")
        return subprocess.run([os.environ.get("KUBECTL", f"{CLUSTER}/bin/kubectl"), "--kubeconfig", path, "--cache-dir",
                               folder / "cache", "--request-timeout=5s", "get", "--raw", "/version"],
                              stdin=stdin, capture_output=True, text=True, env=env, timeout=30).stderr
    finally:
        os.close(stdin)
        os.close(terminal)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_each_kubeconfig_has_the_expected_result(servers, certificates, tmp_path, shape):
    for server in servers.values():
        server.seen.clear()
    said = run_kubectl(shape.write(tmp_path, servers, certificates), tmp_path)
    server, user, path = seen(servers)
    assert (server, ANONYMOUS if user == ASKED else user, path) == expected(shape), said
