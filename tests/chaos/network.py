"""
Network namespaces: each process has an address, and the connection between two of them can be interrupted.

run.sh has entered namespaces in which all of them are created, and which end with their last process. The hub is that
of this program and Kubernetes.
"""

import os
import subprocess

OURS = os.environ.get("CHAOS_NAMESPACES") == "1"


class Loopback:
    """Without namespaces: one address, and no partitions."""

    hub = "127.0.0.1"

    def join(self, _):
        return self.hub, []


class Network:
    """Hosts by name; the hub's is HUB."""

    HUB = "kubernetes"
    hub = "10.77.0.1"

    def __init__(self):
        self.hosts = {self.HUB: ([], self.hub)}  # name: (what `ip` needs to work there, address)
        os.makedirs("/run/netns", exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "chaos", "/run/netns"], check=True)
        self._ip("link add bridge type bridge")
        self._ip(f"addr add {self.hub}/24 dev bridge")
        self._ip("link set bridge up")
        self._prepare(self.HUB)

    def join(self, name):
        """A new host: its address, and the prefix of command lines to run there."""
        number = len(self.hosts) + 1
        self.hosts[name] = ["-n", name], f"10.77.0.{number}"
        self._ip(f"netns add {name}")
        self._ip(f"link add host{number} type veth peer name eth0 netns {name}")
        self._ip(f"link set host{number} master bridge up")
        self._ip(f"addr add 10.77.0.{number}/24 dev eth0", name)
        self._ip("link set eth0 up", name)
        self._ip("link set lo up", name)
        self._prepare(name)
        return self.hosts[name][1], ["nsenter", f"--net=/run/netns/{name}"]

    def cut(self, a, b):
        """Packets between the two hosts are dropped."""
        self._rule("add", a, b)
        self._rule("add", b, a)

    def mend(self, a, b):
        self._rule("del", a, b)
        self._rule("del", b, a)

    def _ip(self, words, host=HUB):
        subprocess.run(["ip", *self.hosts[host][0], *words.split()], check=True)

    def _prepare(self, host):
        """The rule for local addresses follows ours."""
        self._ip("rule add pref 1000 lookup local", host)
        self._ip("rule del pref 0", host)

    def _rule(self, verb, host, sender):
        self._ip(f"rule {verb} pref 100 from {self.hosts[sender][1]} to {self.hosts[host][1]} type blackhole", host)
