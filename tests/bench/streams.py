#!/usr/bin/env python3
"""Measures streams (common/protocol.h, STREAMS) through NATS, kube-worker and api-svc, on kubesim; no assertions.

    streams.py [--build DIR]
"""

import argparse
import os
import pathlib
import resource
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "component" / "streams"), str(TESTS / "end-to-end")]

MIB = 1 << 20


def discard(stream):
    while stream.more():
        stream.buffer = b""


def measure_throughput(stage, count, size, **options):
    begun = time.monotonic()
    used = {p: p.cpu_s() for p in (stage.svc, stage.worker, stage.nats)}
    streams = [stage.get(f"mode=bytes&bytes={size}", headers="Connection: close\r\n", **options) for _ in range(count)]
    threads = [threading.Thread(target=discard, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    shares = ", ".join(f"{p.name} {(p.cpu_s() - at) / took * 100:.0f} %" for p, at in used.items())
    print(f"{count:5} stream{'s' if count > 1 else ' '} {count * size / MIB / took:8.0f} MiB/s   processor: {shares}")


def measure_idle(stage, counts):
    processes = (stage.svc, stage.worker)
    stage.get("mode=hang").close()
    time.sleep(1)
    before = {p: p.rss_kb() for p in processes}
    streams = []
    for count in counts:
        while len(streams) < count:
            streams.append(stage.get("mode=hang"))
        time.sleep(3)
        used = {p: p.cpu_s() for p in (*processes, stage.nats)}
        time.sleep(5)
        memory = ", ".join(f"{p.name} {(p.rss_kb() - before[p]) / count:.1f} KiB" for p in processes)
        shares = ", ".join(f"{p.name} {(p.cpu_s() - at) / 5 * 100:.1f} %" for p, at in used.items())
        times = []
        for _ in range(50):
            at = time.monotonic()
            stage.api.list()
            times.append((time.monotonic() - at) * 1000)
        print(f"{count:5} idle: each {memory};   processor: {shares};   list: p50 {sorted(times)[25]:.1f} ms, "
              f"max {max(times):.1f} ms")
    for stream in streams:
        stream.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(TESTS.parent / "build"))
    os.environ["BUILD"] = os.path.abspath(parser.parse_args().build)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    from processes import start_kubesim  # they use BUILD
    from stage import PRODUCTION, Stage
    with tempfile.TemporaryDirectory() as folder:
        kubesim, kubeconfig = start_kubesim(str(PRODUCTION / "kubesim"), folder, "default")
        stage = Stage(kubeconfig, pathlib.Path(folder), SP_WORKER_STREAMS="4100").start(1)
        try:
            for count, size in ((1, 512 * MIB), (8, 64 * MIB), (64, 8 * MIB)):
                measure_throughput(stage, count, size)
            measure_idle(stage, (100, 1000, 4000))
        finally:
            stage.stop()
            kubesim.stop()


if __name__ == "__main__":
    main()
