"""nats-server, monitors and a consumer like that of DCM, with the Kubernetes API of this run."""

import json
import os

from kube import ROOT_KINDS, Kube
from ports import free_port
from processes import Process, listens, wait_for
from wire import Dcm, Nats

BIN = os.environ["E2E_BIN"]
OURS = {"dcm.project/managed-by": "dcm", "dcm.project/dcm-service-type": "container"}


def labels_of(container_id):
    return {**OURS, "dcm.project/dcm-instance-id": container_id}


def deployment(container_id, image="nginx", labels=None, name=None, cpu=None):
    """A Deployment (conftest.py, root_kind) with our labels, as created by another program."""
    labels = labels_of(container_id) if labels is None else labels
    container = {"name": "main", "image": image}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    selector = {"app": name or container_id}
    return {"apiVersion": "apps/v1", "kind": ROOT_KINDS[Kube.roots], "metadata": {"name": name or container_id, "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": selector},
                     "template": {"metadata": {"labels": {**labels, **selector}}, "spec": {"containers": [container]}}}}


class Monitors:
    """Monitors of one provider, with a separate NATS."""

    def __init__(self, target, folder, name="test", stream=True, jetstream=True, **env):
        self.target, self.kube, self.folder, self.name = target, target.admin, folder, name
        self.port = free_port()
        args = ["nats-server", "-a", "127.0.0.1", "-p", str(self.port)]
        self.nats = Process("nats-monitors", args + (["-js", "-sd", os.path.join(folder, "jetstream")] if jetstream
                                                     else []), {}, folder)
        self.env = {"SP_NAME": name, "SP_NATS_URL": f"nats://127.0.0.1:{self.port}",
                    "SP_K8S_KUBECONFIG": target.kubeconfig, "SP_K8S_NAMESPACE": target.namespace,
                    "SP_MONITOR_DEBOUNCE_MS": "20", **env}
        self.processes = []
        self.start_nats()
        self.dcm = Dcm(self.port, stream) if stream is not None else None

    def start_nats(self):
        self.nats.start()
        wait_for("nats-server", lambda: listens(self.port))

    def add(self, ready=True, **env):
        """Start another monitor; wait until it is active or on standby."""
        monitor = Process(f"monitor-{len(self.processes)}", [f"{BIN}/monitor"], {**self.env, **env}, self.folder)
        self.processes.append(monitor)
        monitor.start().wait_log('"ready"')
        if ready:
            wait_for("it is active or standby", lambda: '"publishing the state' in monitor.log()
                     or '"to":"standby"' in monitor.log(), 20)
        return monitor

    def restart(self, monitor):
        """Restart the process, with a new log."""
        os.rename(monitor.log_path, monitor.log_path + ".old")
        monitor.start().wait_log('"ready"')

    def stop(self):
        for process in self.processes:
            process.stop()
            assert "Sanitizer" not in process.log() and "runtime error" not in process.log(), process.log()[-8000:]
        if self.dcm:
            self.dcm.stop()
        self.nats.stop(expect=None)

    def create(self, container_id, **kwargs):
        return self.kube.create("deployments", deployment(container_id, **kwargs))

    def scale(self, container_id, replicas):
        self.kube.patch("deployments", container_id, {"spec": {"replicas": replicas}})

    def delete(self, container_id):
        self.kube.delete("deployments", container_id)

    def pod_of(self, container_id):
        return wait_for("a Pod", lambda: [p for p in self.kube.of("pods", container_id)
                                          if "deletionTimestamp" not in p["metadata"]])[0]

    def set_pod_status(self, container_id, status):
        self.kube.patch("pods", self.pod_of(container_id)["metadata"]["name"], {"status": status}, "/status")

    def wait_last(self, container_id, status, timeout=15.0):
        """Wait until the last event of a container has this status."""
        wait_for(f"{container_id} is {status}: {self.dcm.of(container_id)}",
                 lambda: self.dcm.of(container_id)[-1:] == [status], timeout)

    def wait_message(self, container_id, text, timeout=15.0):
        wait_for(f"{text!r} of {container_id}", lambda: any(text in m for m in self.dcm.messages(container_id)), timeout)

    def stats(self, seconds=0.3):
        """The data of all replies to $SRV.STATS within a time."""
        nats = Nats(self.port)
        try:
            return [json.loads(body)["endpoints"][0]["data"] for _, body in nats.ask("$SRV.STATS.monitor", seconds=seconds)]
        finally:
            nats.close()

    def refuse_records(self, refused):
        """Whether the bucket refuses new keys; those that exist, like the lease, can be written."""
        call = f"STREAM.{{}}.KV_k8s-container-sp-{self.name}"
        nats = Nats(self.port)
        try:
            info = nats.jetstream(call.format("INFO"))
            limit = info["state"]["messages"] if refused else -1
            answer = nats.jetstream(call.format("UPDATE"), {**info["config"], "max_msgs": limit})
            assert "error" not in answer, answer
        finally:
            nats.close()

    def streams(self):
        """All streams with their subjects."""
        nats = Nats(self.port)
        try:
            return {s["config"]["name"]: s["config"]["subjects"] for s in nats.jetstream("STREAM.LIST")["streams"]}
        finally:
            nats.close()
