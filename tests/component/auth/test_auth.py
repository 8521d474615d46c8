"""Requests received by an API server for every kubeconfig authentication method."""

import base64
import json
import os
import pathlib
import time

import pytest

OK = "OK 200 DeploymentList"
LOOK_S = 1.1  # files are checked once a second
V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


def put(path, text):
    """Rename into place, as the kubelet does."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.rename(path)


# ---- who we are ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("user, expected", [
    ({}, []),
    ({"token": "secret-1"}, ["Bearer secret-1"]),
    ({"username": "jim", "password": "secret-2"}, ["Basic " + base64.b64encode(b"jim:secret-2").decode()]),
])
def test_authorization_headers(api, probe, kubeconfig, user, expected):
    one = probe(kubeconfig(api.url, user))
    assert one.get() == OK
    assert api.headers("Authorization") == expected


@pytest.mark.parametrize("form", ["data", "file"])
def test_a_client_certificate_is_sent(api, probe, kubeconfig, certificates, form):
    user = {"client-certificate": str(certificates.path("jane.crt")), "client-key": str(certificates.path("jane.key"))}
    if form == "data":
        user = {"client-certificate-data": certificates.data("jane.crt"),
                "client-key-data": certificates.data("jane.key"), "client-key": "overridden"}
    assert probe(kubeconfig(api.url, user)).get() == OK
    assert api.seen[-1]["client"] == "jane"


def test_paths_are_relative_to_the_kubeconfig(api, probe, kubeconfig, certificates, tmp_path):
    for name in ("ca.crt", "joe.crt", "joe.key"):
        put(tmp_path / name, certificates.text(name))
    path = kubeconfig(api.url, {"client-certificate": "joe.crt", "client-key": "./joe.key"},
                      **{"certificate-authority": "ca.crt"})
    assert probe(path).get() == OK
    assert api.seen[-1]["client"] == "joe"


def test_impersonation_headers(api, probe, kubeconfig):
    user = {"token": "secret", "as": "jane", "as-uid": "7", "as-groups": ["a", "b"],
            "as-user-extra": {"Dept/Unit": ["x"]}}
    assert probe(kubeconfig(api.url, user)).get() == OK
    assert api.headers("Impersonate-User") == ["jane"]
    assert api.headers("Impersonate-Uid") == ["7"]
    assert api.headers("Impersonate-Group") == ["a", "b"]
    assert api.headers("Impersonate-Extra-Dept%2FUnit") == ["x"]


# ---- how we reach it -------------------------------------------------------------------------------------------------

def test_a_server_url_with_a_path_prefix(api, probe, kubeconfig):
    assert probe(kubeconfig(api.url + "/clusters/one//")).get("/version") == OK
    assert api.seen[-1]["path"] == "/clusters/one/version"


def test_without_tls_no_credentials_are_sent(plain_api, probe, kubeconfig):
    one = probe(kubeconfig(plain_api.url, {"token": "t"}, **{"tls-server-name": "unused"}))
    assert one.get() == OK
    assert plain_api.headers("Authorization") == [], "tokens are not sent in clear text"


def test_tls_server_name_is_verified_and_sent(api, probe, kubeconfig):
    assert probe(kubeconfig(api.url, **{"tls-server-name": "kubernetes.default"})).get() == OK
    assert api.seen[-1]["server_name"] == "kubernetes.default"
    assert api.headers("Host") == [api.url.removeprefix("https://")]


def test_a_wrong_tls_server_name_is_rejected(api, probe, kubeconfig):
    assert probe(kubeconfig(api.url, **{"tls-server-name": "other.default"})).get().startswith("UNAVAILABLE 0 ")
    assert api.seen == []


def test_an_unknown_authority_is_rejected(api, probe, kubeconfig, certificates):
    answer = probe(kubeconfig(api.url, **{"certificate-authority-data": certificates.data("jane.crt")})).get()
    assert answer.startswith("UNAVAILABLE 0 ") and "certificate" in answer
    assert api.seen == []


def test_insecure_skips_verification(api, probe, kubeconfig):
    assert probe(kubeconfig(api.url, **{"insecure-skip-tls-verify": True})).get() == OK


def test_the_proxy_of_the_kubeconfig_is_used(api, probe, kubeconfig, proxy):
    url = f"{proxy.kind}://127.0.0.1:{proxy.port}"
    assert probe(kubeconfig(api.url, **{"proxy-url": url})).get() == OK
    assert proxy.asked == [api.server_address]


def test_the_proxy_resolves_the_host(api, probe, kubeconfig, proxy):
    server = f"https://kubernetes.default:{api.server_address[1]}"
    assert probe(kubeconfig(server, **{"proxy-url": f"{proxy.kind}://127.0.0.1:{proxy.port}"})).get() == OK
    assert proxy.asked == [("kubernetes.default", api.server_address[1])]


def test_tls_server_name_through_a_proxy(api, probe, kubeconfig, proxy):
    url = f"{proxy.kind}://127.0.0.1:{proxy.port}"
    path = kubeconfig(api.url, **{"proxy-url": url, "tls-server-name": "kubernetes.default"})
    assert probe(path).get() == OK
    assert proxy.asked == [api.server_address]
    assert api.seen[-1]["server_name"] == "kubernetes.default"


@pytest.mark.parametrize("proxy", ["http"], indirect=True)
@pytest.mark.parametrize("variables, proxied", [
    ({"HTTPS_PROXY": "@"}, True),
    ({"https_proxy": "@"}, True),
    ({"HTTPS_PROXY": "@", "https_proxy": "http://127.0.0.1:1"}, True),
    ({"https_proxy": "@", "HTTPS_PROXY": ""}, True),
    ({"HTTPS_PROXY": "@", "NO_PROXY": "default.kubernetes,.svc,10.0.0.0/8"}, True),
    ({"HTTPS_PROXY": "@", "NO_PROXY": "default.svc", "no_proxy": "*"}, True),
    ({"HTTP_PROXY": "@"}, False),
    ({"ALL_PROXY": "@", "all_proxy": "@"}, False),
    ({"HTTPS_PROXY": "@", "NO_PROXY": "*"}, False),
    ({"HTTPS_PROXY": "@", "no_proxy": "kubernetes.default"}, False),
    ({"HTTPS_PROXY": "@", "NO_PROXY": "a, .default"}, False),
])
def test_a_proxy_from_the_environment_is_used(api, probe, kubeconfig, proxy, variables, proxied):
    """Only the proxy knows the name of the server."""
    env = {key: value.replace("@", f"{proxy.kind}://127.0.0.1:{proxy.port}") for key, value in variables.items()}
    answer = probe(kubeconfig(f"https://kubernetes.default:{api.server_address[1]}"), **env).get()
    assert answer == OK if proxied else answer.startswith("UNAVAILABLE 0 "), answer
    assert proxy.asked == [("kubernetes.default", api.server_address[1])] * proxied


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_addresses_bypass_the_proxy(api, probe, kubeconfig, proxy, host):
    """kind, minikube and k3d, behind a company proxy."""
    url = f"{proxy.kind}://127.0.0.1:{proxy.port}"
    path = kubeconfig(f"https://{host}:{api.server_address[1]}", **{"tls-server-name": "kubernetes.default"})
    assert probe(path, HTTPS_PROXY=url, https_proxy=url, HTTP_PROXY=url).get() == OK
    assert proxy.asked == []


def test_the_proxy_of_the_kubeconfig_takes_precedence(api, probe, kubeconfig, proxy):
    path = kubeconfig(api.url, **{"proxy-url": f"{proxy.kind}://127.0.0.1:{proxy.port}"})
    assert probe(path, HTTPS_PROXY="http://127.0.0.1:1", NO_PROXY="*").get() == OK
    assert proxy.asked == [api.server_address]


def test_in_a_pod_the_service_account_is_used(api, probe, certificates, tmp_path):
    put(tmp_path / "token", "secret-mounted\n")
    put(tmp_path / "ca.crt", certificates.text("ca.crt"))
    host, port = api.server_address
    one = probe("", KUBERNETES_SERVICE_HOST=host, KUBERNETES_SERVICE_PORT=str(port),
                SP_K8S_SERVICE_ACCOUNT_DIR=str(tmp_path))
    assert one.get() == OK
    assert api.headers("Authorization") == ["Bearer secret-mounted"]


# ---- what changes ----------------------------------------------------------------------------------------------------

def test_a_rotated_token_is_used(api, probe, kubeconfig, tmp_path):
    put(tmp_path / "token", "secret-1")
    one = probe(kubeconfig(api.url, {"tokenFile": "token"}))
    assert one.get() == OK
    put(tmp_path / "token", "secret-2")
    time.sleep(LOOK_S)
    assert one.get() == OK
    assert api.headers("Authorization") == ["Bearer secret-2"]


def test_after_401_the_token_is_read_immediately(api, probe, kubeconfig, tmp_path):
    put(tmp_path / "token", "secret-1")
    one = probe(kubeconfig(api.url, {"tokenFile": "token"}))
    assert one.get() == OK
    api.allow = ["Bearer secret-2"]
    put(tmp_path / "token", "secret-2")
    before = len(api.seen)
    assert one.get() == OK
    assert len(api.seen) == before + 2
    api.allow = []
    assert one.get() == "UNAVAILABLE 401 Kubernetes returned 401 : Unauthorized"
    assert len(api.seen) == before + 5, "one retry and a readiness probe, not more"
    assert api.seen[-1]["path"] == "/readyz"


def test_a_fifo_as_credential_file_does_not_block(api, probe, kubeconfig, certificates, tmp_path):
    for name, text in (("crt", "jane.crt"), ("key", "jane.key"), ("ca", "ca.crt")):
        put(tmp_path / name, certificates.text(text))
    put(tmp_path / "token", "secret-1")
    config = kubeconfig(api.url, {"client-certificate": "crt", "client-key": "key", "tokenFile": "token"},
                        **{"certificate-authority": "ca"})
    one = probe(config)
    assert one.get() == OK
    for name in ("crt", "key", "ca", "token"):
        os.mkfifo(tmp_path / "fifo")
        os.rename(tmp_path / "fifo", tmp_path / name)
    for _ in range(3):
        time.sleep(LOOK_S)
        assert one.get() == OK
    kept = [line for line in one.end().splitlines() if "keeping the current ones" in line]
    assert len(kept) == 3 and all('"variable":"SP_K8S_KUBECONFIG"' in line for line in kept), kept
    os.mkfifo(tmp_path / "kubeconfig-fifo")
    assert "SP_K8S_KUBECONFIG" in (first := probe(str(tmp_path / "kubeconfig-fifo")).first), first
    assert "is not a regular file" in first


def test_a_rotated_client_certificate_is_used(api, probe, kubeconfig, certificates, tmp_path):
    put(tmp_path / "crt", certificates.text("jane.crt"))
    put(tmp_path / "key", certificates.text("jane.key"))
    one = probe(kubeconfig(api.url, {"client-certificate": "crt", "client-key": "key"}))
    assert one.get() == OK
    put(tmp_path / "crt", certificates.text("joe.crt"))
    time.sleep(LOOK_S)
    assert one.get() == OK
    assert api.seen[-1]["client"] == "jane", "half of the new pair is not used"
    put(tmp_path / "key", certificates.text("joe.key"))
    time.sleep(LOOK_S)
    assert one.get() == OK
    assert api.seen[-1]["client"] == "joe"


def test_a_rotated_authority_is_used(api, probe, kubeconfig, certificates, tmp_path):
    put(tmp_path / "ca.crt", certificates.text("jane.crt"))
    one = probe(kubeconfig(api.url, **{"certificate-authority": "ca.crt"}))
    assert one.get().startswith("UNAVAILABLE 0 ")
    put(tmp_path / "ca.crt", certificates.text("ca.crt"))
    time.sleep(LOOK_S)
    assert one.get() == OK


# ---- plugins ---------------------------------------------------------------------------------------------------------

class Plugin:
    """A shell script that prints the contents of the file `answer`, and counts its runs."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "plugin"
        self.path.write_text(f"#!/bin/sh\ncd {folder}\necho \"$KUBERNETES_EXEC_INFO\" > info\necho x >> runs\n"
                             "[ -e before ] && . ./before\ncat answer\n")
        self.path.chmod(0o700)

    def answer(self, version=V1, **status):
        put(self.folder / "answer", json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))

    def before(self, script):
        put(self.folder / "before", script)

    @property
    def runs(self):
        runs = self.folder / "runs"
        return len(runs.read_text().split()) if runs.exists() else 0

    @property
    def info(self):
        return json.loads((self.folder / "info").read_text())


@pytest.fixture
def plugin(tmp_path):
    return Plugin(tmp_path)


def user_of(version=V1, command="./plugin", **more):
    return {"exec": {"apiVersion": version, "command": command, "interactiveMode": "Never"} | more}


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_the_token_of_a_plugin_is_used(api, probe, kubeconfig, plugin, version):
    plugin.answer(version, token="secret-1")
    one = probe(kubeconfig(api.url, user_of(version)))
    assert one.get() == OK and one.get() == OK
    assert api.headers("Authorization") == ["Bearer secret-1"]
    assert plugin.runs == 1
    assert plugin.info == {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}


def test_a_plugin_is_found_in_path(api, probe, kubeconfig, plugin):
    plugin.answer(token="secret-1")
    one = probe(kubeconfig(api.url, user_of(command="plugin")), PATH=f"{plugin.folder}:{os.environ['PATH']}")
    assert one.get() == OK


def test_the_certificate_of_a_plugin_is_used(api, probe, kubeconfig, certificates, plugin):
    plugin.answer(clientCertificateData=certificates.text("jane.crt"), clientKeyData=certificates.text("jane.key"))
    assert probe(kubeconfig(api.url, user_of())).get() == OK
    assert api.seen[-1]["client"] == "jane"


def test_a_plugin_gets_cluster_info_if_requested(api, probe, kubeconfig, certificates, plugin):
    plugin.answer(token="secret-1")
    one = probe(kubeconfig(api.url, user_of(provideClusterInfo=True), **{
        "tls-server-name": "kubernetes.default", "disable-compression": True,
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}]}))
    assert one.get() == OK
    assert plugin.info["spec"]["cluster"] == {
        "server": api.url, "certificate-authority-data": certificates.data("ca.crt"), "config": {"audience": "a"},
        "tls-server-name": "kubernetes.default", "disable-compression": True}


def test_after_401_the_plugin_runs_again(api, probe, kubeconfig, plugin):
    plugin.answer(token="secret-1")
    one = probe(kubeconfig(api.url, user_of()))
    assert one.get() == OK
    plugin.answer(token="secret-2")
    api.allow = ["Bearer secret-2"]
    time.sleep(LOOK_S)
    assert one.get() == OK
    assert plugin.runs == 2


def test_many_threads_share_one_run_of_a_plugin(api, probe, kubeconfig, plugin):
    plugin.answer(token="secret-1")
    plugin.before("sleep 0.5")
    one = probe(kubeconfig(api.url, user_of()))
    assert one.say("many 32 /version") == "OK"
    assert plugin.runs == 1 and len(api.seen) == 32


def test_many_threads_with_401_run_a_plugin_at_most_twice(api, probe, kubeconfig, plugin):
    plugin.answer(token="secret-1")
    api.allow = []
    one = probe(kubeconfig(api.url, user_of()))
    assert one.say("many 32 /version") == "UNAVAILABLE"
    assert plugin.runs <= 2, "a failing server does not cause repeated runs"


def test_a_failed_plugin_is_unavailable(api, probe, kubeconfig, plugin):
    plugin.answer(token="secret-1")
    plugin.before("echo 'please log in' >&2; exit 3")
    one = probe(kubeconfig(api.url, user_of()))
    answer = one.get()
    assert answer.startswith("UNAVAILABLE 0 ") and answer.endswith("/./plugin': exit code 3: please log in")
    assert plugin.runs <= 4, "within three seconds of retries"
    plugin.before("")
    time.sleep(LOOK_S)
    assert one.get() == OK


def test_a_hanging_plugin_is_limited_by_the_request_timeout(api, probe, kubeconfig, plugin):
    plugin.answer(token="secret-1")
    plugin.before("sleep 5 & wait")
    one = probe(kubeconfig(api.url, user_of()))
    started = time.monotonic()
    answer = one.get()
    assert answer.startswith("TIMEOUT 0 ") and "is still running" in answer
    assert 2.5 < time.monotonic() - started < 4
    assert one.get() == OK, "it ran on, and has ended"
    assert plugin.runs == 1
    plugin.before("")


def running(group):
    """The processes of a group, but for those that only wait to be reaped."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, number = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(number) == group and state != "Z":
            found.append(stat.parent.name)
    return found


def test_no_process_of_a_plugin_survives_shutdown(api, probe, kubeconfig, plugin):
    plugin.before("echo $$ > pid; sleep 71 & sleep 71")
    one = probe(kubeconfig(api.url, user_of()))
    assert one.get().startswith("TIMEOUT 0 ")
    group = int((plugin.folder / "pid").read_text())
    started = time.monotonic()
    one.end()
    assert time.monotonic() - started < 2
    assert not running(group)


def test_a_plugin_with_another_api_version_is_rejected(api, probe, kubeconfig, plugin):
    plugin.answer(V1BETA1, token="secret-1")
    assert f"its output has API version {V1BETA1}, but the kubeconfig requires {V1}" in \
        probe(kubeconfig(api.url, user_of())).get()


# ---- what cannot work ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("user, cluster, message", [
    ({"auth-provider": {"name": "gcp"}}, {}, "auth-provider 'gcp' is not supported"),
    (user_of(interactiveMode="Always"), {}, "interactiveMode Always"),
    ({}, {"insecure-skip-tls-verify": True, "certificate-authority-data": "eA=="}, "exclude each other"),
    ({"client-certificate-data": "eA==", "client-key-data": "eA=="}, {}, "no certificate found"),
    ({"token": 7}, {}, "token must be a string, but it is a number"),
])
def test_invalid_kubeconfigs_are_rejected_at_startup(probe, kubeconfig, user, cluster, message):
    path = kubeconfig("https://127.0.0.1:1", user, **cluster)
    one = probe(path)
    assert one.first.startswith(f"INVALID_ARGUMENT SP_K8S_KUBECONFIG: {path}: ") and message in one.first


def test_without_kubeconfig_outside_a_pod_startup_fails(probe):
    one = probe("", KUBERNETES_SERVICE_HOST="", KUBERNETES_SERVICE_PORT="")
    assert one.first.startswith("INVALID_ARGUMENT KUBERNETES_SERVICE_HOST and ") and "SP_K8S_KUBECONFIG" in one.first
