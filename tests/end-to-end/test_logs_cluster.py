"""Followed logs during failures of the node and the API server."""

import os
import signal
import subprocess
import threading
import time

import pytest

from api import spec
from container_logs import Follower, pod_of, say, uid_of
from processes import wait_for

CLUSTER = os.environ.get("E2E_CLUSTER", "")
SCRIPTS = os.path.join(os.path.dirname(__file__), "..", "cluster")


def signal_kubelet(number):
    with open(os.path.join(CLUSTER, "run", "simulated-kubelet.pid")) as f:
        os.kill(int(f.read()), number)


def restart_kubelet():
    """Kill it, and start it again on the same port."""
    signal_kubelet(signal.SIGKILL)
    subprocess.run(["bash", "-c", f'. {SCRIPTS}/lib.sh; use_dir {CLUSTER}; sleep 0.5; start_kubelet'], check=True,
                   cwd=SCRIPTS, stdout=subprocess.DEVNULL)


def restart_apiserver():
    subprocess.run([f"{SCRIPTS}/restart.sh", CLUSTER, "--kill"], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("fail", [restart_kubelet, restart_apiserver])
def test_logs_are_sent_once_during_failures(stack, fail):
    stack.api.create(spec(), "counted")
    pod = pod_of(stack, "counted")
    uid = uid_of(stack, pod)
    say(stack, pod, "0\n")
    follower = Follower(stack, "counted", timeout=60)
    stop, said = threading.Event(), [0]

    def count():
        while not stop.is_set():
            said[0] += 1
            say(stack, pod, f"{said[0]}\n", uid=uid)
            time.sleep(0.005)
    thread = threading.Thread(target=count)
    thread.start()
    try:
        for n in range(200):
            assert follower.line() == str(n)
        fail()
        time.sleep(1)
    finally:
        stop.set()
        thread.join()
    for n in range(200, said[0] + 1):
        assert follower.line() == str(n), "lost or duplicated"
    follower.close()
    wait_for("the stack is well", lambda: stack.api.health() == "healthy", 30)


def test_logs_of_a_lost_node_end_with_their_container(stack):
    stack.api.create(spec(), "widowed")
    pod = pod_of(stack, "widowed")
    say(stack, pod, "said\n")
    follower = Follower(stack, "widowed", timeout=60)
    assert follower.line() == "said"
    signal_kubelet(signal.SIGSTOP)
    try:
        assert stack.api.delete("widowed").status == 204
        wait_for("its Pod is deleted", lambda: not stack.kube.of("pods", "widowed"), 60)
        began = time.monotonic()
        assert follower.line().startswith("[log lost between ")
        assert follower.line() is None
        assert time.monotonic() - began < 20
    finally:
        signal_kubelet(signal.SIGCONT)
