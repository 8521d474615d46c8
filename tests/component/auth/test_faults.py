"""Faulty peers and API servers: errors are never attributed to the client."""

import concurrent.futures
import time

import pytest

from kube_liar import Liar, http, said

BODY_MAX = 16 * 1024 * 1024


HTML = "<html><body>nginx</body></html>"
CASES = {  # the response, and the beginning of the result
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", "UNAVAILABLE 0 "),
    "HTTP/0.9": (b"hello", "UNAVAILABLE 0 "),
    "nothing": (b"", "UNAVAILABLE 0 "),
    "a truncated head": (b"HTTP/1.1 200 OK\r\nContent-Le", "UNAVAILABLE "),
    "an endless head": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000 + b"\r\n\r\n", "UNAVAILABLE "),
    "NUL in a header": (b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}", "UNAVAILABLE "),
    "an invalid length": (b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n{}", "UNAVAILABLE "),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x46", "UNAVAILABLE 0 "),
    "a truncated body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "UNAVAILABLE 200 "),
    "200 in HTML": (http(200, HTML), "UNAVAILABLE 200 "),
    "200 with a list": (http(200, []), "UNAVAILABLE 200 "),
    "200 with a text": (http(200, "\"ok\""), "UNAVAILABLE 200 "),
    "200 with an empty body": (http(200, ""), "UNAVAILABLE 200 "),
    "200 with a list of labels": (http(200, {"metadata": {"labels": ["a"]}}), "UNAVAILABLE 200 "),
    "200 with a text as annotations": (http(200, {"metadata": {"annotations": "a"}}), "UNAVAILABLE 200 "),
    "200 with a number as metadata": (http(200, {"metadata": 1}), "UNAVAILABLE 200 "),
    "200 that is not UTF-8": (http(200, b"{\"a\":\"\xff\"}"), "UNAVAILABLE 200 "),
    "200 nested too deeply": (http(200, "[" * 100_000), "UNAVAILABLE 200 "),
    "a redirect": (http(302, "", "Location: /elsewhere"), "UNAVAILABLE 302 "),
    "400 in HTML": (http(400, HTML), "UNAVAILABLE 400 "),
    "404 in HTML": (http(404, HTML), "UNAVAILABLE 404 "),
    "404 in other JSON": (http(404, {"message": "no route"}), "UNAVAILABLE 404 "),
    "409 in HTML": (http(409, HTML), "UNAVAILABLE 409 "),
    "410 in HTML": (http(410, HTML), "UNAVAILABLE 410 "),
    "418": (http(418, HTML), "UNAVAILABLE 418 "),
    "422 in HTML": (http(422, HTML), "UNAVAILABLE 422 "),
    "404 with a large body": (http(404, b" " * (BODY_MAX + 1)), "UNAVAILABLE 404 "),
    "400": (said(400), "INVALID_ARGUMENT 400 "),
    "404": (said(404), "NOT_FOUND 404 "),
    "409": (said(409, "Conflict"), "CONFLICT 409 "),
    "409, it exists": (said(409, "AlreadyExists"), "ALREADY_EXISTS 409 "),
    "410": (said(410), "EXPIRED 410 "),
    "413": (said(413), "TOO_LARGE 413 "),
    "422": (said(422), "INVALID_ARGUMENT 422 "),
}


@pytest.fixture
def ask(probe, kubeconfig):
    """Query all faulty servers concurrently: result and seconds by name."""
    liars = []

    def get(one):
        started = time.monotonic()
        return one.get(), time.monotonic() - started

    def ask_all(answers):
        for answer in answers.values():
            liars.append(Liar(answer))
        probes = [probe(kubeconfig(liar.url)) for liar in liars]
        with concurrent.futures.ThreadPoolExecutor(len(probes)) as pool:
            return dict(zip(answers, pool.map(get, probes)))

    yield ask_all
    for liar in liars:
        liar.close()


def test_responses_of_other_servers_are_unavailable(ask):
    answers = ask({name: answer for name, (answer, _) in CASES.items()})
    wrong = {name: answer for name, (answer, _) in answers.items() if not answer.startswith(CASES[name][1])}
    assert not wrong


RETRY_AFTER_CASES = {  # 429 or 503 of Kubernetes and proxies, and the seconds of Retry-After
    "a day": (said(429, headers=["Retry-After: 86399"]), 60),
    "more than an int": (said(429, headers=["Retry-After: 99999999999"]), 60),
    "a minute": (said(429, headers=["Retry-After: 60"]), 60),
    "less": (said(503, headers=["retry-after:59 "]), 59),
    "in the Status": (said(429, details={"retryAfterSeconds": 2147483647}), 60),
    "in both": (said(429, headers=["Retry-After: 9"], details={"retryAfterSeconds": 7}), 9),
    "a date": (said(429, headers=["Retry-After: Fri, 31 Dec 2100 23:59:59 GMT"]), 0),
    "negative": (said(429, headers=["Retry-After: -5"], details={"retryAfterSeconds": -5}), 0),
    "nonsense": (said(429, headers=["Retry-After: soon"], details={"retryAfterSeconds": "x"}), 0),
}


def test_retry_after_is_limited_to_a_minute(ask):
    answers = ask({name: answer for name, (answer, _) in RETRY_AFTER_CASES.items()})
    for name, (_, seconds) in RETRY_AFTER_CASES.items():
        answer, took = answers[name]
        assert answer.startswith("UNAVAILABLE "), (name, answer)
        assert answer.endswith(f" ({seconds} s)") if seconds else " s)" not in answer, (name, answer)
        assert took < (1 if seconds else 4), f"{name}: waited beyond the deadline"


def test_a_forbidden_readyz_counts_as_ready(ask):
    """A server is starting only if it reports that it is not ready."""
    def refuse(status, ready):
        return lambda _, path: ready if path == "/readyz" else said(status)

    answers = ask({
        "403": refuse(403, said(403)),
        "401": refuse(401, said(401)),
        "403, 401": refuse(403, said(401)),
        "ready": refuse(403, http(200, "ok")),
        "starting": refuse(403, http(500, "not ready")),
    })
    assert answers["403"][0].startswith("PERMISSION_DENIED 403 ") and answers["403"][1] < 2.5
    assert answers["401"][0].startswith("UNAVAILABLE 401 ") and answers["401"][1] < 1
    assert answers["403, 401"][0].startswith("PERMISSION_DENIED 403 ") and answers["403, 401"][1] < 1
    assert answers["ready"][0].startswith("PERMISSION_DENIED 403 ") and answers["ready"][1] < 1
    assert answers["starting"][0] == "UNAVAILABLE 403 the API server is not ready"


def test_forbidden_from_a_server_not_ready_yet_is_retried(ask):
    """It loads its roles between the rejection and the readiness probe."""
    said_of = {"/readyz": [], "": []}

    def restarted(_, path):
        answers = said_of["/readyz" if path == "/readyz" else ""]
        answers.append(path)
        if path == "/readyz":
            return http(500, "not ready") if len(answers) == 1 else http(200, "ok")
        return said(403) if len(answers) <= 3 else http(200, "{}")

    answer, _ = ask({"restarted": restarted})["restarted"]
    assert answer.startswith("OK 200"), (answer, said_of)


def test_a_restarted_server_that_denies_everything_is_starting(ask):
    """The authorizer of the API server denies all requests until it has loaded the roles, on a busy machine for seconds."""
    seen = []

    def restarted(_, path):
        seen.append(path)
        return b"" if len(seen) == 1 else said(403)

    answer, took = ask({"restarted": restarted})["restarted"]
    assert answer == "UNAVAILABLE 403 the API server is not ready" and took > 1.5, (answer, took)


def test_forbidden_from_a_server_that_restarted_meanwhile_is_retried(ask):
    answers = [b"", said(403), said(403), http(200, "{}")]

    def restarted(_, path):
        return http(200, "ok") if path == "/readyz" else answers.pop(0)

    answer, _ = ask({"restarted": restarted})["restarted"]
    assert answer.startswith("OK 200") and not answers, answer
