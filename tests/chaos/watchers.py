"""Those who only look: Kubernetes twice a second, health five times, and whether this program itself gets on."""

import http.client
import json
import threading
import time

from api import BASE
from history import Sighting

KUBE_S, HEALTH_S, TICK_S = 0.5, 0.2, 0.05
STALL_S = 0.3
ID_LABEL, NAME_LABEL, WORK_LABEL, PATCH_LABEL = "dcm.project/dcm-instance-id", "chaos-name", "chaos-work", "chaos-patch"


def deployments(kube, timeout=3):
    """The containers' Deployments; OSError when Kubernetes does not answer."""
    try:
        status, body = kube.call("GET", kube.path("deployments") + "?labelSelector=dcm.project/managed-by%3Ddcm",
                                 timeout=timeout)
    except http.client.HTTPException as error:
        raise OSError(error) from error
    if status != 200:
        raise OSError(f"{status}: {body}")
    return body["items"]


def containers_of(items):
    return {labels[NAME_LABEL]: (i["metadata"]["uid"], int(labels[WORK_LABEL]), int(labels.get(PATCH_LABEL, 0)))
            for i in items for labels in [i["metadata"]["labels"]] if "deletionTimestamp" not in i["metadata"]}


class Watchers:
    """Three kinds of threads, until stop()."""

    def __init__(self, stage, history):
        self.stage, self.history = stage, history
        self.over = threading.Event()
        self.live = 0
        self.threads = [threading.Thread(target=self._look), threading.Thread(target=self._tick)]
        self.threads += [threading.Thread(target=self._poll, args=(name,)) for name in stage.apis]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _look(self):
        while not self.over.wait(KUBE_S):
            sent = time.monotonic()
            try:
                found = containers_of(deployments(self.stage.kube.admin))
            except (OSError, ValueError):
                continue
            self.live = len(found)
            self.history.sightings.append(Sighting("Kubernetes", sent, time.monotonic(), found))

    def _tick(self):
        last = time.monotonic()
        while not self.over.wait(TICK_S):
            now = time.monotonic()
            if now - last > TICK_S + STALL_S:
                self.history.stalls.append((last, now))
            last = now

    def _poll(self, name):
        """(api-svc, sent, answered, "healthy" or what came instead)"""
        port = self.stage.apis[name].port
        while not self.over.wait(HEALTH_S):
            sent = time.monotonic()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", f"{BASE}/health")
                said = json.loads(connection.getresponse().read())["status"]
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                said = repr(error)
            finally:
                connection.close()
            self.history.health.append((name, sent, time.monotonic(), said))
