"""
One monitor with a real nats-server and kubesim. The clients of NATS and of Kubernetes are those of the end-to-end tests.

  BUILD    folder of the build
  KUBESIM  the simulator
"""

import os

import pytest

os.environ.setdefault("E2E_BIN", os.path.join(os.environ["BUILD"], "bin"))

from kube import Kube  # noqa: E402  (monitors reads the variable)
from monitors import Monitors  # noqa: E402
from processes import start_kubesim  # noqa: E402


class Kubesim:
    """The simulator, with its faults."""

    def __init__(self, folder):
        self.simulated, self.namespace = True, "dcm-sp"
        self.process, self.kubeconfig = start_kubesim(os.environ["KUBESIM"], folder, self.namespace)
        self.admin = Kube(self.kubeconfig, self.namespace)

    def fault(self, kind, resource, **options):
        """Inject one fault for a resource; options include `verb` and `count`."""
        match = {"resource": resource, **({"verb": options.pop("verb")} if "verb" in options else {})}
        status, answer = self.admin.call("POST", "/sim/faults", {"match": match, "kind": kind, **options})
        assert status in (200, 201, 204), answer


@pytest.fixture
def kubesim(tmp_path):
    simulator = Kubesim(str(tmp_path))
    yield simulator
    simulator.process.stop()


@pytest.fixture
def monitors(kubesim, tmp_path):
    """Call with settings; then add() a monitor."""
    made = []

    def make(**settings):
        folder = tmp_path / f"monitors-{len(made)}"
        folder.mkdir()
        made.append(Monitors(kubesim, str(folder), **settings))
        return made[-1]

    yield make
    for each in made:
        each.stop()
