"""The processes that faults strike: two api-svc, three workers, two monitors, NATS, and a Kubernetes API."""

import base64
import contextlib
import datetime
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from api import Api
from kube import Kube
from ports import free_port
from processes import Process, listens, start_kubesim, wait_for
from wire import Dcm, Nats

BIN = os.environ["E2E_BIN"]
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
CLUSTER = os.environ.get("E2E_CLUSTER", "")
LOGIN = {"user": "chaos", "pass": "pw-9f2c7d41e0"}  # must stand in no log
SECRET = "env-51b7a9c3f6"                           # the value of a variable of every container: likewise
NATS_CRASH = "server.(*Server).jsMsgGetRequest("           # 2.9.10 reads a stream that another client is making
APIS, WORKERS, MONITORS = 2, 3, 2
CONCURRENCY = (16, 4, 1)  # one is always full


class Cluster:
    """The control plane of tests/cluster."""

    parts = ("kube-apiserver", "etcd", "kube-controller-manager")

    def __init__(self):
        self.kubeconfig, self.namespace = f"{CLUSTER}/provider.kubeconfig", os.environ["E2E_NAMESPACE"]
        self.admin = Kube(f"{CLUSTER}/admin.kubeconfig", self.namespace)
        with open(self.kubeconfig, encoding="utf-8") as f:
            self.secrets = [line.split()[1] for line in f if line.strip().startswith("token:")]

    def pid(self, part):
        with open(f"{CLUSTER}/run/{part}.pid", encoding="ascii") as f:
            return int(f.read())

    def restart(self, down):
        """kill -9 of the API server; returns when it serves again."""
        subprocess.run([os.path.join(ROOT, "tests/cluster/restart-apiserver.sh"), CLUSTER, "--kill", "--down",
                        str(down)], check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        pass  # run.sh has started it


class Simulator:
    """kubesim. It keeps everything in memory: it can be stopped, but not killed."""

    parts = ("kubesim",)

    def __init__(self, folder, latency_ms):
        self.namespace, self.secrets, self.latency_ms = "dcm-sp", [], latency_ms
        self.process, self.kubeconfig = start_kubesim(f"{BIN}/kubesim", folder, self.namespace)
        self.admin = Kube(self.kubeconfig, self.namespace)
        self.behave()

    def pid(self, _):
        return self.process.popen.pid

    def behave(self):
        """As the real one does, which takes its time: faults would find nothing under way."""
        self.admin.call("DELETE", "/sim/faults", timeout=5)
        for verb in ("get", "create", "delete", "patch"):
            self.misbehave({"kind": "latency", "ms": self.latency_ms, "match": {"verb": verb}, "count": -1})

    def misbehave(self, fault):
        self.admin.call("POST", "/sim/faults", fault, timeout=5)

    def stop(self):
        self.process.stop()


class Stage:
    """Everything that runs. `processes`: by name, all that faults may end and start."""

    def __init__(self, folder, target, jetstream=True, latency_ms=0):
        self.folder, self.jetstream = folder, jetstream
        self.kube = Cluster() if target == "cluster" else Simulator(folder, latency_ms)
        self.nats_port = free_port()
        self.store = os.path.join(folder, "jetstream")
        self.env = {
            "SP_NAME": "chaos", "SP_NATS_URL": f"nats://127.0.0.1:{self.nats_port}", "SP_NATS_USER": LOGIN["user"],
            "SP_NATS_PASSWORD_FILE": os.path.join(folder, "password"), "SP_K8S_KUBECONFIG": self.kube.kubeconfig,
            "SP_K8S_NAMESPACE": self.kube.namespace, "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort",
            "SP_MONITOR_DEBOUNCE_MS": "100", "SP_FAILED_GRACE": "5s",
            "SP_LOG_LEVEL": os.environ.get("CHAOS_LOG_LEVEL", "info"),
        }
        with open(self.env["SP_NATS_PASSWORD_FILE"], "w", encoding="ascii") as f:
            f.write(LOGIN["pass"])
        self.apis = {f"api-{n}": Api(free_port()) for n in range(APIS)}
        self.processes = {"nats": self._nats()}
        for name, api in self.apis.items():
            self._add(name, "api-svc", SP_SERVER_ADDRESS=f"127.0.0.1:{api.port}")
        for n in range(WORKERS):
            self._add(f"worker-{n}", "kube-worker", SP_WORKER_CONCURRENCY=str(CONCURRENCY[n]))
        for n in range(MONITORS):
            self._add(f"monitor-{n}", "monitor")
        self.meant_to_run = {name: False for name in self.processes}
        self.started = {}
        self.looked = time.monotonic()
        self.exits = []  # (name, text) of unexpected ends, or that went wrong
        self.lock = threading.Lock()
        self.dcm = None

    def _nats(self):
        config = os.path.join(self.folder, "nats.conf")
        with open(config, "w", encoding="ascii") as f:
            jetstream = f"jetstream {{ store_dir: \"{self.store}\" }}" if self.jetstream else ""
            f.write(f"listen: 127.0.0.1:{self.nats_port}\n{jetstream}\n"
                    f"authorization {{ user: {LOGIN['user']}, password: \"{LOGIN['pass']}\" }}\n")
        return Process("nats", ["nats-server", "-c", config], {}, self.folder)

    def _add(self, name, program, **env):
        self.processes[name] = Process(name, [f"{BIN}/{program}"], {**self.env, **env}, self.folder)

    def start(self):
        for name in self.processes:
            self.begin(name)
            if name == "nats":
                wait_for("nats-server", lambda: listens(self.nats_port))
        self.dcm = Dcm(self.nats_port, stream=self.jetstream, login=LOGIN)
        for name, api in self.apis.items():
            wait_for(f"{name} is healthy", lambda port=api.port, api=api: listens(port) and api.health() == "healthy")
        return self

    def begin(self, name):
        """Start a process (again)."""
        with self.lock:
            if not self.processes[name].alive():
                self.processes[name].start()
                self.started[name] = time.monotonic()
            self.meant_to_run[name] = True

    def kill(self, name):
        with self.lock:
            self.meant_to_run[name] = False
            self.processes[name].kill()

    def terminate(self, name):
        """SIGTERM; returns when it has ended."""
        with self.lock:
            self.meant_to_run[name] = False
        try:
            self.processes[name].stop(timeout=45, expect=None if name == "nats" else 0)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            self.exits.append((name, str(error)))
            self.processes[name].kill()

    @contextlib.contextmanager
    def frozen(self, pid):
        """SIGSTOP of a process, SIGCONT afterwards."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def lose_store(self):
        """All that JetStream has kept is gone."""
        self.kill("nats")
        shutil.rmtree(self.store, ignore_errors=True)

    def look_for_deaths(self, history):
        """Who has ended by himself is noted, and started again. A known crash of nats-server is a fault like any other."""
        begin, self.looked = self.looked, time.monotonic()
        for name, process in self.processes.items():
            with self.lock:
                died = self.meant_to_run[name] and not process.alive()
            if died and name == "nats" and NATS_CRASH in process.log():
                history.strike("crash of nats-server", name, begin).end = time.monotonic()
                self.begin(name)
            elif died:
                self.exits.append((name, f"ended by itself with {process.popen.returncode}: {process.log()[-600:]}"))
                self.begin(name)

    def footprint(self, name):
        """(resident KiB, descriptors, threads)"""
        process = self.processes[name]
        return (process.rss_kb(), len(os.listdir(f"/proc/{process.popen.pid}/fd")),
                len(os.listdir(f"/proc/{process.popen.pid}/task")))

    def debts(self):
        """The records of debts: [(key, age in s, value)]."""
        if not self.jetstream:
            return []
        nats = Nats(self.nats_port, LOGIN)
        try:
            stream = next((s["config"]["name"] for s in nats.jetstream("STREAM.LIST")["streams"] or []
                           if s["config"]["name"].startswith("KV_")), None)
            if not stream:
                return []
            info = nats.jetstream(f"STREAM.INFO.{stream}", {"subjects_filter": "$KV.*.owed.*"})
            found = []
            for subject in info["state"].get("subjects") or {}:
                answer = nats.jetstream(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})
                if "message" in answer:
                    found.append((subject, _age(answer["message"]["time"]), _value(answer["message"])))
            return found
        finally:
            nats.close()

    def delivered(self):
        """What the api-svc have logged of requests: {request id: (status, was the client there?)}."""
        found = {}
        for name in self.apis:
            for line in self.processes[name].log().splitlines():
                if '"msg":"request' in line:
                    entry = json.loads(line)
                    found[entry["request_id"]] = (entry["status"], entry["msg"] == "request")
        return found

    def secrets_in_logs(self):
        secrets = [SECRET, LOGIN["pass"], *self.kube.secrets]
        return [(name, secret[:6] + "...") for name, process in self.processes.items() if name != "nats"
                for secret in secrets if secret in process.log()]

    def stop(self):
        if self.dcm:
            self.dcm.stop()
        for name in reversed(self.processes):
            if self.processes[name].alive():
                self.terminate(name) if name != "nats" else self.kill(name)
        self.kube.stop()


def _age(stamp):
    """Of nanoseconds Python 3.11 reads none."""
    return time.time() - datetime.datetime.fromisoformat(stamp[:19] + "+00:00").timestamp()


def _value(message):
    return json.loads(base64.b64decode(message.get("data", "")) or b"{}")
