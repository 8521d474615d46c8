"""Observers: Kubernetes twice a second, health five times a second, a :watch, and the scheduling of this program."""

import contextlib
import http.client
import json
import socket
import threading
import time

from api import BASE
from history import Health, Sighting
from kube import ROOT_KINDS
from watcher import Watcher

KUBE_S, HEALTH_S, TICK_S = 0.5, 0.2, 0.05
WATCH_PAUSE_S = 0.2
WATCH_SILENCE_S = 20  # a comment is sent every 15 s
STALL_S = 0.3
WEIGH_S, STARVED_S = 0.5, 0.25  # its threads waited this long within such a time: half of the timeout of health
ID_LABEL, NAME_LABEL, WORK_LABEL, UPDATE_LABEL = "dcm.project/dcm-instance-id", "chaos-name", "chaos-work", "chaos-patch"


def roots(kube, timeout=3):
    """The Deployments and StatefulSets of the containers; OSError if Kubernetes does not respond."""
    found = []
    for resource, kind in ROOT_KINDS.items():
        try:
            status, body = kube.call("GET", kube.path(resource) + "?labelSelector=dcm.project/managed-by%3Ddcm",
                                     timeout=timeout)
        except http.client.HTTPException as error:
            raise OSError(error) from error
        if status != 200:
            raise OSError(f"{status}: {body}")
        found += [{**item, "kind": kind} for item in body["items"]]
    return found


def containers_of(items):
    return {labels[NAME_LABEL]: (i["metadata"]["uid"], int(labels[WORK_LABEL]), int(labels.get(UPDATE_LABEL, 0)))
            for i in items for labels in [i["metadata"]["labels"]] if "deletionTimestamp" not in i["metadata"]}


class ListWatch:
    """The :watch of a client at an api-svc, which resumes where it ended. `faults`: (time, what)."""

    def __init__(self, api):
        self.api, self.over = api, threading.Event()
        self.state, self.last_id, self.watcher = {}, None, None
        self.faults = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.over.set()
        watcher = self.watcher
        if watcher:
            with contextlib.suppress(OSError):
                watcher.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    def shown(self):
        """{id: Container}; None: not connected, or incomplete."""
        return dict(self.state) if self.watcher and self.last_id else None

    def _run(self):
        while not self.over.wait(WATCH_PAUSE_S):
            try:
                self._watch()
            except TimeoutError:
                self.faults.append((time.monotonic(), "a :watch is silent"))
            except AssertionError as error:
                self.faults.append((time.monotonic(), f"a :watch tells nonsense: {error}"))
            except (OSError, http.client.HTTPException, ValueError):
                pass  # interrupted, or not started
            self.watcher = None

    def _watch(self):
        watcher = Watcher(self.api.port, self.last_id, WATCH_SILENCE_S, self.api.host)
        if watcher.status != 200:
            return
        watcher.state, self.watcher = self.state, watcher
        while event := watcher.event():
            if event[0] == "snapshot":
                self.last_id = None
            elif event[0] == "synced" or self.last_id:
                self.last_id = watcher.last_id
            self.state = watcher.state


class Watchers:
    """Five kinds of threads, until stop()."""

    def __init__(self, stage, history):
        self.stage, self.history = stage, history
        self.over = threading.Event()
        self.live = 0
        self.threads = [threading.Thread(target=t) for t in (self._look, self._tick, self._weigh)]
        self.threads += [threading.Thread(target=self._poll, args=(name,)) for name in stage.apis]
        for thread in self.threads:
            thread.start()
        self.lists = {name: ListWatch(api) for name, api in stage.apis.items()}

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        for watch in self.lists.values():
            watch.stop()

    def _look(self):
        while not self.over.wait(KUBE_S):
            sent = time.monotonic()
            try:
                found = containers_of(roots(self.stage.kube.admin))
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

    def _weigh(self):
        """Whether the workers and Kubernetes, on which health depends, get CPU time."""
        names = [name for name in self.stage.ours if name.startswith("worker")] + list(self.stage.kube.parts)
        last, totals = time.monotonic(), {name: self.stage.waited(name) for name in names}
        while not self.over.wait(WEIGH_S):
            now = time.monotonic()
            for name in names:
                total = self.stage.waited(name)
                if total - totals[name] > STARVED_S:
                    self.history.starved.append((name, last, now))
                totals[name] = total
            last = now

    def _poll(self, name):
        api = self.stage.apis[name]
        while not self.over.wait(HEALTH_S):
            waited_s, sent = self.stage.waited(name), time.monotonic()
            try:
                connection = http.client.HTTPConnection(api.host, api.port, timeout=10)
                connection.request("GET", f"{BASE}/health")
                said = json.loads(connection.getresponse().read())["status"]
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                said = repr(error)
            finally:
                connection.close()
            self.history.health.append(Health(name, sent, time.monotonic(), said, max(0, self.stage.waited(name) - waited_s)))
