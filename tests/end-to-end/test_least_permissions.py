"""The pipeline with deploy/nats/accounts.conf: the permissions are sufficient and minimal."""

import json
import os
import sys

import pytest

from api import BASE, Api, spec
from ports import free_port
from processes import Process, listens, wait_for
from wire import Dcm, Nats

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
sys.path.append(os.path.join(ROOT, "tests", "component", "registrar"))
from registry import Registry  # noqa: E402  (the folder is known only now)

BIN = os.environ["E2E_BIN"]
NAME, TOKEN = "least permissions", "least_20permissions"
USERS = ["api-svc", "kube-worker", "monitor", "registrar", "dcm", "operator"]


class Secured:
    """nats-server with the accounts, and every process with its own user."""

    def __init__(self, target, folder):
        self.folder, self.port, self.api_port = folder, free_port(), free_port()
        with open(os.path.join(ROOT, "deploy", "nats", "accounts.conf")) as f:
            accounts = f.read().replace("PROVIDER", TOKEN).replace("AGENT", "agent-1")
        (folder / "accounts.conf").write_text(accounts)
        (folder / "nats.conf").write_text(f"jetstream {{ store_dir: '{folder}/jetstream' }}\ninclude accounts.conf\n")
        self.nats = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-c",
                                     str(folder / "nats.conf")],
                            {f"{user.upper().replace('-', '_')}_PASSWORD": f"secret-{user}" for user in USERS},
                            str(folder)).start()
        wait_for("nats-server", lambda: listens(self.port))
        self.registry = Registry()
        self.env = {"SP_NAME": NAME, "SP_NATS_URL": f"nats://127.0.0.1:{self.port}",
                    "SP_SERVER_ADDRESS": f"127.0.0.1:{self.api_port}", "SP_K8S_KUBECONFIG": target.kubeconfig,
                    "SP_K8S_NAMESPACE": target.namespace, "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort",
                    "SP_MONITOR_DEBOUNCE_MS": "20", "SP_EXEC": "true", "DCM_REGISTRATION_URL": self.registry.url,
                    "SP_ENDPOINT": f"http://127.0.0.1:{self.api_port}"}
        self.dcm = Dcm(self.port, login=self.login("dcm"))
        self.processes = []
        self.api = Api(self.api_port)

    def login(self, user):
        return {"user": user, "pass": f"secret-{user}"}

    def add(self, program):
        password = self.folder / f"{program}.password"
        password.write_text(f"secret-{program}\n")
        process = Process(f"{program}-{len(self.processes)}", [f"{BIN}/{program}"],
                          {**self.env, "SP_NATS_USER": program, "SP_NATS_PASSWORD_FILE": str(password)},
                          str(self.folder)).start()
        self.processes.append(process)
        return process.wait_log('"connected to NATS"')

    def stop(self):
        for process in self.processes:
            process.stop()
        self.dcm.stop()
        self.registry.stop()
        self.nats.stop(expect=None)


@pytest.fixture
def secured(target, tmp_path):
    target.clean()
    made = Secured(target, tmp_path)
    yield made
    made.stop()


def wait_last(secured, container_id, status):
    wait_for(f"{container_id} is {status}", lambda: secured.dcm.of(container_id)[-1:] == [status], 30)


def test_the_permissions_are_sufficient(secured):
    for program in ("api-svc", "kube-worker", "kube-worker", "registrar"):
        secured.add(program)
    monitors = [secured.add("monitor"), secured.add("monitor")]
    wait_for("healthy", lambda: secured.api.health() == "healthy")
    for container_id in ("one", "two"):
        assert secured.api.create(spec(), container_id).status == 201
        wait_last(secured, container_id, "RUNNING")
        assert secured.api.call("POST", f"{BASE}/{container_id}:exec", {"command": ["true"]}).status == 200
        if container_id == "one":  # the other monitor takes over, and reads the records
            next(m for m in monitors if "publishing the state" in m.log()).kill()
        assert [c["id"] for c in secured.api.list_all(10)] == [container_id]
        assert secured.api.delete(container_id).status == 204
        wait_last(secured, container_id, "DELETED")
    wait_for("registered", lambda: len(secured.registry.providers) == 1, 20)
    operator = Nats(secured.port, secured.login("operator"))
    found = {json.loads(body)["name"] for _, body in operator.ask("$SRV.PING", seconds=1.0)}
    assert found == {"api-svc", "kube-worker", "monitor", "registrar"}
    operator.close()
    for process in secured.processes:
        asked = Process(f"health-of-{process.name}", [process.args[0], "--health"], process.env, secured.folder).start()
        assert asked.popen.wait(20) == 0, asked.log()
    for process in secured.processes:
        process.stop()
        assert "Permissions Violation" not in process.log(), process.log()
        assert "PERMISSION_DENIED" not in process.log(), process.log()  # of Kubernetes: the Role is complete
    assert "Violation" not in secured.nats.log(), secured.nats.log()[-3000:]


OPERATION = f"k8s-container-sp.{TOKEN}.op"
BUCKET = f"k8s-container-sp-{TOKEN}"
REFUSED = [
    ("api-svc", "PUB dcm.container"), ("api-svc", f"PUB $KV.{BUCKET}.state.x"), ("api-svc", f"SUB {OPERATION}.*"),
    ("api-svc", "SUB _INBOX.>"), ("api-svc", "PUB k8s-container-sp.other.op.get"),
    ("kube-worker", "PUB dcm.container"), ("kube-worker", f"PUB {OPERATION}.delete"), ("kube-worker", "SUB _INBOX.>"),
    ("kube-worker", f"SUB {OPERATION}.*"), ("kube-worker", f"PUB $KV.{BUCKET}.leader"),
    ("kube-worker", "PUB $JS.API.STREAM.MSG.GET.other"),
    ("kube-worker", f"PUB $JS.API.STREAM.DELETE.KV_{BUCKET}"), ("kube-worker", "SUB k8s-container-sp.other.op.* kube-worker"),
    ("api-svc", f"PUB $JS.API.STREAM.PURGE.KV_{BUCKET}"), ("api-svc", "PUB _INBOX.kube-worker.x"),
    ("dcm", f"PUB $KV.{BUCKET}.owed.x"),
    ("monitor", f"PUB {OPERATION}.delete"), ("monitor", "SUB dcm.container"),
    ("monitor", f"PUB $JS.API.STREAM.DELETE.KV_{BUCKET}"), ("monitor", "PUB $JS.API.STREAM.DELETE.dcm-status"),
    ("registrar", f"PUB {OPERATION}.create"), ("registrar", "PUB dcm.container"), ("registrar", "PUB $JS.API.INFO"),
    ("dcm", f"PUB {OPERATION}.create"), ("dcm", "SUB _INBOX.api-svc.>"), ("dcm", f"PUB $KV.{BUCKET}.leader"),
    ("dcm", f"PUB $JS.API.STREAM.DELETE.KV_{BUCKET}"), ("dcm", f"PUB $JS.API.STREAM.MSG.GET.KV_{BUCKET}"),
    ("dcm", f"PUB $JS.API.CONSUMER.DURABLE.CREATE.KV_{BUCKET}.x"),
    ("operator", f"PUB {OPERATION}.list"), ("operator", "SUB dcm.>"),
]


def test_each_user_is_denied_everything_else(secured):
    for user, command in REFUSED:
        nats = Nats(secured.port, secured.login(user))
        tail = b" 0\r\n" if command.startswith("PUB") else b" 9"
        said = nats.complaints(command.encode() + tail)
        assert any("Permissions Violation" in line for line in said), (user, command, said)
        nats.close()
    worker = Nats(secured.port, secured.login("kube-worker"))
    worker.inbox = "_INBOX.kube-worker.me"
    worker.s.sendall(b"SUB _INBOX.kube-worker.me 3\r\n")
    for stream in ("dcm-agent-requests", "agent-1-retry"):  # where an environment agent's requests are
        assert worker.jetstream(f"STREAM.MSG.GET.{stream}", {"seq": 1})["error"]["code"] == 404
    worker.close()
    with pytest.raises(ConnectionError):
        Nats(secured.port).ask("$SRV.PING")
