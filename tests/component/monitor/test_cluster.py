"""Three NATS servers: the data of the monitor survives the loss of any one."""

import base64
import json
import os
import shutil

import pytest

from monitors import deployment
from ports import free_port
from processes import Process, listens, wait_for
from wire import Dcm, Nats

SIZE = 3
BUCKET = "KV_k8s-container-sp-test"


class Cluster:
    """Clustered nats-servers with JetStream; a single one is not clustered."""

    def __init__(self, folder, size=SIZE):
        self.ports = [free_port() for _ in range(size)]
        routes = [free_port() for _ in range(size)]
        self.stores = [os.path.join(folder, f"store-{i}") for i in range(size)]
        all_routes = ",".join(f"nats://127.0.0.1:{route}" for route in routes)
        clustered = [["--cluster_name", "test", "--cluster", f"nats://127.0.0.1:{route}", "--routes", all_routes]
                     if size > 1 else [] for route in routes]
        self.servers = [Process(f"nats-{i}", ["nats-server", "-a", "127.0.0.1", "-p", str(self.ports[i]), "-js", "-sd",
                                              self.stores[i], "-n", f"nats-{i}", *clustered[i]], {}, folder)
                        for i in range(size)]
        for i in range(size):
            self.start(i)
        wait_for("JetStream", lambda: "error" not in (self.ask("INFO") or {"error": ""}), 30)

    def start(self, i):
        self.servers[i].start()
        wait_for("nats-server", lambda: listens(self.ports[i]))

    def stop(self):
        for server in self.servers:
            server.kill()

    def url(self):
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def ask(self, call, body=None):
        """One call of the JetStream API, of any server that answers; None: of none."""
        for port in self.ports:
            try:
                nats = Nats(port)
                try:
                    return nats.jetstream(call, body, 2)
                finally:
                    nats.close()
            except OSError:
                continue
        return None

    def replicas(self, stream=BUCKET):
        return ((self.ask(f"STREAM.INFO.{stream}") or {}).get("config") or {}).get("num_replicas")

    def last_event(self):
        """The status of the last event in the stream of DCM; None: unknown."""
        kept = (self.ask("STREAM.MSG.GET.dcm-status", {"last_by_subj": "dcm.container"}) or {}).get("message") or {}
        return json.loads(base64.b64decode(kept["data"]))["data"]["status"] if "data" in kept else None

    def leader(self, stream=BUCKET):
        """The number of the server that leads a stream, when all its servers are up to date."""
        def find():
            cluster = (self.ask(f"STREAM.INFO.{stream}") or {}).get("cluster") or {}
            others = cluster.get("replicas") or []
            return cluster.get("leader") if len(others) == SIZE - 1 and all(o["current"] for o in others) else None
        return int(wait_for(f"a leader of {stream}", find, 40, 0.2).rsplit("-", 1)[1])


@pytest.fixture
def cluster(tmp_path):
    """Of three servers that have all met; with DCM's stream."""
    cluster = Cluster(str(tmp_path))
    stream = {"name": "dcm-status", "subjects": ["dcm.*"], "storage": "file", "num_replicas": SIZE}
    try:
        wait_for("DCM's stream", lambda: "error" not in (cluster.ask("STREAM.CREATE.dcm-status", stream) or {"error": ""}), 30)
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def start(cluster, kubesim, tmp_path):
    """Start a monitor with settings; call it again for the next one."""
    started = []

    def start_one(nats=cluster, **env):
        monitor = Process(f"monitor-{len(started)}", [os.path.join(os.environ["E2E_BIN"], "monitor")],
                          {"SP_NAME": "test", "SP_NATS_URL": nats.url(), "SP_K8S_KUBECONFIG": kubesim.kubeconfig,
                           "SP_K8S_NAMESPACE": kubesim.namespace, "SP_MONITOR_DEBOUNCE_MS": "20", **env}, str(tmp_path))
        started.append(monitor.start().wait_log('"publishing the state', 40))
        return monitor

    yield start_one
    for monitor in started:
        monitor.stop()


def test_a_bucket_of_one_server_is_replicated_to_three_and_survives_any_failure(cluster, kubesim, start):
    start(SP_NATS_REPLICAS="1").stop()
    assert cluster.replicas() == 1
    monitor = start()
    wait_for("three keep it", lambda: cluster.replicas() == SIZE, 30)

    leader = cluster.leader()
    dcm = Dcm(cluster.ports[(leader + 1) % SIZE])
    try:
        kubesim.admin.create("deployments", deployment("kept"))
        wait_for("RUNNING", lambda: dcm.of("kept")[-1:] == ["RUNNING"], 20)

        cluster.servers[leader].kill()
        kubesim.admin.patch("deployments", "kept", {"spec": {"replicas": 0}})
        wait_for("FAILED, without the leader", lambda: dcm.of("kept")[-1:] == ["FAILED"], 40)
        cluster.start(leader)
        kubesim.admin.patch("deployments", "kept", {"spec": {"replicas": 1}})
        wait_for("RUNNING, with it", lambda: dcm.of("kept")[-1:] == ["RUNNING"], 40)

        leader = cluster.leader()
        cluster.leader("dcm-status")  # all its servers are up to date, too: the next one loses its data
        monitor.stop()
        cluster.servers[leader].kill()
        shutil.rmtree(cluster.stores[leader])
        kubesim.admin.delete("deployments", "kept")  # no watcher
        cluster.start(leader)
        monitor = start()

        def told():
            print(monitor.log()[-2000:])  # pytest shows it when this fails
            return cluster.last_event() == "DELETED"
        wait_for("DELETED, from the data of the other servers", told, 60, 2)
    finally:
        dcm.stop()


def test_a_new_bucket_has_three_replicas(cluster, start):
    start()
    assert cluster.replicas() == SIZE


@pytest.mark.parametrize("size", (1, 2))
def test_fewer_servers_have_one_replica(tmp_path, start, size):
    (tmp_path / "few").mkdir()
    few = Cluster(str(tmp_path / "few"), size)
    try:
        monitor = start(few)
        assert few.replicas() == 1 and "fewer replicas" not in monitor.log()
        monitor.stop()
        monitor = start(few, SP_NATS_REPLICAS="3")
        assert few.replicas() == 1 and "fewer replicas" in monitor.log()
        monitor.stop()
    finally:
        few.stop()
