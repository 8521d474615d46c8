"""Setting container logs, on the simulator and on the simulated node of the real control plane; and a log client."""

import base64
import http.client
import json
import os
import time
import urllib.parse

from api import BASE
from processes import wait_for


def pods_of(stack, container_id, count):
    """Wait for this many running Pods of the container; returns their sorted names."""
    def running():
        names = sorted(p["metadata"]["name"] for p in stack.kube.of("pods", container_id)
                       if p["status"].get("phase") == "Running" and "deletionTimestamp" not in p["metadata"])
        return len(names) >= count and names
    return wait_for(f"{container_id} has {count} Pods", running, 30)


def pod_of(stack, container_id, at=0):
    """One of them. For several use a single call of pods_of()."""
    return pods_of(stack, container_id, at + 1)[at]


def uid_of(stack, pod):
    return stack.kube.get("pods", pod)["metadata"]["uid"]


def say(stack, pod, text, container="web", run=0, uid=None):
    """Append these bytes to the log of a container. uid: of the Pod, so that no API server is needed."""
    data = text if isinstance(text, bytes) else text.encode()
    if stack.target.simulated:
        status, answer = stack.kube.call("POST", "/sim/logs", {
            "uid": uid or uid_of(stack, pod), "container": container, "run": run,
            "base64": base64.b64encode(data).decode()})
        assert status == 200, answer
        return
    folder = os.path.join(os.environ["E2E_CLUSTER"], "containers", uid or uid_of(stack, pod), container)
    os.makedirs(folder, exist_ok=True)
    lines = []
    for line in data.removesuffix(b"\n").split(b"\n"):
        now = time.time_ns()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09d}Z"
        lines.append(stamp.encode() + b" stdout F " + line + b"\n")
    with open(os.path.join(folder, f"{run}.log"), "ab") as f:
        f.write(b"".join(lines))


def set_state(stack, pod, run, state):
    """Set the restart count and the state of the container, which has terminated before."""
    status = next(s for s in stack.kube.get("pods", pod)["status"]["containerStatuses"] if s["name"] == "web")
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    status.update(restartCount=run, state=state(now), lastState={"terminated": {
        "exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now, "containerID": "simulated://before"}})
    stack.kube.patch("pods", pod, {"status": {"containerStatuses": [status]}}, "/status")


def restart(stack, pod, run):
    """End the container, and start the run with that number."""
    set_state(stack, pod, run, lambda now: {"running": {"startedAt": now}})


def crash(stack, pod, run):
    """End the container; the run with that number has started and terminated, and is the last one for now."""
    set_state(stack, pod, run, lambda now: {"waiting": {"reason": "CrashLoopBackOff"}})


def path(container_id, **query):
    return f"{BASE}/{container_id}/logs" + ("?" + urllib.parse.urlencode(query) if query else "")


class Follower:
    """A client that reads a stream incrementally."""

    def __init__(self, stack, container_id, headers=None, timeout=20.0, **query):
        self.connection = http.client.HTTPConnection("127.0.0.1", stack.api_port, timeout=timeout)
        self.connection.request("GET", path(container_id, follow="true", **query), headers=headers or {})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def line(self):
        """The next line without its end; None: the stream has ended, or was aborted."""
        line = self.answer.readline()
        return line.rstrip(b"\n").decode() if line else None

    def lines(self, count):
        return [self.line() for _ in range(count)]

    def events(self, count):
        """(id, data) of this many events, despite comments within a minute."""
        found, last, end = [], None, time.monotonic() + 60
        while len(found) < count:
            assert time.monotonic() < end, f"only {len(found)} of {count} events"
            line = self.line()
            assert line is not None, "the stream has ended"
            if line.startswith("id: "):
                last = line[4:]
            elif line.startswith("data: "):
                found.append((last, json.loads(line[6:])))
        return found

    def rest(self):
        """Everything until the end; IncompleteRead if the stream is aborted."""
        return self.answer.read()

    def close(self):
        self.answer.close()
        self.connection.close()
