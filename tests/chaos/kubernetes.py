"""The Kubernetes of a stage: a real control plane, or the simulator. `parts`: the targets of faults."""

import os
import subprocess

from kube import Kube
from processes import start_kubesim

BIN = os.environ["E2E_BIN"]
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
CLUSTER = os.environ.get("E2E_CLUSTER", "")


class Cluster:
    """The control plane of tests/cluster, which run.sh has started."""

    parts = ("kube-apiserver", "etcd", "kube-controller-manager")

    def __init__(self, folder, host):
        self.namespace = os.environ["E2E_NAMESPACE"]
        self.kubeconfig = os.path.join(folder, "kubeconfig")
        self.admin = Kube(f"{CLUSTER}/admin.kubeconfig", self.namespace)
        with open(f"{CLUSTER}/provider.kubeconfig", encoding="utf-8") as f:
            text = f.read()
        self.secrets = [line.split()[1] for line in text.splitlines() if line.strip().startswith("token:")]
        server = "    server: https://127.0.0.1:"  # the address in its certificate
        assert server in text
        with open(self.kubeconfig, "w", encoding="utf-8") as f:
            f.write(text.replace(server, f"    tls-server-name: kubernetes\n    server: https://{host}:"))

    def pid(self, part):
        with open(f"{CLUSTER}/run/{part}.pid", encoding="ascii") as f:
            return int(f.read())

    def restart(self, part, down):
        """kill -9, and restart after `down` seconds; returns when it is ready again."""
        subprocess.run([os.path.join(ROOT, "tests/cluster/restart.sh"), CLUSTER, part, "--kill", "--down", str(down)],
                       check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        pass  # run.sh does


class Simulator:
    """kubesim. It keeps everything in memory: it can be stopped, but not killed."""

    parts = ("kubesim",)

    def __init__(self, folder, host, latency_ms):
        self.namespace, self.secrets, self.latency_ms = "dcm-sp", [], latency_ms
        self.process, self.kubeconfig = start_kubesim(f"{BIN}/kubesim", folder, self.namespace, host=host)
        self.admin = Kube(self.kubeconfig, self.namespace)
        self.behave()

    def pid(self, _):
        return self.process.popen.pid

    def behave(self):
        """As slow as the real one: otherwise no operation would be running during a fault."""
        self.admin.call("DELETE", "/sim/faults", timeout=5)
        for verb in ("get", "create", "delete", "patch"):
            self.misbehave({"kind": "latency", "ms": self.latency_ms, "match": {"verb": verb}, "count": -1})

    def misbehave(self, fault):
        self.admin.call("POST", "/sim/faults", fault, timeout=5)

    def stop(self):
        self.process.stop()
