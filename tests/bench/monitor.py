#!/usr/bin/python3
"""
Measures the monitor on kubesim and prints: first sync of many containers, memory, and the time from a watch line to its
event. Asserts nothing.

  monitor.py --bin build/bin [--containers 10000] [--changes 1000]
"""

import argparse
import concurrent.futures
import http.client
import json
import multiprocessing
import os
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--bin", required=True)
parser.add_argument("--containers", type=int, default=10000)
parser.add_argument("--changes", type=int, default=1000)
options = parser.parse_args()
os.environ["E2E_BIN"] = os.path.abspath(options.bin)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "end-to-end"))

from kube import Kube  # noqa: E402  (the path above must be set first)
from monitors import Monitors, deployment  # noqa: E402
from processes import start_kubesim, wait_for  # noqa: E402
from wire import Nats  # noqa: E402


class Simulator:
    """kubesim as a target for Monitors."""

    def __init__(self, folder):
        self.namespace = "dcm-sp"
        self.process, self.kubeconfig = start_kubesim(f"{os.environ['E2E_BIN']}/kubesim", folder, self.namespace,
                                                      "--history", "200000")
        self.admin = Kube(self.kubeconfig, self.namespace)


def fill(kube, first, count):
    """Create Deployments over one kept-alive connection."""
    connection = http.client.HTTPConnection(kube.url.hostname, kube.url.port)
    for i in range(first, first + count):
        connection.request("POST", kube.path("deployments"), json.dumps(deployment(f"c{i:05d}")),
                           {**kube.headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status


class Observer:
    """
    When each message was first seen, by its own process: threads of one Python process make one another wait by
    milliseconds. CLOCK_MONOTONIC is the same in all of them.
    """

    def __init__(self, watch, *args):
        """watch: a generator of times and messages; its first value means that it has started."""
        self.seen_path = os.path.join(tempfile.mkdtemp(), "seen")
        self.process = multiprocessing.Process(target=self.observe, args=(watch(*args),), daemon=True)
        self.process.start()
        wait_for("an observer", lambda: os.path.exists(self.seen_path))

    def observe(self, watch):
        next(watch)
        with open(self.seen_path, "w", buffering=1) as seen:
            for when, message in watch:
                seen.write(json.dumps([message, when]) + "\n")

    def stop(self):
        """The time of each message."""
        self.process.terminate()
        self.process.join()
        with open(self.seen_path) as seen:
            return dict(reversed([json.loads(line) for line in seen]))


def watch_lines(kube):
    """The lines of a separate watch of Pods, like that of the monitor."""
    version = kube.call("GET", kube.path("pods") + "?limit=1")[1]["metadata"]["resourceVersion"]
    connection = http.client.HTTPConnection(kube.url.hostname, kube.url.port)
    connection.request("GET", f"{kube.path('pods')}?watch=true&resourceVersion={version}", headers=kube.headers)
    answer = connection.getresponse()
    yield
    while line := answer.readline():
        when = time.monotonic()
        yield when, json.loads(line)["object"]["status"].get("message")


def watch_events(port):
    """The events as nats-server delivers them."""
    nats = Nats(port)
    nats.subscribe("dcm.container")
    yield
    while True:
        message = nats.next(3600)
        when = time.monotonic()
        yield when, json.loads(message[3])["data"]["message"]


def latencies(m):
    """Milliseconds from the watch line to the event, both observed from outside, for consecutive changes."""
    pods = [p["metadata"]["name"] for p in m.kube.list("pods")[:100]]
    lines = Observer(watch_lines, m.kube)
    events = Observer(watch_events, m.port)
    time.sleep(0.5)
    connection = http.client.HTTPConnection(m.kube.url.hostname, m.kube.url.port)
    messages = [f"change {i}" for i in range(options.changes)]
    for i, message in enumerate(messages):
        connection.request("PATCH", m.kube.path("pods", pods[i % len(pods)]) + "/status",
                           json.dumps({"status": {"message": message}}),
                           {**m.kube.headers, "Content-Type": "application/merge-patch+json"})
        connection.getresponse().read()
        time.sleep(0.002)
    time.sleep(1)
    told, seen = events.stop(), lines.stop()
    return sorted(max(0.0, (told[k] - seen[k]) * 1000) for k in messages if k in told and k in seen)


def main():
    folder = tempfile.mkdtemp()
    simulator = Simulator(folder)
    m = Monitors(simulator, folder, SP_MONITOR_DEBOUNCE_MS="0", SP_LOG_LEVEL="warn")
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            part = options.containers // 4
            list(pool.map(lambda k: fill(simulator.admin, k * part, part), range(4)))
        wait_for("all Pods run", lambda: sum(p["status"].get("phase") == "Running" for p in
                                             simulator.admin.list("pods")) == part * 4, 600, 2)
        started = time.monotonic()
        monitor = m.add(ready=False, SP_LOG_LEVEL="info")
        wait_for("all published", lambda: m.stats()[0]["published"] >= part * 4, 300, 0.05)
        print(f"monitor, {part * 4} containers: from start until the state of all was acknowledged by the stream "
              f"{time.monotonic() - started:.2f} s")
        wait_for("all consumed", lambda: len(m.dcm.last()) == part * 4, 300, 1)
        stats = m.stats()[0]
        print(f"resident {monitor.rss_kb()} KiB with {stats['cached_objects']} objects; published {stats['published']}, "
              f"retried {stats['retried']}")
        found = latencies(m)
        print(f"from watch line to event, debounce 0, {len(found)} changes: p50 {found[len(found) // 2]:.2f} ms, "
              f"p99 {found[len(found) * 99 // 100]:.2f} ms, worst {found[-1]:.2f} ms")
        print(f"resident {monitor.rss_kb()} KiB after that")
    finally:
        m.stop()
        simulator.process.stop()


main()
