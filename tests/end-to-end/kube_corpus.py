#!/usr/bin/env python3
"""
Sends the cases of kube_cases.py, and records what a real API server answers.

  kube_corpus.py KUBECONFIG      writes kube_cases.json, after new cases; KUBECONFIG is an admin's

kubesim is like one release, the recorded one; for others it holds what differs. For kubesim to become like
a newer one, remove the file and record that one first.

A case's answer is {code, reason, causes: [[reason, field], ...], look, stored, after}; what differs from run to run
(uids, versions, addresses) is replaced by a word.
"""

import http.client
import ipaddress
import json
import os
import re
import sys
import time

from kube import Kube, PATHS
from kube_cases import CASES, MANAGERS, MERGE

RECORDED = os.path.join(os.path.dirname(__file__), "kube_cases.json")
NODE_PORTS = range(30000, 32768)  # those not requested by a case are allocated at random
CACHE_S = 1  # a list of version 0 is what the API server has in its cache by now


def name_of(case_name):
    """The name of the case's object."""
    return re.sub("[^a-z0-9]+", "-", case_name.lower()).strip("-")[:56].strip("-")


assert len({name_of(name) for name in CASES}) == len(CASES), "two cases have one name"


class Corpus:
    """A namespace for the cases, on one connection that stays open."""

    def __init__(self, kube, namespace):
        self.kube = Kube.__new__(Kube)
        self.kube.__dict__.update(kube.__dict__, namespace=namespace)
        self.connection = None
        status, answer = self.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        assert status == 201, answer

    def wait_for_account(self):
        """Pods need the namespace's account, which a real cluster makes a moment later."""
        end = time.monotonic() + 30
        while self.call("GET", f"/api/v1/namespaces/{self.kube.namespace}/serviceaccounts/default")[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        return self

    def remove(self):
        self.call("DELETE", self.path("services"))  # at once: node ports are scarce
        self.call("DELETE", f"/api/v1/namespaces/{self.kube.namespace}")
        self.connection.close()

    def call(self, method, path, body=None, content_type="application/json"):
        """(status, JSON or text). A body "RAW ..." is sent as it is."""
        if not self.connection:
            make = http.client.HTTPSConnection if self.kube.context else http.client.HTTPConnection
            more = {"context": self.kube.context} if self.kube.context else {}
            self.connection = make(self.kube.url.hostname, self.kube.url.port, timeout=30, **more)
        raw = isinstance(body, str) and body.startswith("RAW ")
        text = body[4:] if raw else json.dumps(body)
        sent = method in ("POST", "PUT", "PATCH") or body is not None
        headers = {**self.kube.headers, "User-Agent": "corpus/1.0", **({"Content-Type": content_type} if sent else {})}
        self.connection.request(method, path, text.encode() if sent else None, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.getheader("Connection") == "close":
            self.connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def path(self, kind, tail="", query=""):
        namespace, tail = (tail[1:], "") if tail.startswith("@") else (self.kube.namespace, tail)
        path = f"{PATHS.get(kind, '/api/v1')}/namespaces/{namespace}/{kind}{tail}"
        return path + (f"?{query}" if query else "")

    def run(self, case_name):
        """The response to a case."""
        return _Run(self, case_name).answer


class _Run:
    """A running case."""

    def __init__(self, corpus, case_name):
        self.corpus, self.case = corpus, CASES[case_name]
        self.words = {"NAME": name_of(case_name)}
        self.first = self.case.kind, self.words["NAME"]
        sent = json.dumps([self.case.body, self.case.query, self.case.given])
        self.chosen = [int(port) for port in re.findall('"nodePort": ([0-9]+)', sent)]
        for step in self.case.given:
            self._give(step)
        if "NOW" in sent:
            self.words["NOW"] = self._get()["metadata"]["resourceVersion"]
        if "resourceVersion=0" in self.case.query:
            time.sleep(CACHE_S)
        code, body = self._send(self.case.method, self.case.tail, self.case.query, self.case.body,
                                self.case.content_type)
        self.answer = {"code": code, **_judge(body)}
        if self.case.look and (code < 300 or self.case.look == ("/details",)):
            self.answer["look"] = self._look(body, self.case.look)
        if self.case.stored:
            self.answer["stored"] = self._look(self._get(), self.case.stored)
        if self.case.after:
            self._settle()
            self.answer["after"] = [
                {pointer: sorted(values, key=str) for pointer, values in self._look(self._list(kind), pointers).items()}
                for kind, pointers in self.case.after]  # sorted, because names of ReplicaSets are hashes

    # ---- sending

    def _with_words(self, value):
        if isinstance(value, dict):
            return {self._with_words(key): self._with_words(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self._with_words(element) for element in value]
        if isinstance(value, str):
            for word, meaning in self.words.items():
                value = value.replace(word, meaning)
        return value

    def _send(self, method, tail, query="", body=None, content_type="application/json", kind=None):
        path = self.corpus.path(kind or self.case.kind, self._with_words(tail), self._with_words(query))
        return self.corpus.call(method, path, self._with_words(body), content_type)

    def _give(self, step):
        """An object that is created, or (method, body or query)."""
        method, what = ("POST", step) if isinstance(step, dict) else step
        if method == "SETTLE":
            self._settle()
            return
        if method == "POST":
            status, answer = self._send("POST", "", body=what, kind=what["kind"].lower() + "s")
        elif method == "GET":
            status, answer = self._send("GET", "", what)
        else:
            status, answer = self._send(method, "/NAME", body=what, content_type=MERGE)
        assert status in (200, 201), answer
        if method == "GET":
            self.words["CONTINUE"] = answer["metadata"]["continue"]
        elif method == "POST" and "UID" not in self.words:
            self.first = what["kind"].lower() + "s", answer["metadata"]["name"]
            self.words.update(UID=answer["metadata"]["uid"], VERSION=answer["metadata"]["resourceVersion"])

    def _get(self):
        kind, name = self.first
        return self._send("GET", "/" + name, kind=kind)[1]

    def _list(self, kind):
        return self._send("GET", "", "labelSelector=dcm.project/dcm-instance-id%3DNAME", kind=kind)[1]

    def _settle(self):
        """Wait until the root's controller has seen everything, and reports the revision of the newest template."""
        end = time.monotonic() + 20
        kind = "statefulsets" if self._list("statefulsets")["items"] else "deployments"
        while True:
            root = self._list(kind)["items"][0]
            seen = root.get("status", {}).get("observedGeneration") == root["metadata"]["generation"]
            if seen and (self._is_newest_set(root) if kind == "statefulsets" else self._is_newest_deployment(root)):
                return
            assert time.monotonic() < end, root
            time.sleep(0.02)

    def _is_newest_deployment(self, deployment):
        revisions = {_image(each): _revision(each) for each in self._list("replicasets")["items"]}
        return _revision(deployment) == revisions.get(_image(deployment)) == max(revisions.values(), default=0)

    def _is_newest_set(self, statefulset):
        revisions = {each["metadata"]["name"]: each for each in self._list("controllerrevisions")["items"]}
        newest = revisions.get(statefulset["status"].get("updateRevision"))
        return (newest and newest["revision"] == max(each["revision"] for each in revisions.values()) and
                _image(newest["data"]) == _image(statefulset) and
                statefulset["status"].get("currentRevision") == statefulset["status"]["updateRevision"])

    # ---- judging

    def _look(self, body, pointers):
        found = {pointer: _plain(_at(body, pointer.split("/")[1:]), pointer, self) for pointer in pointers}
        return {pointer: value for pointer, value in found.items() if value is not None}


def _image(workload):
    return workload["spec"]["template"]["spec"]["containers"][0]["image"]


def _revision(workload):
    return int(workload["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", -1))


def _judge(body):
    """The reason of a failure; {}: success."""
    if not isinstance(body, dict) or body.get("kind") != "Status" or body.get("status") != "Failure":
        return {}
    causes = (body.get("details") or {}).get("causes") or []
    fields = sorted({(cause.get("reason", ""), cause.get("field", "")) for cause in causes})
    return {"reason": body.get("reason", ""), **({"causes": [list(field) for field in fields]} if fields else {})}


def _at(value, parts):
    """The value at a JSON pointer; "*": all elements of a list; None: missing."""
    for i, part in enumerate(parts):
        if part == "*":
            return [_at(element, parts[i + 1:]) for element in value or []]
        value = value.get(part.replace("~1", "/")) if isinstance(value, dict) else None
    return value


def _is_address(value):
    try:
        ipaddress.ip_address(value)
        return True
    except ValueError:
        return False


def _plain(value, pointer, run):
    """The value without parts that differ between runs."""
    if pointer == MANAGERS:
        return sorted([m["manager"], m["operation"], m.get("subresource", "")] for m in value or []
                      if m["manager"] != "kube-controller-manager") or None
    if pointer == "/metadata/continue":
        return "a token" if value else None
    if isinstance(value, dict):
        return {key: _plain(member, f"{pointer}/{key}", run) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(element, pointer, run) for element in value]
    if pointer.endswith("/nodePort") and value in NODE_PORTS:
        return value if value in run.chosen else "a node port"
    if isinstance(value, str):
        if pointer.endswith("/uid"):
            return "the uid" if value == run.words.get("UID") else "another uid"
        if pointer.endswith("/resourceVersion"):
            return "the version" if value == run.words.get("VERSION") else "another version"
        return "an address" if _is_address(value) else value.replace(run.words["NAME"], "NAME")
    return value


def minor_of(release):
    return ".".join(release.split(".")[:2])


def _usual(answers, name):
    """What most cases that look at the same show: the first of them."""
    first = next(other for other in CASES if CASES[other].look == CASES[name].look and "look" in answers.get(other, {}))
    return answers[first]["look"] if first != name else {}


def _short(answers, name):
    """A response as it is stored: of `look` only unusual members, null for missing ones."""
    look = answers[name].get("look")
    if look is None:
        return answers[name]
    usual = _usual(answers, name)
    unusual = {key: look.get(key) for key in {**usual, **look} if look.get(key) != usual.get(key)}
    return {**answers[name], "look": unusual}


def _long(answers, name):
    """The inverse."""
    look = answers[name].get("look")
    if look is None:
        return answers[name]
    look = {**_usual(answers, name), **look}
    return {**answers[name], "look": {key: value for key, value in look.items() if value is not None}}


def _read():
    with open(RECORDED, encoding="utf-8") as f:
        record = json.load(f)
    return {**record, "cases": {name: _long(record["cases"], name) for name in record["cases"]}}


def _write(record):
    def rows(answers):
        return ",\n".join(f"{json.dumps(name)}: {json.dumps(answers[name], sort_keys=True)}" for name in answers)

    cases = rows({name: _short(record["cases"], name) for name in record["cases"]})
    others = ",\n".join(f'"{minor}": {{\n{rows(answers)}\n}}' for minor, answers in record["others"].items())
    with open(RECORDED, "w", encoding="utf-8") as f:
        f.write(f'{{"release": "{record["release"]}", "cases": {{\n{cases}\n}},\n"others": {{\n{others}\n}}}}\n')


def recorded(release=None):
    """What the real server of a release answered to each case; without one: that which kubesim is like."""
    record = _read()
    return {**record["cases"], **record["others"].get(minor_of(release or record["release"]), {})}


def main(kubeconfig):
    corpus = Corpus(Kube(kubeconfig, "default"), f"corpus-{os.getpid()}").wait_for_account()
    try:
        release = corpus.call("GET", "/version")[1]["gitVersion"]
        answers = {name: corpus.run(name) for name in CASES}
    finally:
        corpus.remove()
    record = _read() if os.path.exists(RECORDED) else {"release": release, "others": {}}
    if minor_of(release) == minor_of(record["release"]):
        record.update(release=release, cases=answers)
    else:
        record["others"][minor_of(release)] = {name: answer for name, answer in answers.items()
                                               if answer != record["cases"].get(name)}
    _write(record)
    print(f"{len(answers)} cases on {release}, of them {len(record['others'].get(minor_of(release), {}))} that differ")


if __name__ == "__main__":
    main(sys.argv[1])
