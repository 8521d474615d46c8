#!/usr/bin/env python3
"""Measures logs beside `kubectl logs` on the same control plane, each as a program of its own; asserts nothing.

    logs.py [--build DIR] [--mib N]    the size of the long log (256)
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "end-to-end"))
NAMESPACE = "dcm-sp"


def first_byte_ms(command):
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(1), command
        took = (time.monotonic() - began) * 1000
        process.stdout.read()
    return took


def throughput(command):
    """(MiB a second, bytes)"""
    began = time.monotonic()
    size = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while block := process.stdout.read(1 << 20):
            size += len(block)
    return size / (1 << 20) / (time.monotonic() - began), size


def write_long_log(cluster, pod, mib):
    lines = mib * (1 << 20) // 128
    path = pathlib.Path(cluster, "containers", NAMESPACE, pod, "web", "0.log")
    with open(path, "a", encoding="ascii") as f:
        f.writelines(f"2026-01-01T00:00:00.{n % 10**9:09d}Z stdout F {n:09d} {'x' * 117}\n" for n in range(lines))


def measure(stack, cluster, mib):
    from api import spec
    from container_logs import path, pod_of, say

    stack.api.create(spec(), "bench")
    pod = pod_of(stack, "bench")
    say(stack, pod, "a line\n")
    base = f"http://127.0.0.1:{stack.api_port}"
    kubectl = [f"{cluster}/bin/kubectl", "--kubeconfig", f"{cluster}/admin.kubeconfig", "-n", NAMESPACE, "logs", pod]
    for name, command in (("kubectl logs", [*kubectl, "--tail=1"]), ("ours, by curl", ["curl", "-sN", base + path("bench", tail_lines=1)])):
        times = [first_byte_ms(command) for _ in range(20)]
        print(f"first byte  {name:14} p50 {statistics.median(times):7.1f} ms, max {max(times):.1f} ms")
    write_long_log(cluster, pod, mib)
    for name, command in (("kubectl logs", kubectl), ("ours, by curl", ["curl", "-sN", base + path("bench", tail_lines=2**31 - 1)])):
        rate, size = throughput(command)
        rss = ", ".join(f"{p.name.split('-')[0]} {p.rss_kb() / 1024:.0f} MiB" for p in (stack.api_svc, *stack.workers))
        print(f"throughput  {name:14} {rate:7.0f} MiB/s of {size >> 20} MiB;   resident: {rss}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(TESTS.parent / "build"))
    parser.add_argument("--mib", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = f"{folder}/cluster"
        subprocess.run([TESTS / "cluster" / "start.sh", cluster], check=True, stdout=subprocess.DEVNULL)
        os.environ.update(E2E_BIN=os.path.abspath(options.build) + "/bin", E2E_CLUSTER=cluster, E2E_NAMESPACE=NAMESPACE,
                          E2E_KUBECONFIG=f"{cluster}/admin.kubeconfig",
                          E2E_PROVIDER_KUBECONFIG=f"{cluster}/provider.kubeconfig")
        from conftest import Stack, Target
        try:
            stack = Stack(Target(folder), folder).start(workers=1)
            try:
                measure(stack, cluster, options.mib)
            finally:
                stack.stop()
        finally:
            subprocess.run([TESTS / "cluster" / "stop.sh", cluster], check=True)


if __name__ == "__main__":
    main()
