#!/usr/bin/python3
"""
Many clients that create and delete without a pause, against one api-svc, one worker and kubesim. Asserts nothing.

  overload.py [--bin DIR] [--clients N] [--seconds S] [--latency MS of kubesim]

A rejected client retries immediately. Health is polled by a separate process.
"""

import argparse
import asyncio
import collections
import datetime
import http.client
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests/end-to-end"))

from api import BASE, Api, spec  # noqa: E402
from kube import Kube  # noqa: E402
from ports import free_port  # noqa: E402
from processes import Process, listens, start_kubesim, wait_for  # noqa: E402

HEALTH_S = 0.1
LATE_S = 0.05      # a worker logs a request after its reply, api-svc immediately
RECOVERED_S = 0.2
BODY = json.dumps({"spec": spec()})


def raise_limit():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def start(binaries, folder, latency_ms):
    """(processes by name, api)"""
    kubesim, kubeconfig = start_kubesim(f"{binaries}/kubesim", folder, "dcm-sp")
    if latency_ms:
        for verb in ("get", "create", "delete", "patch"):
            Kube(kubeconfig, "dcm-sp").call("POST", "/sim/faults", {"kind": "latency", "ms": latency_ms, "count": -1,
                                                                    "match": {"verb": verb}})
    nats_port, api = free_port(), Api(free_port())
    nats = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(nats_port), "-js", "-sd", f"{folder}/js"], {},
                   folder).start()
    wait_for("nats-server", lambda: listens(nats_port))
    env = {"SP_NAME": "overload", "SP_NATS_URL": f"nats://127.0.0.1:{nats_port}", "SP_K8S_KUBECONFIG": kubeconfig,
           "SP_K8S_NAMESPACE": "dcm-sp", "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort",
           "SP_SERVER_ADDRESS": f"127.0.0.1:{api.port}"}
    processes = {"kubesim": kubesim, "nats": nats}
    for name in ("api-svc", "kube-worker"):
        processes[name] = Process(name, [f"{binaries}/{name}"], env, folder).start()
    wait_for("healthy", lambda: listens(api.port) and api.health() == "healthy")
    return processes, api


def poll_health(port, queue, over):
    found = []
    while not over.wait(HEALTH_S):
        began = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", f"{BASE}/health")
            said = json.loads(connection.getresponse().read())["status"]
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            said = type(error).__name__
        found.append((time.monotonic() - began, said))
    queue.put(found)


class Load:
    """The clients; answers: [(status or name of an error, seconds)]."""

    def __init__(self, port):
        self.port, self.answers = port, []

    async def call(self, stream, method, path, body=""):
        began = time.monotonic()
        try:
            if stream[0] is None:
                stream[:] = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = stream
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            status, fields = int(head[9:12]), head.lower()
            if b"content-length: " in fields:
                await reader.readexactly(int(fields.split(b"content-length: ")[1].split(b"\r\n")[0]))
            if b"connection: close" in fields:
                self.close(stream)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.close(stream)
            status = type(error).__name__
            await asyncio.sleep(0.05)
        self.answers.append((status, time.monotonic() - began))
        return status

    @staticmethod
    def close(stream):
        if stream[1] is not None:
            stream[1].close()
        stream[:] = [None, None]

    async def client(self, number):
        stream = [None, None]
        try:
            while True:
                if await self.call(stream, "POST", f"{BASE}?id=o{number}", BODY) in (201, 409):
                    while await self.call(stream, "DELETE", f"{BASE}/o{number}") not in (204, 404):
                        pass
        finally:
            self.close(stream)

    async def run(self, clients, seconds, on_second):
        tasks = [asyncio.create_task(self.client(n)) for n in range(clients)]
        for second in range(int(seconds)):
            on_second(second)
            await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def recovery(api):
    """Seconds until a create returns 201 within RECOVERED_S."""
    began = time.monotonic()
    for n in range(1000):
        asked = time.monotonic()
        try:
            status = api.create(spec(), f"after-{n}").status
        except (OSError, http.client.HTTPException):
            status = 0
        if status == 201 and time.monotonic() - asked <= RECOVERED_S:
            return time.monotonic() - began
        time.sleep(0.02)
    return float("inf")


def seconds_of(entry):
    return datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp()


def late_attempts(processes):
    """(creates executed after their response, creates executed more than once)"""
    answered, carried_out = {}, collections.defaultdict(list)
    for line in processes["api-svc"].log().splitlines():
        if '"msg":"request' in line and '"method":"POST"' in line:
            entry = json.loads(line)
            answered[entry["request_id"]] = seconds_of(entry)
    for line in processes["kube-worker"].log().splitlines():
        if '"operation":"create"' in line and '"code":"OK"' in line:
            entry = json.loads(line)
            carried_out[entry["request_id"]].append(seconds_of(entry))
    late = sum(at > answered.get(i, at) + LATE_S for i, times in carried_out.items() for at in times)
    return late, sum(len(times) > 1 for times in carried_out.values())


def by_server(api_svc):
    """The durations measured by api-svc, per status: the client shares the processors, and adds its own time."""
    found = collections.defaultdict(list)
    for line in api_svc.log().splitlines():
        if '"msg":"request"' in line:
            entry = json.loads(line)
            found[entry["status"]].append(entry["ms"] / 1000)
    return found


def show(what, seconds):
    times = sorted(seconds)
    if times:
        at = [times[min(len(times) - 1, int(len(times) * share))] * 1000 for share in (0.5, 0.9, 0.99)]
        print(f"{what:16} {len(times):7}   p50 {at[0]:6.0f}  p90 {at[1]:6.0f}  p99 {at[2]:6.0f}  "
              f"max {times[-1] * 1000:6.0f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/bin"))
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--latency", type=int, default=0)
    args = parser.parse_args()
    with_pipeline(args, args.latency, measure)


def with_pipeline(args, latency_ms, measure_it):
    """Call with the arguments, the processes and the API of a pipeline that is ended afterwards."""
    raise_limit()
    with tempfile.TemporaryDirectory(prefix="overload-") as folder:
        processes, api = start(args.bin, folder, latency_ms)
        try:
            measure_it(args, processes, api)
        finally:
            for process in reversed(processes.values()):
                process.kill()


def measure(args, processes, api):
    queue, over = multiprocessing.Queue(), multiprocessing.Event()
    poller = multiprocessing.Process(target=poll_health, args=(api.port, queue, over))
    poller.start()
    sizes, load = [], Load(api.port)

    def on_second(_):
        sizes.append((processes["api-svc"].rss_kb(), processes["kube-worker"].rss_kb()))

    asyncio.run(load.run(args.clients, args.seconds, on_second))
    recovered = recovery(api)
    over.set()
    health = queue.get()
    poller.join()
    print(f"{args.clients} clients, {args.seconds} s, kubesim takes {args.latency} ms more")
    by_status = collections.defaultdict(list)
    for status, took in load.answers:
        by_status[{201: "accepted", 204: "accepted"}.get(status, str(status))].append(took)
    for status, times in sorted(by_status.items()):
        show(status, times)
    for status, times in sorted(by_server(processes["api-svc"]).items()):
        show(f"  api-svc: {status}", times)
    show("health", [took for took, _ in health])
    said = collections.Counter(word for _, word in health)
    print(f"healthy          {100 * said['healthy'] / len(health):6.1f} %   {dict(said)}")
    late, twice = late_attempts(processes)
    print(f"creates carried out after their answer: {late}; more than once: {twice}")
    for column, name in enumerate(("api-svc", "kube-worker")):
        values = [size[column] // 1024 for size in sizes]
        print(f"resident MiB     {name}: {' '.join(map(str, values[::max(1, len(values) // 12)]))}; max {max(values)}")
    time.sleep(3)
    print(f"resident MiB     after 3 s of rest: api-svc {processes['api-svc'].rss_kb() // 1024}, "
          f"kube-worker {processes['kube-worker'].rss_kb() // 1024}")
    print(f"recovered        {recovered * 1000:.0f} ms after the load")


if __name__ == "__main__":
    main()
