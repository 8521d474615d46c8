"""
The processes subject to faults: two api-svc, three workers, two monitors, NATS, and a Kubernetes API. And a registrar with its registry, without faults.
"""

import base64
import contextlib
import datetime
import json
import os
import signal
import subprocess
import threading
import time

import network
from api import Api
from kubernetes import BIN, Cluster, Simulator
from nats_servers import CRASH, NatsServers
from ports import free_port
from processes import Process, listens, wait_for
from registry import Registry
from wall_clock import Clock
from wire import Dcm

LOGIN = {"user": "chaos", "pass": "pw-9f2c7d41e0"}  # must not be in any log
SECRET = "env-51b7a9c3f6"                           # the value of a variable of every container: likewise
APIS, WORKERS, MONITORS = 2, 3, 2
CONCURRENCY = (16, 4, 1)  # one is always full


class Stage:
    """
    Everything that runs. `processes`: by name, all that faults may end and start; `ours`: those of them that are not
    NATS; `apis`: the api-svc, to be called; `metrics`: the /metrics address of each of our processes. `nats_count`: 1,
    or a cluster of 3.
    """

    def __init__(self, folder, target, jetstream=True, latency_ms=0, nats_count=1):
        self.folder, self.jetstream = folder, jetstream
        self.network = network.Network() if network.OURS else network.Loopback()
        self.kube = Cluster(folder, self.network.hub) if target == "cluster" else \
            Simulator(folder, self.network.hub, latency_ms)
        self.nats = NatsServers(folder, self.network, LOGIN, jetstream, nats_count, disks=network.OURS)
        self.ran_path = os.path.join(folder, "commands")  # output of commands in containers, if they are really executed
        self.runs_commands = target == "cluster"
        self.env = {
            "SP_NAME": "chaos", "SP_NATS_URL": self.nats.url, "SP_NATS_USER": LOGIN["user"],
            "SP_NATS_PASSWORD_FILE": os.path.join(folder, "password"), "SP_K8S_KUBECONFIG": self.kube.kubeconfig,
            "SP_K8S_NAMESPACE": self.kube.namespace, "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort", "SP_EXEC": "true",
            "SP_MONITOR_DEBOUNCE_MS": "100", "SP_FAILED_GRACE": "5s", "NO_PROXY": "*",
            "SP_LOG_LEVEL": os.environ.get("CHAOS_LOG_LEVEL", "info"),
        }
        with open(self.env["SP_NATS_PASSWORD_FILE"], "w", encoding="ascii") as f:
            f.write(LOGIN["pass"])
        self.apis, self.clocks, self.metrics = {}, {}, {}
        self.registry = Registry()
        self.processes = {server.name: server.process for server in self.nats.servers.values()}
        for n in range(APIS):
            host, prefix = self.network.join(f"api-{n}")
            self.apis[f"api-{n}"] = Api(free_port(), host)
            self.metrics[f"api-{n}"] = f"{host}:{self.apis[f'api-{n}'].port}"
            self._add(f"api-{n}", "api-svc", prefix, SP_SERVER_ADDRESS=self.metrics[f"api-{n}"])
        for n in range(WORKERS):
            self._join(f"worker-{n}", "kube-worker", SP_WORKER_CONCURRENCY=str(CONCURRENCY[n]))
        for n in range(MONITORS):
            self._join(f"monitor-{n}", "monitor")
        self._serve("registrar", "registrar", self.network.hub, [], DCM_REGISTRATION_URL=self.registry.url,
                    SP_ENDPOINT=f"http://{self.metrics['api-0']}")
        self.ours = [name for name in self.processes if name not in self.nats.servers]
        self.meant_to_run = {name: False for name in self.processes}
        self.started = {}
        self.looked = time.monotonic()
        self.exits = []  # (name, text) of unexpected exits and errors
        self.lock = threading.Lock()
        self.dcm = None

    @property
    def abilities(self):
        """The interface for the rows of faults.py."""
        able = {"disk": self.jetstream and network.OURS, "network": network.OURS, "cluster": self.nats.clustered,
                "clustered network": network.OURS and self.nats.clustered}
        return {name for name, can in able.items() if can}

    def _join(self, name, program, **env):
        self._serve(name, program, *self.network.join(name), **env)

    def _serve(self, name, program, host, prefix, **env):
        """A process that only serves metrics."""
        self.metrics[name] = f"{host}:{free_port()}"
        self._add(name, program, prefix, SP_METRICS_ADDRESS=self.metrics[name], **env)

    def _add(self, name, program, prefix, **env):
        self.clocks[name] = Clock(self.folder, f"{name}.clock")
        self.processes[name] = Process(name, [*prefix, f"{BIN}/{program}"],
                                       {**self.env, **self.clocks[name].settings, **env}, self.folder)

    def start(self):
        for name in self.nats.servers:
            self.begin(name)
        self.nats.wait()
        for name in self.ours:
            self.begin(name)
        first = next(iter(self.nats.servers.values()))
        self.dcm = Dcm(first.port, stream=self.jetstream, login=LOGIN, host=first.host, replicas=len(self.nats.servers))
        for name, api in self.apis.items():
            wait_for(f"{name} is healthy", lambda api=api: listens(api.port, api.host) and api.health() == "healthy", 30)
        return self

    def begin(self, name):
        """Start or restart a process."""
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
            self.processes[name].stop(timeout=45, expect=0 if name in self.ours else None)
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

    def lose_store(self, name):
        """Kill a nats-server, and remove its data."""
        self.kill(name)
        self.nats.servers[name].lose_store()

    def look_for_deaths(self, history):
        """Record and restart processes that have exited. A known crash of nats-server counts as a fault."""
        begin, self.looked = self.looked, time.monotonic()
        for name, process in self.processes.items():
            with self.lock:
                died = self.meant_to_run[name] and not process.alive()
            if died and name in self.nats.servers and CRASH in process.log():
                history.strike("crash", name, begin, stops=True).end = time.monotonic()
                self.begin(name)
            elif died:
                self.exits.append((name, f"ended by itself with {process.popen.returncode}: {process.log()[-600:]}"))
                self.begin(name)

    def footprint(self, name):
        """(resident KiB, descriptors, threads)"""
        process = self.processes[name]
        return (process.rss_kb(), len(os.listdir(f"/proc/{process.popen.pid}/fd")),
                len(os.listdir(f"/proc/{process.popen.pid}/task")))

    def waited(self, name):
        """Time in seconds that all threads of a process, or of a part of Kubernetes, have waited for a CPU."""
        total = 0
        with contextlib.suppress(OSError, ValueError):  # it has ended
            pid = self.kube.pid(name) if name in self.kube.parts else self.processes[name].popen.pid
            folder = f"/proc/{pid}/task"
            for thread in os.listdir(folder):
                with open(f"{folder}/{thread}/schedstat", encoding="ascii") as f:
                    total += int(f.read().split()[1])
        return total / 1e9

    def debts(self):
        """The records of debts: [(key, age in s, value)]."""
        if not self.jetstream:
            return []
        with contextlib.closing(self.nats.connect()) as nats:
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

    def delivered(self):
        """The requests logged by the api-svc: {request id: (status, whether the client was connected)}."""
        found = {}
        for name in self.apis:
            for line in self.processes[name].log().splitlines():
                if '"msg":"request' in line:
                    entry = json.loads(line)
                    found[entry["request_id"]] = (entry["status"], entry["msg"] == "request")
        return found

    def commands(self):
        """The output of the commands in containers, one line each."""
        if not os.path.exists(self.ran_path):
            return []
        with open(self.ran_path, encoding="utf-8") as f:
            return f.read().split()

    def secrets_in_logs(self):
        secrets = [SECRET, LOGIN["pass"], *self.kube.secrets]
        return [(name, secret[:6] + "...") for name in self.ours for secret in secrets
                if secret in self.processes[name].log()]

    def clear(self):
        """Remove the containers of clients, and empty the logs."""
        api = next(iter(self.apis.values()))
        for container in api.list(max_page_size=1000).json["containers"]:
            assert api.delete(container["id"]).status in (204, 404), container["id"]
        for process in self.processes.values():
            os.truncate(process.log_path, 0)
        open(self.ran_path, "w", encoding="utf-8").close()

    def stop(self):
        if self.dcm:
            self.dcm.stop()
        for name in reversed(self.ours):
            if self.processes[name].alive():
                self.terminate(name)
        self.nats.stop()
        self.kube.stop()
        self.registry.stop()


def _age(stamp):
    """Python 3.11 cannot parse nanoseconds."""
    return time.time() - datetime.datetime.fromisoformat(stamp[:19] + "+00:00").timestamp()


def _value(message):
    return json.loads(base64.b64decode(message.get("data", "")) or b"{}")
