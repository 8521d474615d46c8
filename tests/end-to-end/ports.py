#!/usr/bin/python3
"""Ports for servers of the tests; run alone, prints one."""

import random
import socket

# Below what the kernel gives to outgoing connections, which would take a port between its choice and its use (32768 and
# more on Linux), and below the ports of tests/cluster.
FIRST, LAST = 10000, 19999


def free_port():
    """A loopback TCP port on which nothing listens at this moment."""
    while True:
        port = random.randint(FIRST, LAST)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


if __name__ == "__main__":
    print(free_port())
