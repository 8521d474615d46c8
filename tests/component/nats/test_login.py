"""All NATS authentication methods for all four processes, and rejected ones."""

import os
import pathlib
import subprocess

import pytest

from conftest import BIN, PROGRAMS
from nats_peers import tls
from nkeys import NKey, credentials

KUBECONFIG = pathlib.Path(__file__).parents[2] / "fixtures/kubeconfig/full.yaml"
OPERATOR, ACCOUNT = NKey("operator"), NKey("account")
OPERATOR_JWT, ACCOUNT_JWT = OPERATOR.sign(OPERATOR, "operator"), OPERATOR.sign(ACCOUNT, "account")
JWT_SERVER = f"operator: {OPERATOR_JWT}\nresolver: MEMORY\nresolver_preload: {{ {ACCOUNT.public}: {ACCOUNT_JWT} }}\n"
PASSWORD = "pass-word-4711"


def user_credentials(account=ACCOUNT):
    user = NKey("user")
    return credentials(account.sign(user, "user"), user)


class Login:
    """One kind of login: valid and invalid values, and the configuration of the server. `files` are written to a folder."""

    def __init__(self, kind, certificates):
        key, other = NKey("user"), NKey("user")
        ca = f", ca_file: '{certificates.path('ca.crt')}', verify: true"
        self.server, self.variable, self.right, self.wrong, self.more = {
            "credentials": (JWT_SERVER, "SP_NATS_CREDENTIALS", user_credentials(), user_credentials(NKey("account")), {}),
            "nkey": (f"authorization {{ users: [ {{ nkey: {key.public} }} ] }}\n", "SP_NATS_NKEY", key.seed + "\n",
                     other.seed, {}),
            "password": (f"authorization {{ user: u, password: {PASSWORD} }}\n", "SP_NATS_PASSWORD_FILE",
                         PASSWORD + "\n", "other-" + PASSWORD, {"SP_NATS_USER": "u"}),
            "token": (f"authorization {{ token: {PASSWORD} }}\n", "SP_NATS_TOKEN_FILE", PASSWORD, "x" + PASSWORD, {}),
            "authority": (tls(certificates), "SP_NATS_TLS_CA", certificates.text("ca.crt"), certificates.text("other-ca.crt"), {}),
            "client certificate": (tls(certificates, more=ca), "SP_NATS_TLS_CA", certificates.text("ca.crt"), certificates.text("other-ca.crt"),
                                   {"SP_NATS_TLS_CERT": certificates.path("client.crt"),
                                    "SP_NATS_TLS_KEY": certificates.path("client.key")}),
        }[kind]

    def start(self, start, path):
        self.path = path
        self.path.write_text(self.wrong)
        self.sp = start(self.server, **{self.variable: str(self.path), **self.more})


KINDS = ["credentials", "nkey", "password", "token", "authority", "client certificate"]


def test_a_rejected_login_is_retried_until_its_file_is_corrected(start, certificates, tmp_path):
    """All kinds in parallel, since most of the time is spent waiting."""
    logins = [Login(kind, certificates) for kind in KINDS]
    for number, login in enumerate(logins):
        login.start(start, tmp_path / f"login-{number}")
    for login in logins:
        login.sp.wait_log("SSL handshake error" if "TLS" in login.variable else "Authorization Violation")
        assert login.sp.connected() == [0, 0, 0, 0]
        login.path.write_text(login.right)
    for login in logins:
        login.sp.wait_connected()
        login.sp.wait_healthy()
        secret = login.right.split("SEED-----\n")[-1].split("\n")[0]
        for process in login.sp.processes.values():
            assert secret not in process.log() and secret not in pathlib.Path(
                f"/proc/{process.popen.pid}/environ").read_text(), login.variable


def test_after_a_revoked_login_is_restored_all_processes_reconnect(start, tmp_path):
    """The server rejects for longer than cnats retries; all subscriptions are restored, also those of workers."""
    user, other = NKey("user"), NKey("user")
    config = "authorization {{ users: [ {{ nkey: {} }} ] }}\n"
    (tmp_path / "seed").write_text(user.seed)
    sp = start(config.format(user.public), SP_NATS_NKEY=str(tmp_path / "seed"))
    sp.wait_connected()
    sp.nats.start(config.format(other.public))
    sp.wait_log("connect to NATS: Authorization Violation")
    assert sp.api.health() == "unhealthy"
    sp.nats.start(config.format(user.public))
    sp.wait_connected(2)
    sp.wait_healthy()
    assert sp.api.get("absent").status == 404


def test_changed_files_are_read_while_the_server_is_down(start, certificates, tmp_path):
    """Including those cached by cnats: a password and an authority."""
    server = "authorization {{ user: u, password: {} }}\n"
    password, authority = tmp_path / "password", tmp_path / "ca.crt"
    password.write_text("first")
    authority.write_text(certificates.text("ca.crt"))
    sp = start(server.format("first") + tls(certificates), SP_NATS_USER="u", SP_NATS_PASSWORD_FILE=str(password),
               SP_NATS_TLS_CA=str(authority))
    sp.wait_connected()
    sp.nats.process.kill()
    password.write_text("second")
    authority.write_text(certificates.text("other-ca.crt"))
    sp.nats.start(server.format("second") + tls(certificates, "other-server"))
    sp.wait_connected(2)
    sp.wait_healthy()


def test_a_server_with_another_name_is_rejected(start, certificates):
    sp = start(tls(certificates, "elsewhere"), SP_NATS_TLS_CA=certificates.path("ca.crt"))
    sp.wait_log("SSL handshake error")
    assert sp.connected() == [0, 0, 0, 0]


@pytest.mark.parametrize("server, url", [
    ("users: [ { user: 'a@b', password: 'p@ss/w#rd' } ]", "nats://a%40b:p%40ss%2Fw%23rd@"),
    ("token: 'to/ken'", "nats://to%2Fken@"),
], ids=["user", "token"])
def test_a_login_in_the_url_is_decoded(start, server, url):
    sp = start(f"authorization {{ {server} }}\n", with_login=url)
    sp.wait_connected()
    sp.wait_healthy()
    assert all("ss/w#rd" not in process.log() and "w%23rd" not in process.log() for process in sp.processes.values())


def refused(program, **settings):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SP_", "DCM_", "KUBERNETES_"))}
    env |= {"SP_K8S_KUBECONFIG": str(KUBECONFIG), "SP_NAME": "x", "SP_NATS_URL": "nats://127.0.0.1:1", "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort",
            "DCM_REGISTRATION_URL": "http://127.0.0.1:1", "SP_ENDPOINT": "http://127.0.0.1:1", **settings}
    done = subprocess.run([BIN / program, "--check-config"], env={k: v for k, v in env.items() if v is not None},
                          capture_output=True, text=True, timeout=10)
    assert PASSWORD not in done.stdout + done.stderr
    return done.stderr if done.returncode == 1 else f"exit {done.returncode}: {done.stdout}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_invalid_settings_are_rejected(program, certificates, tmp_path):
    def file(name, text):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    seed = NKey("user").seed
    typed = seed[:20] + ("A" if seed[20] != "A" else "B") + seed[21:]
    token, two_lines = file("token", PASSWORD), file("lines", "a\nb\n")
    good = user_credentials()
    cases = [
        ({"SP_NATS_TOKEN_FILE": token, "SP_NATS_NKEY": file("seed", seed)}, ["SP_NATS_TOKEN_FILE", "SP_NATS_NKEY"]),
        ({"SP_NATS_TOKEN_FILE": token, "SP_NATS_URL": "nats://u:p@127.0.0.1"}, ["SP_NATS_URL", "SP_NATS_TOKEN_FILE"]),
        ({"SP_NATS_CREDENTIALS": file("creds", good), "SP_NATS_USER": "u", "SP_NATS_PASSWORD_FILE": token},
         ["SP_NATS_CREDENTIALS", "SP_NATS_USER"]),
        ({"SP_NATS_USER": "u"}, ["SP_NATS_USER", "SP_NATS_PASSWORD_FILE"]),
        ({"SP_NATS_PASSWORD_FILE": token}, ["SP_NATS_USER", "SP_NATS_PASSWORD_FILE"]),
        ({"SP_NATS_TLS_CERT": certificates.path("client.crt")}, ["SP_NATS_TLS_CERT", "SP_NATS_TLS_KEY"]),
        ({"SP_NATS_TLS_KEY": certificates.path("client.key")}, ["SP_NATS_TLS_CERT", "SP_NATS_TLS_KEY"]),
        ({"SP_NATS_TLS_CERT": certificates.path("client.crt"), "SP_NATS_TLS_KEY": certificates.path("server.key")},
         ["SP_NATS_TLS_CERT", "SP_NATS_TLS_KEY", "does not match"]),
        ({"SP_NATS_TLS_CA": token}, ["SP_NATS_TLS_CA", "no certificate"]),
        ({"SP_NATS_TLS_CA": "/no/such/file"}, ["SP_NATS_TLS_CA", "/no/such/file"]),
        ({"SP_NATS_CREDENTIALS": "/no/such/file"}, ["SP_NATS_CREDENTIALS", "/no/such/file"]),
        ({"SP_NATS_CREDENTIALS": str(tmp_path)}, ["SP_NATS_CREDENTIALS", str(tmp_path)]),
        ({"SP_NATS_CREDENTIALS": token}, ["SP_NATS_CREDENTIALS", "JWT"]),
        ({"SP_NATS_CREDENTIALS": file("seedless", good.split("---BEGIN USER")[0])}, ["SP_NATS_CREDENTIALS", "seed"]),
        ({"SP_NATS_NKEY": token}, ["SP_NATS_NKEY", "seed"]),
        ({"SP_NATS_NKEY": file("typed", typed)}, ["SP_NATS_NKEY", "checksum"]),
        ({"SP_NATS_NKEY": file("account", NKey("account").seed)}, ["SP_NATS_NKEY", "seed"]),
        ({"SP_NATS_TOKEN_FILE": two_lines}, ["SP_NATS_TOKEN_FILE", "one line"]),
        ({"SP_NATS_TOKEN_FILE": file("empty", "")}, ["SP_NATS_TOKEN_FILE", "one line"]),
        ({"SP_NATS_TOKEN_FILE": "/dev/zero"}, ["SP_NATS_TOKEN_FILE", "/dev/zero"]),
        ({"SP_NATS_TOKEN_FILE": file("quote", 'a"b')}, ["SP_NATS_TOKEN_FILE", "a quote"]),
        ({"SP_NATS_USER": "u\\", "SP_NATS_PASSWORD_FILE": token}, ["SP_NATS_USER", "a backslash"]),
        ({"SP_NATS_URL": '"nats://127.0.0.1:4222"'}, ["SP_NATS_URL: server 1"]),
        ({"SP_NATS_URL": "nats://127.0.0.1:99999"}, ["SP_NATS_URL: server 1", "65535"]),
        ({"SP_NATS_URL": "ws://127.0.0.1:80"}, ["SP_NATS_URL: server 1"]),
        ({"SP_NATS_URL": ","}, ["SP_NATS_URL: server 1", "empty"]),
        ({"SP_NATS_URL": "nats://u:%zz@127.0.0.1"}, ["SP_NATS_URL: server 1", "%25"]),
        ({"SP_NAME": "", "SP_NATS_URL": "", "SP_NATS_TOKEN_FILE": two_lines},  # several errors
         ["SP_NAME", "SP_NATS_URL", "SP_NATS_TOKEN_FILE"]),
    ]
    for settings, words in cases:
        said = refused(program, **settings)
        assert "is invalid" in said and all(word in said for word in words), (settings, said)
