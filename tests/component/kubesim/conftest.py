"""Every test runs against kubesim, and against the cluster of $KUBECONFIG when that is set."""

import os
import subprocess
import uuid
from pathlib import Path

import pytest

from kube import Kube, eventually

ROOT = Path(__file__).resolve().parents[3]
KUBESIM = os.environ.get("KUBESIM", str(ROOT / "build" / "bin" / "kubesim"))
TARGETS = ["kubesim"] + (["cluster"] if os.environ.get("KUBECONFIG") else [])


class Simulator:
    """One running kubesim."""

    def __init__(self, folder, *options):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        kubeconfig = self.folder / "kubeconfig"
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [KUBESIM, "--write-kubeconfig", str(kubeconfig), *options], stdout=self.log, stderr=subprocess.STDOUT)
        eventually(lambda: self.process.poll() is not None or "SIMULATOR" in (self.folder / "log").read_text())
        assert self.process.poll() is None, (self.folder / "log").read_text()
        self.kube = Kube(kubeconfig, simulated=True)

    def stop(self):
        self.process.terminate()
        status = self.process.wait(timeout=10)
        self.log.close()
        return status

    def faults(self, *faults):
        status, answer = self.kube.call("POST", "/sim/faults", list(faults))
        assert status == 200, answer

    def clear_faults(self):
        self.kube.call("DELETE", "/sim/faults")

    def state(self):
        return self.kube.get("/sim/state")


@pytest.fixture(scope="session")
def shared_simulator(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("kubesim"), "--pod-start-ms", "50",
                          "--pod-stop-ms", "50")
    yield simulator
    assert simulator.stop() == 0, (simulator.folder / "log").read_text()


@pytest.fixture
def sim(shared_simulator):
    """The simulator itself, for features a cluster does not have; without faults at start and end."""
    shared_simulator.clear_faults()
    yield shared_simulator
    shared_simulator.clear_faults()


@pytest.fixture
def start_simulator(tmp_path):
    """Start one with other options."""
    started = []

    def start(*options):
        started.append(Simulator(tmp_path / f"sim{len(started)}", *options))
        return started[-1]

    yield start
    for simulator in started:
        if simulator.process.poll() is None:
            assert simulator.stop() == 0, (simulator.folder / "log").read_text()


@pytest.fixture(params=TARGETS)
def kube(request):
    if request.param == "cluster":
        return Kube(os.environ["KUBECONFIG"], simulated=False)
    return request.getfixturevalue("shared_simulator").kube


class Namespace:
    """A namespace for one test, and the paths in it."""

    def __init__(self, kube):
        self.kube = kube
        self.name = "t-" + uuid.uuid4().hex[:10]
        kube.post("/api/v1/namespaces", {"metadata": {"name": self.name}})
        self.deployments = f"/apis/apps/v1/namespaces/{self.name}/deployments"
        self.replicasets = f"/apis/apps/v1/namespaces/{self.name}/replicasets"
        self.pods = f"/api/v1/namespaces/{self.name}/pods"
        self.services = f"/api/v1/namespaces/{self.name}/services"
        self.events = f"/api/v1/namespaces/{self.name}/events"

    def items(self, path, **query):
        text = "&".join(f"{k}={v}" for k, v in query.items())
        return self.kube.get(f"{path}?{text}")["items"]


@pytest.fixture
def ns(kube):
    namespace = Namespace(kube)
    yield namespace
    kube.call("DELETE", f"/api/v1/namespaces/{namespace.name}")


@pytest.fixture
def sim_ns(sim):
    """A namespace in the simulator."""
    namespace = Namespace(sim.kube)
    yield namespace
    sim.clear_faults()
    sim.kube.call("DELETE", f"/api/v1/namespaces/{namespace.name}")
