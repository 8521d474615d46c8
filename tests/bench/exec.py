#!/usr/bin/env python3
"""Measures commands in containers, compared with direct ones by the same client on the same control plane; no assertions.

    exec.py [--build DIR] [--rounds N]    of each figure (100)

`direct` is what kubectl does: a WebSocket to the API server, over TLS. The rounds alternate, so that both have the same
conditions. First with the client of `kubectl exec` (kubectl-exec/, which needs Go), then with one in Python.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "end-to-end"))
NAMESPACE = "dcm-sp"


def clients(stack, pod):
    """Two functions that start a command: through the provider, and direct."""
    from exec_client import Exec

    class Direct(Exec):
        @staticmethod
        def path(_container_id, command, **query):
            pairs = [("container", "web"), *(("command", word) for word in command), *query.items()]
            return f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/exec?" + urllib.parse.urlencode(pairs)

        @staticmethod
        def connect(stack, timeout):
            s = socket.create_connection((stack.kube.url.hostname, stack.kube.url.port), timeout=timeout)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return stack.kube.context.wrap_socket(s, server_hostname=stack.kube.url.hostname)

    def begin(kind):
        def make(command, **query):
            client = kind(stack, "bench", command, **query)
            assert client.status == 101, client.problem
            return client
        return make
    return {"ours": begin(Exec), "direct": begin(Direct)}


def command_ms(begin, **query):
    """Time of a command from connecting to its Status."""
    from exec_client import STATUS
    began = time.monotonic()
    client = begin(["true"], **query)
    while client.message()[0] != STATUS:
        pass
    took = (time.monotonic() - began) * 1000
    client.close()
    return took


def echo_ms(client):
    """Round-trip time of a line through an open command."""
    from exec_client import STDIN
    began = time.monotonic()
    client.send(STDIN, b"line\n")
    client.until(b"\n")
    return (time.monotonic() - began) * 1000


def throughput(begin, mib):
    from exec_client import STDOUT
    began = time.monotonic()
    client = begin(["head", "-c", str(mib << 20), "/dev/zero"])
    size = 0
    while (message := client.message())[0] == STDOUT:
        size += len(message[1])
    assert size == mib << 20, size
    client.close()
    return mib / (time.monotonic() - began)


def show(what, times):
    ratio = statistics.median(times["ours"]) / statistics.median(times["direct"])
    figures = ", ".join(f"{name} p50 {statistics.median(t):.2f} ms, p90 {sorted(t)[len(t) * 9 // 10]:.2f} ms"
                        for name, t in times.items())
    print(f"{what:30} {figures}; ratio {ratio:.2f}")


def measure_by_kubectl(stack, pod, rounds, folder):
    """With the client of `kubectl exec` for both."""
    from api import BASE
    if not shutil.which("go"):
        print("kubectl's client: Go is not installed")
        return
    program = f"{folder}/kubectl-exec"
    subprocess.run(["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", program, "."], check=True,
                   cwd=TESTS / "bench" / "kubectl-exec", env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"})
    done = subprocess.run([program, os.environ["E2E_KUBECONFIG"],
                           f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/exec?container=web",
                           f"http://127.0.0.1:{stack.api_port}{BASE}/bench/exec?container=web", str(rounds)],
                          check=True, stdout=subprocess.PIPE)
    figures = json.loads(done.stdout)
    for what, key in (("a command, by kubectl's client", "command"), ("a line there and back", "round_trip")):
        show(what, {name: figures[name][key] for name in ("ours", "direct")})


def measure(stack, rounds, folder):
    from api import BASE, spec
    from container_logs import pod_of
    stack.api.create(spec(), "bench")
    pod = pod_of(stack, "bench")
    measure_by_kubectl(stack, pod, rounds, folder)
    begin = clients(stack, pod)
    for what, query in (("a command", {}), ("a command with stdin", {"stdin": "true"})):
        times = {name: [] for name in begin}
        for _ in range(rounds):
            for name, make in begin.items():
                times[name].append(command_ms(make, **query))
        show(what, times)
    posts = []
    for _ in range(rounds):
        began = time.monotonic()
        assert stack.api.call("POST", f"{BASE}/bench:exec", {"command": ["true"]}).status == 200
        posts.append((time.monotonic() - began) * 1000)
    show("POST :exec, and direct", {"ours": posts, "direct": times["direct"]})
    opened = {name: make(["cat"], stdin="true") for name, make in begin.items()}
    times = {name: [] for name in opened}
    for _ in range(rounds):
        for name, client in opened.items():
            times[name].append(echo_ms(client))
    show("a line there and back", times)
    for client in opened.values():
        client.close()
    for name, make in begin.items():
        print(f"{'throughput of 64 MiB':30} {name} {throughput(make, 64):.0f} MiB/s")
    before = {p.name.split("-")[0]: p.own_kb() for p in (stack.api_svc, *stack.workers)}
    held = [begin["ours"](["cat"], stdin="true") for _ in range(200)]
    grown = {p.name.split("-")[0]: (p.own_kb() - before[p.name.split("-")[0]]) / len(held)
             for p in (stack.api_svc, *stack.workers)}
    print(f"{'memory of each of 200 at once':30} " + ", ".join(f"{name} {kb:.0f} KiB" for name, kb in grown.items()))
    for client in held:
        client.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(TESTS.parent / "build"))
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = f"{folder}/cluster"
        subprocess.run([TESTS / "cluster" / "start.sh", cluster], check=True, stdout=subprocess.DEVNULL)
        os.environ.update(E2E_BIN=os.path.abspath(options.build) + "/bin", E2E_CLUSTER=cluster, E2E_NAMESPACE=NAMESPACE,
                          E2E_KUBECONFIG=f"{cluster}/admin.kubeconfig",
                          E2E_PROVIDER_KUBECONFIG=f"{cluster}/provider.kubeconfig")
        from conftest import Stack, Target
        try:
            stack = Stack(Target(folder), folder, SP_WORKER_STREAMS="300").start(workers=1)
            try:
                measure(stack, options.rounds, folder)
            finally:
                stack.stop()
        finally:
            subprocess.run([TESTS / "cluster" / "stop.sh", cluster], check=True)


if __name__ == "__main__":
    main()
