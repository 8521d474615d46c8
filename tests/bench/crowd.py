#!/usr/bin/python3
"""
Idle connections, clients that send a byte per second, and oversized bodies, concurrently with a few ordinary clients. Prints the effect on those and on health; asserts nothing.

  crowd.py [--bin DIR] [--idle N] [--slow N] [--large N] [--seconds S]
"""

import argparse
import asyncio
import collections
import contextlib
import http.client
import multiprocessing
import os
import time

from overload import BODY, ROOT, poll_health, recovery, show, with_pipeline

from api import BASE

LARGE = 5_000_000
ORDINARY = 4
BACK_S = 5
HEAD = f"POST {BASE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Crowd:
    """The hostile clients; `ends`: how their connections ended, and how often."""

    def __init__(self, port):
        self.port, self.ends = port, collections.Counter()

    async def _connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def forever(self, kind, act):
        """Reconnects after a disconnect."""
        while True:
            try:
                reader, writer = await self._connect()
                try:
                    self.ends[f"{kind}: {await act(reader, writer)}"] += 1
                finally:
                    writer.close()
            except OSError as error:
                self.ends[f"{kind}: {type(error).__name__}"] += 1
            await asyncio.sleep(BACK_S)

    @staticmethod
    async def idle(reader, _):
        return await answer(reader)

    @staticmethod
    async def slow(reader, writer):
        async def trickle():
            for byte in HEAD + "X-Slow: " + "a" * 1000:
                writer.write(byte.encode())
                await asyncio.sleep(1)
        task = asyncio.create_task(trickle())
        try:
            return await answer(reader)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @staticmethod
    async def large(reader, writer):
        writer.write(f"{HEAD}Content-Length: {LARGE}\r\n\r\n".encode() + b"a" * LARGE)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        return await answer(reader)


async def answer(reader):
    line = await reader.readline()
    return line[9:12].decode() if line else "closed"


def ordinary(port, number, queue, over):
    """Creates, reads and deletes containers without pauses until the end."""
    found = []
    while not over.is_set():
        for method, path, body in (("POST", f"{BASE}?id=o{number}", BODY), ("GET", f"{BASE}/o{number}", None),
                                   ("DELETE", f"{BASE}/o{number}", None)):
            began = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=45)
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"})
                said = connection.getresponse().status
            except (OSError, http.client.HTTPException) as error:
                said = type(error).__name__
            finally:
                connection.close()
            found.append((time.monotonic() - began, said))
    queue.put(found)


async def run(args, port, on_second):
    crowd, tasks = Crowd(port), []
    for kind, count, act in (("idle", args.idle, crowd.idle), ("slow", args.slow, crowd.slow),
                             ("large", args.large, crowd.large)):
        tasks += [asyncio.create_task(crowd.forever(kind, act)) for _ in range(count)]
    for _ in range(args.seconds):
        on_second()
        await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return crowd.ends


def measure(args, processes, api):
    queues, over, sizes = [multiprocessing.Queue(), multiprocessing.Queue()], multiprocessing.Event(), []
    others = [multiprocessing.Process(target=poll_health, args=(api.port, queues[0], over))]
    others += [multiprocessing.Process(target=ordinary, args=(api.port, n, queues[1], over)) for n in range(ORDINARY)]
    for process in others:
        process.start()
    ends = asyncio.run(run(args, api.port, lambda: sizes.append(processes["api-svc"].rss_kb() // 1024)))
    recovered = recovery(api)
    over.set()
    health, calls = queues[0].get(), [call for _ in range(ORDINARY) for call in queues[1].get()]
    for process in others:
        process.join()
    print(f"{args.idle} idle, {args.slow} slow, {args.large} with bodies of {LARGE} bytes, for {args.seconds} s")
    show("health", [took for took, _ in health])
    print(f"health says      {dict(collections.Counter(word for _, word in health))}")
    show("ordinary", [took for took, _ in calls])
    print(f"ordinary says    {dict(collections.Counter(word for _, word in calls))}")
    print(f"how they ended   {dict(sorted(ends.items()))}")
    print(f"resident MiB     api-svc: max {max(sizes)}, {processes['api-svc'].rss_kb() // 1024} in the end")
    print(f"recovered        {recovered * 1000:.0f} ms after the load")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/bin"))
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--large", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    with_pipeline(args, 0, measure)


if __name__ == "__main__":
    main()
