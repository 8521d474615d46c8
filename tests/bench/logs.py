#!/usr/bin/env python3
"""Measures logs, compared with `kubectl logs` on the same control plane, each in a separate process; no assertions.

    logs.py [--build DIR] [--mib N]       the size of the long log (256)
    logs.py [--build DIR] --streams N     the cost of N followed logs
    logs.py [--build DIR] --follow HOURS  one followed log with a line per second: missing lines, and memory
"""

import argparse
import concurrent.futures
import contextlib
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
OPENED_AT_ONCE = 50  # the simulated node delays each a little


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


def write_long_log(cluster, uid, mib):
    lines = mib * (1 << 20) // 128
    path = pathlib.Path(cluster, "containers", uid, "web", "0.log")
    with open(path, "a", encoding="ascii") as f:
        f.writelines(f"2026-01-01T00:00:00.{n % 10**9:09d}Z stdout F {n:09d} {'x' * 117}\n" for n in range(lines))


def resident(stack):
    return {p.name.split("-")[0]: p.rss_kb() for p in (stack.api_svc, *stack.workers)}


def measure_streams(stack, pod, count):
    from container_logs import Follower, say

    def own():
        return {p.name.split("-")[0]: p.own_kb() for p in (stack.api_svc, *stack.workers)}

    with contextlib.closing(Follower(stack, "bench", tail_lines=1)) as first:
        first.line()
    before = own()
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(OPENED_AT_ONCE) as pool:
        followers = list(pool.map(lambda _: Follower(stack, "bench", tail_lines=1, timeout=60), range(count)))
    opened = time.monotonic()
    say(stack, pod, "to all\n")
    told = 0
    for follower in followers:
        while (line := follower.line()) not in ("to all", None):
            pass
        told += line is not None
    took = time.monotonic() - opened
    each = ", ".join(f"{name} {(now - before[name]) / count:.1f} KiB" for name, now in own().items())
    print(f"{count} followed logs: each {each};   opened in {opened - began:.1f} s;   "
          f"a line has reached {told} of them after {took * 1000:.0f} ms")
    for follower in followers:
        follower.close()


def measure_follow(stack, pod, hours):
    from container_logs import Follower, say

    count, missing, got = int(hours * 3600), 0, -1
    with contextlib.closing(Follower(stack, "bench", tail_lines=0, timeout=30)) as follower:
        for n in range(count):
            say(stack, pod, f"line {n}\n")
            line = follower.line()
            if line is None:
                sys.exit(f"the stream ended after line {got}")
            missing += int(line.split()[-1]) - got - 1
            got = int(line.split()[-1])
            if n % 600 == 0 or n == count - 1:
                rss = ", ".join(f"{name} {kb} KiB" for name, kb in resident(stack).items())
                print(f"{n:6} s   missing {missing}   {rss}", flush=True)
            time.sleep(1)


def measure(stack, cluster, pod, mib):
    from container_logs import path, uid_of

    base = f"http://127.0.0.1:{stack.api_port}"
    kubectl = [f"{cluster}/bin/kubectl", "--kubeconfig", f"{cluster}/admin.kubeconfig", "-n", NAMESPACE, "logs", pod]
    for name, command in (("kubectl logs", [*kubectl, "--tail=1"]), ("ours, by curl", ["curl", "-sN", base + path("bench", tail_lines=1)])):
        times = [first_byte_ms(command) for _ in range(20)]
        print(f"first byte  {name:14} p50 {statistics.median(times):7.1f} ms, max {max(times):.1f} ms")
    write_long_log(cluster, uid_of(stack, pod), mib)
    for name, command in (("kubectl logs", kubectl), ("ours, by curl", ["curl", "-sN", base + path("bench", tail_lines=2**31 - 1)])):
        rate, size = throughput(command)
        rss = ", ".join(f"{name} {kb / 1024:.0f} MiB" for name, kb in resident(stack).items())
        print(f"throughput  {name:14} {rate:7.0f} MiB/s of {size >> 20} MiB;   resident: {rss}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(TESTS.parent / "build"))
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--streams", type=int)
    parser.add_argument("--follow", type=float)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = f"{folder}/cluster"
        subprocess.run([TESTS / "cluster" / "start.sh", cluster], check=True, stdout=subprocess.DEVNULL)
        os.environ.update(E2E_BIN=os.path.abspath(options.build) + "/bin", E2E_CLUSTER=cluster, E2E_NAMESPACE=NAMESPACE,
                          E2E_KUBECONFIG=f"{cluster}/admin.kubeconfig",
                          E2E_PROVIDER_KUBECONFIG=f"{cluster}/provider.kubeconfig")
        from api import spec
        from conftest import Stack, Target
        from container_logs import pod_of, say
        try:
            stack = Stack(Target(folder), folder, SP_WORKER_STREAMS=str(max(64, options.streams or 0))).start(workers=1)
            try:
                stack.api.create(spec(), "bench")
                pod = pod_of(stack, "bench")
                say(stack, pod, "a line\n")
                if options.streams:
                    measure_streams(stack, pod, options.streams)
                elif options.follow:
                    measure_follow(stack, pod, options.follow)
                else:
                    measure(stack, cluster, pod, options.mib)
            finally:
                stack.stop()
        finally:
            subprocess.run([TESTS / "cluster" / "stop.sh", cluster], check=True)


if __name__ == "__main__":
    main()
