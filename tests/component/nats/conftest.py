"""A nats-server with authentication, and the four processes with credentials."""

import os
import pathlib

import pytest

import nats_peers
from api import Api
from certificates import Certificates
from ports import free_port
from processes import Process, listens, wait_for

BIN = pathlib.Path(os.environ["BUILD"]) / "bin"
PROGRAMS = ("api-svc", "kube-worker", "monitor", "registrar")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    for authority in ("ca", "other-ca"):
        made.authority(authority)
    made.sign("ca", "server")
    made.sign("ca", "client")
    made.sign("ca", "elsewhere", "DNS:elsewhere.example")
    made.sign("other-ca", "other-server")
    return made


class NatsServer(nats_peers.NatsServer):
    """With a configuration that a restart may change."""

    def __init__(self, folder):
        self.config = folder / "nats.conf"
        super().__init__(folder, "-c", str(self.config))

    def start(self, config):
        self.stop()
        self.config.write_text(config)
        return super().start()


class Provider:
    """The four processes with the same settings for NATS."""

    def __init__(self, nats, kubeconfig, folder, with_login="nats://", **settings):
        self.nats = nats
        self.port = free_port()
        self.api = Api(self.port)
        env = {"SP_NAME": "provider", "SP_NATS_URL": nats.url.replace("nats://", with_login), "SP_SERVER_ADDRESS": f"127.0.0.1:{self.port}",
               "SP_K8S_KUBECONFIG": kubeconfig, "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort", "SP_LOG_LEVEL": "debug",
               "DCM_REGISTRATION_URL": f"http://127.0.0.1:{free_port()}", "SP_ENDPOINT": "http://127.0.0.1:1",
               **settings}
        self.processes = {name: Process(name, [str(BIN / name)], env, str(folder)) for name in PROGRAMS}

    def start(self):
        for process in self.processes.values():
            process.start()
        return self

    def wait_log(self, text):
        for process in self.processes.values():
            process.wait_log(text)

    def connected(self):
        """How often each was received."""
        return [process.log().count('"connected to NATS"') for process in self.processes.values()]

    def wait_connected(self, times=1):
        wait_for(f"all have connected: {times}", lambda: self.connected() == [times] * len(PROGRAMS), 20)

    def healthy(self):
        return listens(self.port) and self.api.health() == "healthy"

    def wait_healthy(self):
        wait_for("healthy, as reported by a worker", self.healthy, 20)

    def stop(self):
        for process in self.processes.values():
            process.stop()
            assert "Sanitizer" not in process.log() and "runtime error" not in process.log(), process.log()[-8000:]


@pytest.fixture
def start(kubeconfig, tmp_path):
    """Start a nats-server with a configuration, and the four processes with settings."""
    made = []

    def start_both(config, **settings):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        nats = NatsServer(folder).start(config)
        made.append(Provider(nats, kubeconfig, folder, **settings))
        return made[-1].start()

    yield start_both
    for each in made:
        each.stop()
        each.nats.process.kill()
