"""
Repairs data that the document allows but the service rejects, because OpenAPI 3.0 schemas cannot express these rules:
tokens are only those returned by a list of the same filter and order, filters and orders have a grammar, a
version is that of the container, a patch leaves what it must not change, a key names one create only, min <= max, no
port twice for a protocol, reserved names, the form of label keys, and what the description excludes from JSON
(U+0000, numbers that a double cannot hold). Data that is to be rejected is not changed.
"""

import re
import uuid

import schemathesis
from schemathesis import GenerationMode

# [DNS subdomain/]name, as required by Kubernetes.
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
RESERVED = {"dcm.project/managed-by", "dcm.project/dcm-instance-id", "dcm.project/dcm-service-type"}
EXACT = 2**53
TOKENS = {}  # that lists have given out, by filter and order
FILTERS = ["", 'status = "RUNNING" AND labels.team = "shop"', "labels:team", "NOT (id:a OR name < b)",
           "create_time >= 2026-01-02T03:04:05Z AND image:nginx"]
ORDERS = ["", "id", "create_time desc, name", "status,image desc"]
KEY = "Idempotency-Key"
UNITS = {"MB": 1, "GB": 1 << 10, "TB": 1 << 20}


def clean(value):
    """Without U+0000 and integers beyond what a double holds."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    if isinstance(value, list):
        return [clean(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-EXACT, min(EXACT, value))
    return value


def cpu(value):
    text = str(value)
    return int(text[:-1]) if text.endswith("m") else int(text) * 1000


def memory(value):
    number, unit = re.fullmatch(r"(\d+)(MB|GB|TB)", value).groups()
    return int(number) * UNITS[unit]


def order(limits, amount):
    if amount(limits["min"]) > amount(limits["max"]):
        limits["min"], limits["max"] = limits["max"], limits["min"]


def repair(spec):
    order(spec["resources"]["cpu"], cpu)
    order(spec["resources"]["memory"], memory)
    labels = spec["metadata"].get("labels") or {}
    for key in [k for k in labels if k in RESERVED or not LABEL_KEY.fullmatch(k) or ".." in k or ".-" in k or "-." in k]:
        del labels[key]
    hints = spec.get("provider_hints", {}).get("kubernetes", {})
    if hints.get("kind") == "StatefulSet":
        hints.pop("strategy", None)
    elif hints.get("strategy", {}).get("type") == "recreate":
        hints["strategy"] = {"type": "recreate"}
    elif "strategy" in hints:
        hints["strategy"] = {"type": "rolling", "max_surge": 1}
    if "autoscale" in hints:
        hints["autoscale"].update(min=1, cpu_percent=50)
    network = spec.get("network") or {}
    if network.get("ports"):
        network["ports"] = list({(port["container_port"], port.get("protocol", "TCP")): port
                                 for port in network["ports"]}.values())


def repair_id(query, spec):
    """Ids of StatefulSets are shorter; and `health` is not an id."""
    if spec.get("provider_hints", {}).get("kubernetes", {}).get("kind") == "StatefulSet" and "id" in query:
        query["id"] = query["id"][:52].rstrip("-")
    if query.get("id") == "health":
        del query["id"]


def repair_list(query):
    """Replace invalid filters and orders by valid ones."""
    for name, choices in (("filter", FILTERS), ("order_by", ORDERS)):
        if name in query and query[name] not in choices:
            query[name] = choices[len(str(query[name])) % len(choices)]
    if query.get("page_token") and query["page_token"] not in TOKENS.get(list_of(query), ()):
        del query["page_token"]


def repair_logs(query, headers):
    """Parameters that refer to missing or future data, exclude each other, or cause endless responses."""
    for name in ("follow", "replica", "since_time"):
        query.pop(name, None)
    if query.get("previous") in (True, "true"):
        del query["previous"]
    if "container" in query:
        query["container"] = "*"
    headers.pop("Last-Event-ID", None)


def repair_command(query, body):
    """No U+0000, short enough for a request target, no missing container or replica, at least one stream, a duration."""
    if "command" in query:
        words = query["command"] if isinstance(query["command"], list) else [query["command"]]
        query["command"] = [clean(word)[:100] for word in words][:8]
        query["stdout"] = "true"
    for value in (query, body):
        for name in ("container", "replica"):
            value.pop(name, None)
    if "command" in body:
        body["command"] = [word[:100] for word in body["command"]][:8]
    if "timeout" in body:
        body["timeout"] = "5s"
    if "stdin" in body:
        body["stdin"] = body["stdin"][:1000]


def list_of(query):
    return query.get("filter", ""), query.get("order_by", "")


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if not case.meta or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    query = case.query or {}
    if case.headers and KEY in case.headers and isinstance(case.body, dict):
        case.headers[KEY] = str(uuid.uuid4())
    repair_list(query)
    if case.path.endswith("/logs"):
        repair_logs(query, case.headers)
    if case.path.endswith(("/exec", ":exec")):
        repair_command(query, case.body if isinstance(case.body, dict) else {})
    if case.headers and "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    if case.headers and case.headers.get("If-None-Match") == "0":  # schemathesis 4.32 makes that of the pattern
        case.headers["If-None-Match"] = '"0"'
    if "page_token" in query and case.path.endswith(("/revisions", "/events")):
        del query["page_token"]
    if "revision" in (case.path_parameters or {}):  # a just created one has the first
        case.path_parameters["revision"] = 1
    if isinstance(case.body, dict) and case.path.endswith(":rollback"):
        case.body["revision"] = 1
    if case.method == "PATCH":
        case.body = {"spec": {"metadata": {"labels": {"a": "b"}}}}
    elif isinstance(case.body, dict):
        case.body = clean(case.body)
        if case.path.endswith("/containers"):
            spec = case.body["spec"] if "spec" in case.body else case.body
            repair(spec)
            repair_id(query, spec)


@schemathesis.hook
def after_call(_context, case, response):
    if response.status_code == 200 and b'"next_page_token"' in response.content and not case.path.endswith(("/revisions", "/events")):
        TOKENS.setdefault(list_of(case.query or {}), set()).add(response.json()["next_page_token"])
