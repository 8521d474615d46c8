"""Failures of a real API server: crashes, compaction, and credential rotation."""

import os
import threading
import time

import yaml

from api import spec
from control_plane import forget_the_past, restart_api_server
from kube import Kube
from processes import wait_for
from test_size import create_many

PORTS = [(80, "internal")]
PATIENCE = 8  # seconds that a worker waits for an API server that does not answer


class Load:
    """Clients that create, get, list and delete until they are stopped, with their responses."""

    CLIENTS = 8

    def __init__(self, api):
        self.api, self.stopping = api, threading.Event()
        self.answers = []  # (operation, id, answer)
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(self.CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _run(self, client):
        i = 0
        while not self.stopping.is_set():
            container_id = f"load-{client}-{i}"
            if self._note("create", container_id, self.api.create(spec(ports=PORTS), container_id)) == 201:
                self._note("get", container_id, self.api.get(container_id))
                self._note("list", container_id, self.api.list(max_page_size=20))
                if i % 2:
                    self._note("delete", container_id, self.api.delete(container_id))
            i += 1

    def _note(self, operation, container_id, answer):
        self.answers.append((operation, container_id, answer))
        return answer.status

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def ids(self, operation, *statuses):
        return {i for o, i, a in self.answers if o == operation and a.status in statuses}

    def failed(self):
        good = {"create": 201, "get": 200, "list": 200, "delete": 204}
        return [(o, i, a) for o, i, a in self.answers if a.status != good[o]]


def test_a_killed_api_server_under_load_causes_delays_only(monitors, own_stack):
    m = monitors()
    stack = own_stack(2, name=m.name, nats_port=m.port)
    load = Load(stack.api)
    time.sleep(1)
    before = time.monotonic()
    restart_api_server("--kill", "--down", "1")
    outage = time.monotonic() - before
    time.sleep(1)
    load.stop()
    failed = load.failed()
    print(f"{len(load.answers)} answers, {len(failed)} of them errors; away for less than {outage:.1f} s")
    for operation, container_id, answer in failed:
        assert answer.status in (503, 504), (operation, container_id, answer.text)
    assert not failed or outage > PATIENCE, [(o, i, a.text) for o, i, a in failed][:3]
    stay = load.ids("create", 201) - load.ids("delete", 204, 503, 504)
    gone = load.ids("create", 503, 504) | load.ids("delete", 204)

    def names():
        return {d["metadata"]["name"] for d in stack.kube.list("deployments")}
    wait_for("no more than was promised", lambda: not names() & gone, 30, 0.5)
    assert stay <= names()
    wait_for("DCM has all states", lambda: all(m.dcm.of(i)[-1:] == ["RUNNING"] for i in stay)
             and all(m.dcm.of(i)[-1:] == ["DELETED"] for i in load.ids("delete", 204)), 60, 0.5)


def test_expired_page_tokens_and_watches_continue(monitors, own_stack):
    """During compaction the pages continue, without duplicates, and no change is missed."""
    m = monitors()
    stack = own_stack(2, name=m.name, nats_port=m.port)
    ids = [f"p{i:02d}" for i in range(60)]
    create_many(stack, ids, lambda i: spec())
    for container_id in ids:
        m.wait_last(container_id, "RUNNING", 60)
    later = spec(provider_hints={"kubernetes": {"kind": "StatefulSet"}})  # a kind that starts on a later page
    assert stack.api.create(later, "q").status == 201
    pages = [stack.api.list(max_page_size=20).json]
    assert stack.api.delete("p00").status == 204              # was listed
    assert stack.api.delete("p59").status == 204              # was not
    assert stack.api.create(spec(), "p00-later").status == 201  # before the place where the list is
    assert stack.api.create(spec(), "p40-later").status == 201  # after it
    m.scale("p30", 0)
    forget_the_past()
    while pages[-1]["next_page_token"]:
        answer = stack.api.list(max_page_size=20, page_token=pages[-1]["next_page_token"])
        assert answer.status == 200, answer.text
        pages.append(answer.json)
    listed = [c["id"] for page in pages for c in page["containers"]]
    assert listed == ids[:41] + ["p40-later"] + ids[41:59] + ["q"], "each once, in order"
    for container_id, status in (("p00", "DELETED"), ("p59", "DELETED"), ("p00-later", "RUNNING"),
                                 ("p40-later", "RUNNING"), ("p30", "FAILED")):
        m.wait_last(container_id, status, 30)
    stack.wait_status("p30", "FAILED")
    assert all('"watch expired"' in process.log() for process in [*stack.workers, *m.processes])


class RotatingToken:
    """A token in a file, as a kubelet writes it; each is bound to a Secret and worth nothing without it."""

    def __init__(self, target, folder):
        self.admin, self.file, self.number = target.admin, os.path.join(folder, "token"), 0
        self.secrets = f"/api/v1/namespaces/{target.namespace}/secrets"
        self.account = f"/api/v1/namespaces/{target.namespace}/serviceaccounts/dcm-sp/token"
        with open(target.kubeconfig) as f:
            self.config = yaml.safe_load(f)
        self.rotate()

    def write_kubeconfig(self, path, user):
        self.config["users"][0]["user"] = user
        with open(path, "w") as f:
            yaml.safe_dump(self.config, f)
        return path

    def rotate(self):
        """A new token replaces the last one in the file."""
        self.number += 1
        name = f"token-{self.number}"
        status, secret = self.admin.call("POST", self.secrets, {"metadata": {"name": name}})
        assert status == 201, secret
        status, answer = self.admin.call("POST", self.account, {"spec": {"expirationSeconds": 3600, "boundObjectRef": {
            "kind": "Secret", "apiVersion": "v1", "name": name, "uid": secret["metadata"]["uid"]}}})
        assert status == 201, answer
        self.token = answer["status"]["token"]
        with open(self.file + ".new", "w") as f:
            f.write(self.token)
        os.rename(self.file + ".new", self.file)

    def revoke(self, number):
        self.admin.call("DELETE", f"{self.secrets}/token-{number}")


def test_a_rotated_token_is_read_without_failed_requests(target, own_stack, tmp_path):
    tokens = RotatingToken(target, str(tmp_path))
    first = Kube(tokens.write_kubeconfig(str(tmp_path / "first"), {"token": tokens.token}), target.namespace)
    try:
        stack = own_stack(2, SP_K8S_KUBECONFIG=tokens.write_kubeconfig(str(tmp_path / "rotating"), {"tokenFile": tokens.file}))
        load = Load(stack.api)
        assert first.call("GET", first.path("deployments"))[0] == 200
        tokens.rotate()
        time.sleep(1.2)  # the file is looked at every second
        tokens.revoke(1)
        wait_for("the first token is worth nothing", lambda: first.call("GET", first.path("deployments"))[0] == 401, 30)
        load.stop()
        assert not load.failed(), [(o, i, a.text) for o, i, a in load.failed()][:3]
        assert stack.api.create(spec(ports=PORTS), "later").status == 201
        stack.wait_status("later", "RUNNING")
    finally:
        for number in range(1, tokens.number + 1):
            tokens.revoke(number)
