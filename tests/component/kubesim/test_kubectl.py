"""A stock kubectl works: the one of $KUBECTL or of PATH (Debian's package kubernetes-client)."""

import json
import os
import shutil
import subprocess

import pytest

from kube import deployment, eventually


KUBECTL = os.environ.get("KUBECTL") or shutil.which("kubectl")


@pytest.fixture
def kubectl(kube, ns, tmp_path):
    assert KUBECTL, "kubectl is not installed"
    environment = {**os.environ, "KUBECONFIG": str(kube.kubeconfig), "HOME": str(tmp_path)}

    def run(*arguments, body=None):
        if body:
            arguments += ("--validate=false", "-f", "-")  # the simulator has no schema
        done = subprocess.run([KUBECTL, "-n", ns.name, *arguments], env=environment, timeout=60, text=True,
                              capture_output=True, input=json.dumps(body) if body else None)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_kubectl_manages_a_deployment(kubectl, ns):
    body = deployment("web")
    assert "created" in kubectl("apply", body=body)
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    assert kubectl("get", "deployments").split()[:9] == [
        "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "web", "1/1", "1", "1"]
    assert "deployment.apps/web " in kubectl("get", "deployments,services")
    kubectl("scale", "deployment/web", "--replicas=2")
    kubectl("set", "image", "deployment/web", "main=nginx:2")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=20s")
    assert kubectl("get", "pods", "--no-headers").count("Running") >= 2
    assert "MinimumReplicasAvailable" in kubectl("describe", "deployment", "web")
    pod = ns.items(ns.pods)[0]["metadata"]["name"]
    assert "Scheduled" in kubectl("describe", "pod", pod) or kubectl("get", "events")
    body["spec"]["replicas"] = 1
    assert "configured" in kubectl("apply", body=body)
    kubectl("label", "deployment", "web", "x=y")
    kubectl("patch", "deployment", "web", "-p", '{"metadata":{"annotations":{"a":"b"}}}')
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.labels.x}{.metadata.annotations.a}") == "yb"
    kubectl("delete", "deployment", "web", "--timeout=20s")
    eventually(lambda: not ns.items(ns.pods), 40)


def test_kubectl_manages_services(kubectl):
    kubectl("create", body={"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"a": "b"}},
                            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})
    assert "80/TCP" in kubectl("get", "svc,ns,ev,rs,po,deploy")
    assert "ClusterIP" in kubectl("describe", "service", "web")
    assert kubectl("get", "service", "web", "-o", "name") == "service/web\n"
    assert "web" in kubectl("get", "all")
    assert "app=web" in kubectl("get", "service", "-o", "wide", "-l", "a in (b, c),!d")
    assert kubectl("get", "service", "-l", "a!=b", "-o", "name") == ""
    assert "web" in kubectl("get", "service", "-A", "--field-selector", "metadata.name=web", "-o", "yaml")
    kubectl("delete", "service", "web")


def test_kubectl_watches(kubectl, kube, ns, tmp_path):
    kube.post(ns.deployments, deployment("web"))
    output = tmp_path / "watched"
    with open(output, "w", encoding="utf-8") as out:
        watcher = subprocess.Popen([KUBECTL, "-n", ns.name, "get", "deployment", "web", "-w"], stdout=out, env={
            **os.environ, "KUBECONFIG": str(kube.kubeconfig), "HOME": str(tmp_path)})
    eventually(lambda: "1/1" in output.read_text())
    kubectl("scale", "deployment", "web", "--replicas=2", "--current-replicas=1")
    eventually(lambda: "2/2" in output.read_text())
    watcher.terminate()
    watcher.wait(10)
