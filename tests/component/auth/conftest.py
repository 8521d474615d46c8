"""Shared by the tests: a TLS server with certificates, and the probe (auth_probe.c) that calls it."""

import json
import os
import pathlib
import subprocess

import pytest

from kube_peers import ApiServer, TunnelProxy, kube_certificates

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD
LIBRARIES = "-lnats -lcjson -lcurl -lyaml -lcrypto -lm -ldl".split()


class Probe:
    """A running auth_probe; `first` is the result of kube_auth_create()."""

    def __init__(self, program, kubeconfig, env, log):
        self.log = log
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen([program, kubeconfig], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=stderr, text=True, env=env)
        self.first = self._line()

    def _line(self):
        return self.process.stdout.readline().rstrip("\n")

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._line()

    def get(self, path="/apis/apps/v1/namespaces/x/deployments"):
        return self.say("get " + path)

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        return self.log.read_text(errors="replace")


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    library = BUILD / "libcommon.a"
    assert library.exists(), f"{library} is not built"
    path = tmp_path_factory.mktemp("probe") / "auth_probe"
    command = [os.environ.get("CC", "cc"), "-std=gnu17", "-g", "-I.", "-D_GNU_SOURCE", "-pthread",
               str(HERE / "auth_probe.c"), str(library), "-o", str(path), *LIBRARIES]
    if "address" in BUILD.name:
        command += ["-fsanitize=address,undefined"]
    subprocess.run(command, cwd=ROOT, check=True)
    return path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return kube_certificates(tmp_path_factory.mktemp("certificates") / "pki")


@pytest.fixture
def api(certificates):
    server = ApiServer(certificates)
    yield server
    server.close()


@pytest.fixture
def plain_api():
    server = ApiServer(None)
    yield server
    server.close()


@pytest.fixture
def probe(program, tmp_path):
    """probe(kubeconfig, **env) starts one. At the end: none has crashed, and no secret is in its log."""
    probes = []

    def start(kubeconfig, **env):
        clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        probes.append(Probe(program, str(kubeconfig), clean | env, tmp_path / f"log{len(probes)}"))
        return probes[-1]

    yield start
    for one in probes:
        log = one.end()
        assert one.process.returncode == (0 if one.first.startswith("OK") else 1), log
        assert "secret" not in log and "PRIVATE" not in log


@pytest.fixture
def kubeconfig(tmp_path, certificates):
    """kubeconfig(server, user, **cluster) writes one (in JSON, which is YAML) and returns its path."""

    def write(server, user=None, **cluster):
        if server.startswith("https") and not {"insecure-skip-tls-verify", "certificate-authority"} & set(cluster):
            cluster.setdefault("certificate-authority-data", certificates.data("ca.crt"))
        path = tmp_path / "config"
        path.write_text(json.dumps({
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server} | cluster}],
            "users": [{"name": "u", "user": user or {}}],
        }))
        return path

    return write


@pytest.fixture(params=["http", "socks5"])
def proxy(request):
    server = TunnelProxy(request.param)
    yield server
    server.close()
