"""The monitor as a process: configuration, discovery, systemd."""

import json
import os
import pathlib
import socket
import subprocess
import time

from processes import wait_for
from wire import Nats

MONITOR = os.path.join(os.environ["BUILD"], "bin", "monitor")
KUBECONFIG = pathlib.Path(__file__).parents[2] / "fixtures/kubeconfig/full.yaml"
REQUIRED = {"SP_NAME": "x", "SP_NATS_URL": "nats://127.0.0.1:1", "SP_K8S_KUBECONFIG": str(KUBECONFIG)}


def run(*arguments, **env):
    return subprocess.run([MONITOR, *arguments], env=env, capture_output=True, text=True, timeout=20)


def test_help_lists_every_variable():
    answer = run("--help")
    assert answer.returncode == 0
    for name in ("SP_NAME", "SP_NATS_URL", "SP_K8S_NAMESPACE", "SP_K8S_KUBECONFIG", "SP_FAILED_GRACE",
                 "SP_MONITOR_DEBOUNCE_MS", "SP_MONITOR_RESYNC_PERIOD", "SP_MONITOR_MODE", "SP_MONITOR_SHUTDOWN_TIMEOUT",
                 "SP_LOG_LEVEL"):
        assert f"  {name} " in answer.stdout


def test_an_invalid_configuration_is_rejected_with_all_errors():
    answer = run("--check-config", SP_MONITOR_MODE="sometimes", SP_MONITOR_DEBOUNCE_MS="-1",
                 SP_MONITOR_RESYNC_PERIOD="10", SP_FAILED_GRACE="soon")
    assert answer.returncode == 1
    for name in ("SP_NAME", "SP_NATS_URL", "SP_MONITOR_MODE", "SP_MONITOR_DEBOUNCE_MS", "SP_MONITOR_RESYNC_PERIOD",
                 "SP_FAILED_GRACE"):
        assert f"{name}: " in answer.stderr, answer.stderr
    assert run("--check-config", **REQUIRED).returncode == 0
    assert run("--check-config", SP_SERVER_ADDRESS=":8080", SP_ENDPOINT="http://x", **REQUIRED).returncode == 0
    assert run("--wrong").returncode == 1


def test_discovery_lists_it_with_its_counters(monitors):
    m = monitors()
    m.add()
    m.create("seen")
    m.wait_last("seen", "RUNNING")
    wait_for("recorded", lambda: m.stats()[0]["pending"] == 0)
    nats = Nats(m.port)
    ping, = [json.loads(b) for _, b in nats.ask("$SRV.PING.monitor", seconds=0.3)]
    assert ping["metadata"] == {"provider": m.name, "host": socket.gethostname()} and ping["name"] == "monitor"
    info, = [json.loads(b) for _, b in nats.ask(f"$SRV.INFO.monitor.{ping['id']}", seconds=0.3)]
    assert [e["name"] for e in info["endpoints"]] == ["events"]
    nats.close()
    data, = m.stats()
    assert data["role"] == "active" and data["acknowledged"] and not data["polling"]
    assert data["published"] == len(m.dcm.events) and data["containers"] == 1 and data["cached_objects"] == 3
    assert data["retried"] == 0 and data["lag_ms"] == 0 and data["relists"] == 6


def test_health_option_queries_the_monitor_of_this_provider(monitors):
    m = monitors()
    asked = {"SP_NATS_URL": f"nats://127.0.0.1:{m.port}"}
    assert run("--health", SP_NAME=m.name, **asked).returncode == 1
    m.add()
    assert run("--health", SP_NAME=m.name, **asked).stdout == "healthy\n"
    other = run("--health", SP_NAME="another", **asked)
    assert other.returncode == 1 and "no monitor of 'another'" in other.stderr
    begun = time.monotonic()
    away = run("--health", **REQUIRED)
    assert away.returncode == 1 and "unhealthy: " in away.stderr and time.monotonic() - begun < 5


def test_systemd_gets_ready_watchdog_and_stopping(monitors, tmp_path):
    m = monitors()
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(5)
        m.add(NOTIFY_SOCKET=path, WATCHDOG_USEC="400000")
        assert s.recv(1000) == b"READY=1"
        assert [s.recv(1000) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        m.processes[0].stop()
        said = []
        while b"STOPPING=1" not in said:
            said.append(s.recv(1000))


def test_a_crash_leaves_no_core_dump(monitors):
    m = monitors()
    m.add()
    with open(f"/proc/{m.processes[0].popen.pid}/limits") as f:
        assert next(line for line in f if line.startswith("Max core file size")).split()[4:6] == ["0", "0"]


def test_it_waits_for_nats_at_startup(monitors):
    m = monitors()
    m.nats.kill()
    m.create("early")
    m.add(ready=False)
    time.sleep(1)
    assert m.processes[0].alive()
    m.start_nats()
    m.wait_last("early", "RUNNING")
