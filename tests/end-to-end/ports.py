#!/usr/bin/python3
"""Ports for servers of the tests; run alone, prints one."""

import collections
import random
import socket

# Below the ephemeral ports of the kernel (32768 and more on Linux), since an outgoing connection could take a port before
# it is used, and below the ports of tests/cluster.
FIRST, LAST = 10000, 19999

# The latest ports of this process, each reserved by an abstract Unix socket with its number: parallel test processes never
# get the same port, even while its server is restarted. Limited, because each needs a descriptor.
_held = collections.deque(maxlen=256)


def _hold(port):
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0dcm-test-port-{port}")
    except OSError:
        lock.close()
        return False
    if len(_held) == _held.maxlen:
        _held.popleft().close()
    _held.append(lock)
    return True


def free_port():
    """A free loopback TCP port that no other test process has reserved."""
    while True:
        port = random.randint(FIRST, LAST)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if _hold(port):
            return port


if __name__ == "__main__":
    print(free_port())
