"""A real Prometheus scrapes the pipeline: every expression of deploy/monitoring has data."""

import json
import os
import re
import signal
import sys

import pytest
import yaml

from api import spec
from exposition import ANY_PORT, port_of, promtool
from processes import Process, wait_for
from prometheus import MONITORING, ROOT, RULES, Prometheus

sys.path.append(os.path.join(ROOT, "tests", "component", "registrar"))
from registry import Registry  # noqa: E402  (its folder is known only now)

RULES_TEST = os.path.join(ROOT, "tests", "deploy", "monitoring", "rules.test.yaml")
METRIC = re.compile(r"\b(?:dcm_sp|process)_[a-z0-9_]+\b(?!\s*[=!]~?\")")
CODE = re.compile(r'code=~?"[^"]*"')
COMPARISON = re.compile(r" (?:==|>) [0-9.]+$")


def rules():
    with open(RULES) as f:
        return [rule for group in yaml.safe_load(f)["groups"] for rule in group["rules"]]


def panels():
    """Title and expressions of each panel."""
    with open(os.path.join(MONITORING, "dashboard.json")) as f:
        dashboard = json.load(f)
    assert dashboard["schemaVersion"] and len({p["id"] for p in dashboard["panels"]}) == len(dashboard["panels"])
    return [(p["title"], t["expr"].replace("$job", "dcm-sp").replace("$__rate_interval", "20s"))
            for p in dashboard["panels"] for t in p.get("targets", ())]


def test_alerts_fire_as_expected():
    assert promtool("check", "rules", RULES) == ""
    assert promtool("check", "config", os.path.join(MONITORING, "prometheus.yml")) == ""
    assert promtool("test", "rules", RULES_TEST) == ""
    with open(RULES_TEST) as f:
        tested = f.read()
    for rule in rules():
        assert rule["alert"] in tested, f"{rule['alert']} has no test"
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert rule["annotations"]["summary"] and len(rule["annotations"]["description"]) > 80, rule["alert"]


def test_pods_of_a_provider_are_scraped_as_its_job(tmp_path):
    """With discovered Pods as static targets: Debian's Prometheus cannot discover Pods."""
    def pod(name, part="dcm-sp", phase="Running", **labels):
        meta = {"namespace": "shop", "pod_name": name, "pod_phase": phase,
                "pod_label_app_kubernetes_io_part_of": part, **labels}
        return {"targets": ["127.0.0.1:1"], "labels": {"__meta_kubernetes_" + key: value for key, value in meta.items()}}
    with open(os.path.join(MONITORING, "prometheus-kubernetes.yml"), encoding="utf-8") as f:
        job = yaml.safe_load(f)["scrape_configs"][0]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    job["static_configs"] = [pod("api-svc-1", pod_annotation_prometheus_io_scheme="https"), pod("monitor-1"),
                             pod("monitor-0", phase="Failed"), pod("web-1", part="shop")]
    server = Prometheus(str(tmp_path), [], job=job)
    try:
        found = wait_for("targets", lambda: server.ask("targets", state="active")["activeTargets"])
    finally:
        server.stop()
    assert sorted((t["labels"]["job"], t["labels"]["instance"], t["scrapeUrl"]) for t in found) == [
        ("dcm-sp/shop", "api-svc-1", "https://127.0.0.1:1/metrics"), ("dcm-sp/shop", "monitor-1", "http://127.0.0.1:1/metrics")]


@pytest.fixture
def prometheus(monitors, own_stack, tmp_path):
    """Prometheus and all processes, after requests to all of them."""
    m = monitors(count=0)
    monitor = m.add(**ANY_PORT)
    stack = own_stack(workers=0, name=m.name, nats_port=m.port, SP_SERVER_REQUEST_TIMEOUT="4s")
    registry = Registry()
    registrar = Process("registrar", [f"{os.environ['E2E_BIN']}/registrar"],
                        {**stack.env, **ANY_PORT, "DCM_REGISTRATION_URL": registry.url, "SP_ENDPOINT": "http://a:8080"},
                        str(tmp_path)).start()
    assert stack.api.get("nobody-works").status == 503
    worker = stack.add_worker(**ANY_PORT)
    registrar.wait_log('"ready"')
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    ports = [stack.api_port, *(port_of(p.log()) for p in (worker, monitor, registrar))]
    server = Prometheus(str(tmp_path), [f"127.0.0.1:{port}" for port in ports])
    server.worker = worker
    for number in range(3):
        assert stack.api.create(spec(), f"p{number}").status == 201
    worker.suspend()
    assert stack.api.get("p0").status == 504
    worker.popen.send_signal(signal.SIGCONT)
    m.wait_last("p0", "RUNNING")
    registrar.wait_log('"registered"', 30)
    yield server
    server.stop()
    registrar.stop()
    registry.stop()


def test_every_expression_has_data(prometheus):
    wait_for("all targets, twice", lambda: len(prometheus.query("count_over_time(up[20s]) > 2 and up == 1")) == 4 and
             len(prometheus.query("dcm_sp_build_info")) == 4, 30)
    wait_for("some history", lambda: len(prometheus.query(
        'rate(dcm_sp_http_requests_total{operation="get",code="504"}[20s])')) == 1, 30)
    known = set(prometheus.ask("label/__name__/values"))
    for title, expression in panels():
        unknown = {m for m in METRIC.findall(expression) if m not in known}
        assert not unknown, f"{title}: {unknown}"
        assert prometheus.query(expression), f"{title}: no data for {expression}"
    for rule in rules():
        unknown = {m for m in METRIC.findall(rule["expr"]) if m not in known}
        assert not unknown, f"{rule['alert']}: {unknown}"
        prometheus.query(rule["expr"])
        measured = CODE.sub('code=~".+"', COMPARISON.sub("", rule["expr"]))  # of any outcome: all is well
        if COMPARISON.search(rule["expr"]) and " and " not in measured:
            assert prometheus.query(measured), f"{rule['alert']}: no data for {measured}"
    loaded = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(loaded) == len(rules()) and all(rule["health"] in ("ok", "unknown") for rule in loaded), loaded
    # And one that is about to fire.
    prometheus.worker.popen.kill()
    wait_for("DcmSpDown", lambda: any(
        alert["labels"]["alertname"] == "DcmSpDown" and alert["labels"]["instance"].endswith(f":{port_of(prometheus.worker.log())}")
        for alert in prometheus.ask("alerts")["alerts"]), 30)
