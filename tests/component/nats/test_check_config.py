"""--check-config reports errors that prevent the start, with the variable."""

import os
import pathlib
import socket
import subprocess

import pytest

from conftest import BIN, PROGRAMS
from test_login import refused

KUBECONFIG = """clusters: [{name: a, cluster: {server: "%s"}}]
contexts: [{name: a, context: {cluster: a, user: u}}]
users: [{name: u, user: %s}]
current-context: a
"""


@pytest.mark.parametrize("program", ["kube-worker", "monitor"])
def test_errors_of_the_kubernetes_configuration_are_reported(program, tmp_path):
    def file(name, text):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    pod = {"SP_K8S_KUBECONFIG": None, "KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    empty = tmp_path / "empty"
    empty.mkdir()
    cases = [
        ({"SP_K8S_KUBECONFIG": "/no/such/file"}, ["SP_K8S_KUBECONFIG: ", "/no/such/file"]),
        ({"SP_K8S_KUBECONFIG": "/no/such:/file"}, ["SP_K8S_KUBECONFIG: ", "none of these files"]),
        ({"SP_K8S_KUBECONFIG": str(tmp_path)}, ["SP_K8S_KUBECONFIG: ", "not a regular file"]),
        ({"SP_K8S_KUBECONFIG": file("text", "no kubeconfig")}, ["SP_K8S_KUBECONFIG: "]),
        ({"SP_K8S_KUBECONFIG": file("gcp", KUBECONFIG % ("https://h", "{auth-provider: {name: gcp}}"))},
         ["SP_K8S_KUBECONFIG: ", "gcp"]),
        ({"SP_K8S_KUBECONFIG": file("crt", KUBECONFIG % ("https://h", "{client-certificate: gone, client-key: gone}"))},
         ["SP_K8S_KUBECONFIG: ", "gone"]),
        ({"SP_K8S_KUBECONFIG": None}, ["KUBERNETES_SERVICE_HOST", "SP_K8S_KUBECONFIG"]),
        ({**pod, "SP_K8S_SERVICE_ACCOUNT_DIR": str(empty)}, ["SP_K8S_SERVICE_ACCOUNT_DIR: ", str(empty)]),
    ]
    for settings, words in cases:
        said = refused(program, **settings)
        assert "is invalid" in said and all(word in said for word in words), (settings, said)
    good = {"SP_K8S_KUBECONFIG": file("good", KUBECONFIG % ("https://h", "{token: t}"))}
    assert refused(program, **good).startswith("exit 0")
    file("empty/token", "t")
    os.link(pathlib.Path(__file__).parents[2] / "fixtures/kubeconfig/ca.crt", empty / "ca.crt")
    pod["SP_K8S_SERVICE_ACCOUNT_DIR"] = str(empty)
    assert refused(program, **pod).startswith("exit 0")
    assert "KUBERNETES_SERVICE_PORT" in refused(program, **{**pod, "KUBERNETES_SERVICE_PORT": "tcp"})


@pytest.mark.parametrize("program", PROGRAMS)
def test_health_survives_a_closed_connection(program):
    """SIGPIPE is ignored there as well."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        env = {"PATH": os.environ["PATH"], "SP_NAME": "x", "SP_NATS_URL": f"nats://{address}",
               "SP_SERVER_ADDRESS": address, "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort", "SP_ENDPOINT": "http://h",
               "SP_K8S_KUBECONFIG": str(pathlib.Path(__file__).parents[2] / "fixtures/kubeconfig/full.yaml"),
               "DCM_REGISTRATION_URL": "http://h"}
        asking = subprocess.Popen([BIN / program, "--health"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        silent.settimeout(5)
        peer, _ = silent.accept()
        status = pathlib.Path(f"/proc/{asking.pid}/status").read_text()
        assert int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")), 16) & 1 << 12
        peer.close()
        silent.close()
        assert asking.wait(10) == 1 and b"unhealthy" in asking.stdout.read()
