#!/usr/bin/python3
"""Prints the time from the start of api-svc and kube-worker until GET /health is healthy, repeatedly.

NATS and Kubernetes are up; the environment has their addresses. The poll is plain sockets, a millisecond apart: it runs on the
processors that it measures.
"""

import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

TRIES = 15
REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def answer(address):
    received = b""
    try:
        with socket.create_connection(address, timeout=2) as connection:
            connection.sendall(REQUEST)
            while part := connection.recv(65536):
                received += part
    except OSError:
        pass  # not there yet
    return received


def try_once(programs, address):
    began = time.monotonic()
    running = [subprocess.Popen([program]) for program in programs]
    while b'"status":"healthy"' not in answer(address):
        if time.monotonic() > began + 30:
            sys.exit("healthy.py: not healthy within 30 s")
        time.sleep(0.001)
    took = time.monotonic() - began
    for process in running:
        process.terminate()
    for process in running:
        process.wait()
    time.sleep(0.5)  # until Kubernetes is idle again
    return took * 1000


host, port = os.environ["SP_SERVER_ADDRESS"].rsplit(":", 1)
programs = [pathlib.Path(sys.argv[1]) / name for name in ("api-svc", "kube-worker")]
times = sorted(try_once(programs, (host, int(port))) for _ in range(TRIES))
print(f"from start to healthy: {statistics.median(times):.0f} ms ({times[0]:.0f} to {times[-1]:.0f} in {TRIES} tries)")
