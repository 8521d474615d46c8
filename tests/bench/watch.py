#!/usr/bin/env python3
"""
Measures `GET /containers:watch` on kubesim: the first state, the latency of changes, and the memory of many watchers;
asserts nothing.

    watch.py [--build DIR] [--containers N] [--watchers N]    10000, 500
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import resource
import selectors
import socket
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "end-to-end"))

CHANGES = 500


def fill(stack, count):
    from api import BASE, spec
    local = threading.local()

    def create(n):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", stack.api_port, timeout=60)
        body = json.dumps({"spec": spec(metadata={"name": "web", "labels": {"team": f"t{n % 10}"}})})
        local.connection.request("POST", f"{BASE}?id=c{n}", body, {"Content-Type": "application/json"})
        answer = local.connection.getresponse()
        text = answer.read()
        assert answer.status == 201, text
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(create, range(count)))


def wait_until_quiet(watcher):
    """Wait until all are RUNNING, and nothing changes for a while."""
    while not all(c["status"] == "RUNNING" and c["replicas"]["ready"] == 1 for c in watcher.state.values()):
        watcher.event()


def first_state(stack, expected, **query):
    """(seconds to the first byte, to `synced`, bytes) of a client such as curl."""
    from watcher import path
    begun = time.monotonic()
    s = socket.create_connection(("127.0.0.1", stack.api_port))
    s.sendall(f"GET {path(**query)} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    tail, size, count, first = b"", 0, 0, None
    while True:
        block = s.recv(1 << 18)
        assert block
        first = first or time.monotonic() - begun
        size += len(block)
        tail += block
        count += tail.count(b"event: snapshot\n")
        if b"event: synced\n" in tail:
            break
        count -= tail[-15:].count(b"event: snapshot\n")
        tail = tail[-15:]
    took = time.monotonic() - begun
    s.close()
    assert count == expected, count
    return first, took, size


class Many:
    """Watchers that read in one thread, and the time at which each received a word."""

    def __init__(self, stack, count, expected):
        from watcher import path
        self.selector = selectors.DefaultSelector()
        self.seen, self.word, self.lock = {}, None, threading.Lock()
        self.sockets, self.synced = [], 0
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", stack.api_port))
            s.sendall(f"GET {path()} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
            self.selector.register(s, selectors.EVENT_READ, [b""])
            self.sockets.append(s)
        self.stop = False
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while not self.stop:
            for key, _ in self.selector.select(0.2):
                block = key.fileobj.recv(1 << 18)
                now = time.monotonic()
                text = key.data[0] + block
                if b"event: synced\n" in text:
                    self.synced += 1
                with self.lock:
                    if self.word and self.word in text:
                        self.seen.setdefault(key.fd, now)
                key.data[0] = text[-40:] if b"event: synced\n" not in text else b""

    def close(self):
        self.stop = True
        self.thread.join()
        for s in self.sockets:
            s.close()


def latencies(stack, many, changes):
    """From the start of a change (a PATCH to the API server, whose watch line follows) to each watcher. Milliseconds."""
    took = []
    for n in range(changes):
        word = f"step-{n}-{time.monotonic_ns()}"
        with many.lock:
            many.word, many.seen = word.encode(), {}
        begun = time.monotonic()
        stack.kube.patch("deployments", f"c{n % 100}", {"metadata": {"labels": {"step": word}}})
        end = time.monotonic() + 5
        while len(many.seen) < len(many.sockets) and time.monotonic() < end:
            time.sleep(0.0005)
        with many.lock:
            took += [(at - begun) * 1000 for at in many.seen.values()]
            assert len(many.seen) == len(many.sockets), "a change was not sent within 5 s"
    return sorted(took)


def show(name, values):
    print(f"{name:44} p50 {values[len(values) // 2]:6.1f} ms, p99 {values[len(values) * 99 // 100]:6.1f} ms, "
          f"max {values[-1]:6.1f} ms", flush=True)


def measure(stack, containers, watchers):
    from watcher import Watcher

    def memory():
        return ", ".join(f"{p.name.split('-')[0]} {p.rss_kb() / 1024:.1f} MiB" for p in (stack.api_svc, *stack.workers))
    print(f"{containers} containers", flush=True)
    fill(stack, containers)
    watcher = Watcher(stack.api_port, timeout=300).sync()
    wait_until_quiet(watcher)
    watcher.close()
    time.sleep(35)  # the feed has ended
    print(f"{'no watchers:':44} {memory()}", flush=True)
    for name in ("first state, cold", "first state, warm"):
        first, took, size = first_state(stack, containers)
        print(f"{name:44} first byte {first * 1000:.0f} ms, synced {took * 1000:.0f} ms, {size / (1 << 20):.1f} MiB", flush=True)
    first, took, size = first_state(stack, containers // 10, filter='labels.team = "t3"')
    print(f"{'first state, warm, a tenth by a filter':44} first byte {first * 1000:.0f} ms, synced {took * 1000:.0f} ms", flush=True)
    for count in (1, watchers):
        many = Many(stack, count, containers)
        begun = time.monotonic()
        while many.synced < count:
            time.sleep(0.01)
        print(f"{f'{count} watchers: all synced':44} {time.monotonic() - begun:.1f} s", flush=True)
        show(f"{count} watchers: a change", latencies(stack, many, CHANGES if count == 1 else CHANGES // 10))
        time.sleep(2)
        print(f"{f'{count} watchers:':44} {memory()}", flush=True)
        many.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(TESTS.parent / "build"))
    parser.add_argument("--containers", type=int, default=10000)
    parser.add_argument("--watchers", type=int, default=500)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    os.environ["E2E_BIN"] = os.path.abspath(options.build) + "/bin"
    from conftest import Stack, Target
    with tempfile.TemporaryDirectory() as folder:
        target = Target(folder)
        stack = Stack(target, folder).start(workers=1)
        try:
            measure(stack, options.containers, options.watchers)
        finally:
            stack.stop()
            target.stop()


if __name__ == "__main__":
    main()
