"""
The pipeline under test: a real nats-server, api-svc, kube-workers, and a Kubernetes API, which is kubesim or
a real control plane. Variables (run.sh sets them):

  E2E_BIN                  folder of the programs
  E2E_KUBECONFIG           a kubeconfig with all rights; unset: kubesim is started
  E2E_PROVIDER_KUBECONFIG  the provider's kubeconfig
  E2E_NAMESPACE            its namespace
  E2E_CLUSTER              the folder of the control plane, when it is one of tests/cluster
  E2E_SLOWER               how many times slower the programs are (sanitizers); 1 when unset
"""

import os
import subprocess

import pytest

from api import Api
from kube import ROOTS, Kube
from monitors import Monitors
from ports import free_port
from processes import Process, listens, start_kubesim, wait_for

BIN = os.environ["E2E_BIN"]
WORKER_WAIT = 3 * int(os.environ.get("E2E_SLOWER", "1"))


class Target:
    """The Kubernetes API of this run."""

    def __init__(self, folder):
        self.folder = folder
        self.simulated = "E2E_KUBECONFIG" not in os.environ
        if self.simulated:
            self._start_kubesim()
        else:
            self._use_namespace()
            self.admin_kubeconfig = os.environ["E2E_KUBECONFIG"]
            self.admin = Kube(self.admin_kubeconfig, self.namespace)

    def _use_namespace(self):
        """The shared namespace; a separate one if tests run in parallel (pytest-xdist)."""
        process = os.environ.get("PYTEST_XDIST_WORKER")
        self.namespace = os.environ["E2E_NAMESPACE"]
        self.kubeconfig = os.environ["E2E_PROVIDER_KUBECONFIG"]
        if process:
            self.namespace += f"-{process}"
            script = os.path.join(os.path.dirname(__file__), "..", "cluster", "tenant.sh")
            self.kubeconfig = subprocess.run([script, os.environ["E2E_CLUSTER"], self.namespace], check=True,
                                             stdout=subprocess.PIPE, text=True).stdout.strip()

    def _start_kubesim(self):
        self.namespace = "dcm-sp"
        self.process, self.kubeconfig = start_kubesim(f"{BIN}/kubesim", self.folder, self.namespace, "--log-ms", "0")
        self.admin_kubeconfig = self.kubeconfig
        self.admin = Kube(self.kubeconfig, self.namespace)

    def stop(self):
        if self.simulated:
            self.process.stop()

    def clean(self):
        """Remove all containers and everything else a test left in the namespace."""
        for kind in ("resourcequotas", "limitranges") if not self.simulated else ():
            for item in self.admin.list(kind, ""):
                self.admin.delete(kind, item["metadata"]["name"])
        for item in self.admin.list("services", ""):
            if item["metadata"]["name"] != "kubernetes":
                self.admin.delete("services", item["metadata"]["name"])
        if self.simulated:
            for kind in ROOTS:
                for item in self.admin.list(kind, ""):
                    self.admin.delete(kind, item["metadata"]["name"])
        else:
            for kind in (*ROOTS, "replicasets", "pods"):  # garbage collection takes minutes for a thousand
                self.admin.delete_all(kind)
        wait_for("Pods deleted", lambda: not self.admin.list("pods", ""), 60, 0.2)

    def faults(self, *faults):
        """Inject faults into kubesim; without arguments: remove them."""
        if faults:
            for fault in faults:
                status, answer = self.admin.call("POST", "/sim/faults", fault)
                assert status in (200, 201, 204), answer
        else:
            self.admin.call("DELETE", "/sim/faults")


class Stack:
    """NATS, api-svc and workers of one provider."""

    def __init__(self, target, folder, name="test-provider", nats_port=None, **env):
        self.target, self.folder, self.name = target, folder, name
        self.own_nats = nats_port is None
        self.nats_port = nats_port or free_port()
        self.api_port = free_port()
        self.workers = []
        self.api = Api(self.api_port)
        self.kube = target.admin
        if self.own_nats:
            self.nats = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(self.nats_port), "-js", "-sd",
                                         os.path.join(folder, "jetstream")], {}, folder)
        self.env = {
            "SP_NAME": name,
            "SP_NATS_URL": f"nats://127.0.0.1:{self.nats_port}",
            "SP_SERVER_ADDRESS": f"127.0.0.1:{self.api_port}",
            "SP_K8S_KUBECONFIG": target.kubeconfig,
            "SP_K8S_NAMESPACE": target.namespace,
            "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort",
            "SP_FAILED_GRACE": "2s",
            "SP_EXEC": "true",
            "SP_SERVER_WORKER_WAIT": f"{WORKER_WAIT}s",
            **env,
        }
        self.api_svc = Process(f"api-svc-{self.api_port}", [f"{BIN}/api-svc"], self.env, folder)

    def start(self, workers=1):
        if self.own_nats:
            self.start_nats()
        self.api_svc.start()
        for _ in range(workers):
            self.add_worker()
        wait_for("healthy" if workers else "api-svc",
                 lambda: listens(self.api_port) and (not workers or self.api.health() == "healthy"))
        return self

    def start_nats(self):
        self.nats.start()
        wait_for("nats-server", lambda: listens(self.nats_port))

    def add_worker(self, **env):
        worker = Process(f"kube-worker-{self.api_port}-{len(self.workers)}", [f"{BIN}/kube-worker"],
                         {**self.env, **env}, self.folder).start()
        self.workers.append(worker)
        return worker.wait_log('"ready"')

    def restart_api_with(self, **env):
        """The same api-svc with other settings."""
        self.api_svc.stop()
        self.api_svc.env = {**self.env, **env}
        self.api_svc.start()
        wait_for("api-svc", lambda: listens(self.api_port))

    def stop(self):
        for process in [self.api_svc, *self.workers] + ([self.nats] if self.own_nats else []):
            process.stop(expect=0 if process is not getattr(self, "nats", None) else None)

    def wait_known(self, *ids):
        """Wait until every worker has seen the containers, which others have made: under another name than the id."""
        wait_for(f"every worker has {ids}",
                 lambda: all(self.api.get(i).status == 200 for i in ids for _ in range(12 * len(self.workers))))

    def wait_status(self, container_id, status, timeout=30.0):
        """Wait until GET shows the status, and return the container."""
        def shown():
            answer = self.api.get(container_id)
            return answer.json if answer.status == 200 and answer.json["status"] == status else None
        return wait_for(f"{container_id} is {status}", shown, timeout, 0.1)


KINDS = {"Deployment": None, "StatefulSet": "StatefulSet"}


def pytest_configure(config):
    config.addinivalue_line("markers", "deployments: of a test with root_kind that is about what StatefulSets have not")


def pytest_generate_tests(metafunc):
    if "root_kind" in metafunc.fixturenames:
        alone = metafunc.definition.get_closest_marker("deployments")
        metafunc.parametrize("root_kind", list(KINDS)[:1] if alone else list(KINDS), indirect=True)


@pytest.fixture
def root_kind(request, monkeypatch):
    """For tests that request it (pytestmark): each runs with both kinds; their roots are called deployments."""
    monkeypatch.setattr(Api, "kind", KINDS[request.param])
    monkeypatch.setattr(Kube, "roots", request.param.lower() + "s")
    return request.param


@pytest.fixture(scope="session")
def target(tmp_path_factory):
    target = Target(str(tmp_path_factory.mktemp("kube")))
    target.clean()
    yield target
    target.stop()


@pytest.fixture(scope="session")
def shared_stack(target, tmp_path_factory):
    stack = Stack(target, str(tmp_path_factory.mktemp("stack"))).start(workers=2)
    yield stack
    stack.stop()


@pytest.fixture
def stack(shared_stack, target):
    """The running pipeline with two workers, and an empty namespace."""
    target.clean()
    yield shared_stack
    if target.simulated:
        target.faults()


@pytest.fixture
def no_other_workers(shared_stack):
    """
    The workers of the shared stack repair in the same namespace, bypassing the gate; to them, an api-svc of another NATS
    looks dead.
    """
    for worker in shared_stack.workers:
        worker.stop()
    yield
    for worker in shared_stack.workers:
        worker.start()
    wait_for("healthy", lambda: shared_stack.api.health() == "healthy", 20)


@pytest.fixture
def own_stack(target, tmp_path):
    """A separate pipeline for destructive tests: call with the number of workers."""
    stacks = []

    def make(workers=1, start=True, **kwargs):
        stack = Stack(target, str(tmp_path), **kwargs)
        stacks.append(stack)
        return stack.start(workers) if start else stack

    target.clean()
    yield make
    for stack in stacks:
        stack.stop()
    if target.simulated:
        target.faults()


@pytest.fixture
def monitors(target, tmp_path):
    """NATS, a consumer like DCM's, and no monitor yet: call with settings."""
    made = []

    def make(count=1, **kwargs):
        made.append(Monitors(target, str(tmp_path), **kwargs))
        for _ in range(count):
            made[-1].add()
        return made[-1]

    target.clean()
    yield make
    for each in made:
        each.stop()
    if target.simulated:
        target.faults()


@pytest.fixture
def no_pods(target):
    """A quota that rejects new Pods while the returned switch is on."""
    def switch(on):
        if target.simulated:
            target.faults(*([{"match": {"resource": "pods"}, "kind": "quota", "count": -1}] if on else []))
        elif on:
            target.admin.create("resourcequotas", {"metadata": {"name": "no-pods"}, "spec": {"hard": {"pods": "0"}}})
            wait_for("the quota counts",
                     lambda: target.admin.get("resourcequotas", "no-pods").get("status", {}).get("hard"))
        else:
            target.admin.delete("resourcequotas", "no-pods")
    yield switch
    switch(False)


ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/dcm-k8s-container-sp"


@pytest.fixture
def without(stack):
    """Remove a rule from the Role: call with its API group and resource."""
    path, rules, left = ROLE.format(stack.target.namespace), None, None

    def change(new):
        status, body = stack.kube.call("PATCH", path, {"rules": new}, "application/merge-patch+json")
        assert status == 200, body

    def take(group, resource):
        nonlocal rules, left
        if stack.target.simulated:
            where = f"/apis/{group}" if group else "/api/v1"
            stack.target.faults({"match": {"path": where, "resource": resource}, "kind": "forbidden", "count": -1})
            return
        rules = rules or stack.kube.call("GET", path)[1]["rules"]
        left = [r if r["apiGroups"] != [group] else {**r, "resources": [x for x in r["resources"] if x != resource]}
                for r in left or rules]
        left = [r for r in left if r["resources"]]
        change(left)

    yield take
    if rules:
        change(rules)
