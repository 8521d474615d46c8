"""Every file read by a process is replaced with a FIFO without a writer at run time."""

import os
import pathlib
import re
import signal
import time

import pytest

from conftest import BIN, PROGRAMS
from processes import start_kubesim, wait_for
from test_login import KINDS, Login, refused

STOP_S = 2
KEPT = '"cannot read the files of the NATS login again; keeping the current login"'


def to_fifo(path):
    """Replaced atomically by rename(), like real updates of such files."""
    os.mkfifo(f"{path}.fifo")
    os.rename(f"{path}.fifo", path)


def stop_in_time(processes):
    for process in processes:
        process.popen.send_signal(signal.SIGTERM)
    end = time.monotonic() + STOP_S
    for process in processes:
        assert process.popen.wait(max(end - time.monotonic(), 0.01)) == 0, process.name


def test_fifos_as_nats_credentials(start, certificates, tmp_path):
    """At a reconnect, which reads them: the old content is used, and this is logged once."""
    logins = [Login(kind, certificates) for kind in KINDS]
    for number, login in enumerate(logins):
        login.wrong = login.right
        login.start(start, tmp_path / f"login-{number}")
    for login in logins:
        login.sp.wait_connected()
        to_fifo(login.path)
        login.sp.nats.start(login.server)
    for login in logins:
        for times in (2, 3):
            wait_for(f"{login.variable}: connected again", lambda: min(login.sp.connected()) >= times, 20)
            login.sp.wait_healthy()
            if times == 2:
                login.sp.nats.start(login.server)
        for process in login.sp.processes.values():
            lines = [line for line in process.log().splitlines() if KEPT in line]
            assert len(lines) == 1 and login.variable in lines[0] and "not a regular file" in lines[0], process.log()
        stop_in_time(login.sp.processes.values())


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_process_starts_with_a_fifo(program, tmp_path):
    """It reports the error immediately, instead of waiting for a writer."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    own = {"api-svc": ["SP_SERVER_TOKENS_FILE", "SP_SERVER_TLS_CLIENT_CA"], "registrar": ["SP_REGISTRATION_CA"],
           "kube-worker": ["SP_K8S_KUBECONFIG"], "monitor": ["SP_K8S_KUBECONFIG"]}[program]
    for variable in ["SP_NATS_CREDENTIALS", "SP_NATS_NKEY", "SP_NATS_TOKEN_FILE", "SP_NATS_TLS_CA", *own]:
        said = refused(program, **{variable: str(fifo)})
        assert f"{variable}: " in said and "is not a regular file" in said, (variable, said)


@pytest.fixture
def pod(certificates, tmp_path):
    """The environment of a Pod: the variables, the folder of the service account, and a Kubernetes API."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("mounted")
    (folder / "ca.crt").write_text(certificates.text("ca.crt"))
    kubesim, kubeconfig = start_kubesim(str(BIN / "kubesim"), str(tmp_path), "default", "--tls-cert",
                                        certificates.path("server.crt"), "--tls-key", certificates.path("server.key"))
    port = re.search(r"https://127.0.0.1:(\d+)", pathlib.Path(kubeconfig).read_text())[1]
    yield folder, {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port, "SP_K8S_KUBECONFIG": "",
                   "SP_K8S_SERVICE_ACCOUNT_DIR": str(folder)}, kubesim
    kubesim.stop()


def test_fifos_in_the_service_account(start, pod):
    folder, variables, kubesim = pod
    sp = start("", **variables)
    sp.wait_healthy()
    sp.processes["monitor"].wait_log('"msg":"ready"')  # it has read them
    for name in ("token", "ca.crt"):
        to_fifo(folder / name)
    sp.processes["monitor"].wait_log('"to":"alone"')
    time.sleep(1.2)  # until it looks at files again
    kubesim.kill()  # or it has nothing to ask
    kubesim.start()
    for name in ("kube-worker", "monitor"):
        for file in ("token", "ca.crt"):
            sp.processes[name].wait_log(f'"path":"{folder / file}"')
    time.sleep(2.2)  # two more looks at the files
    sp.wait_healthy()
    for name in ("kube-worker", "monitor"):
        lines = [line for line in sp.processes[name].log().splitlines() if "keeping the current ones" in line]
        assert len(lines) == 2 and all("SP_K8S_SERVICE_ACCOUNT_DIR" in line for line in lines), lines
    stop_in_time(sp.processes.values())
