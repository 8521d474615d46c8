"""Fetch and parse /metrics."""

import http.client
import json
import re
import subprocess

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+]+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


ANY_PORT = {"SP_METRICS_ADDRESS": "127.0.0.1:0"}


def port_of(log):
    """The port on which the process with that log serves /metrics, as logged last; None: not logged yet."""
    lines = [line for line in log.splitlines() if '"serving /metrics"' in line]
    return int(json.loads(lines[-1])["address"].rsplit(":", 1)[1]) if lines else None


class Samples:
    """The samples of one response; labels that are not named may have any value."""

    def __init__(self, text):
        self.rows = []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = SAMPLE.match(line)
                assert match, line
                self.rows.append((match[1], dict(LABEL.findall(match[2] or "")), float(match[3])))

    def of(self, name, **labels):
        return [value for found, having, value in self.rows
                if found == name and all(having.get(k) == v for k, v in labels.items())]

    def sum(self, name, **labels):
        return sum(self.of(name, **labels))


def request(port, path="/metrics", method="GET", headers=None, host="127.0.0.1"):
    """Status, headers and text of a response."""
    connection = http.client.HTTPConnection(host, port, timeout=20)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def scrape(port, **headers):
    status, _, text = request(port, headers=headers)
    assert status == 200, text
    return Samples(text)


def promtool(*arguments, stdin=None):
    """Errors reported by promtool; "" if none."""
    done = subprocess.run(["promtool", *arguments], input=stdin, text=True, capture_output=True, timeout=60, check=False)
    return "" if done.returncode == 0 and not done.stderr.strip() else done.stdout + done.stderr
