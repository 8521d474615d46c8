"""
A Prometheus that scrapes all our processes every second, with the alerts of deploy/monitoring. A minute of their rules
is a second here, so that an alert can fire during a run, and end after it.
"""

import datetime
import os
import re
import shutil
import time

from history import FailedScrape, Scraped
from processes import wait_for
from prometheus import RULES, Prometheus

MINUTES = re.compile(r"(\bfor: |\[)(\d+)m\b")
FAILED = re.compile(r'ts=(\S+) .* target=http://(\S+)/metrics msg="(Scrape|Append) failed" err="?(.*?)"?$')
SETTLE_S = 30 + 15 + 5  # the longest range, the longest `for`, and some evaluations


def shortened(rules):
    """The text of rules with seconds instead of minutes."""
    return MINUTES.sub(r"\1\2s", rules)


def failures(log, names, wall):
    """The failed scrapes, from a log of level debug. `names`: by address; `wall`: of the clock, at monotonic 0."""
    found = []
    for match in filter(None, map(FAILED.search, log.splitlines())):
        at = datetime.datetime.fromisoformat(match[1].replace("Z", "+00:00")).timestamp() - wall
        found.append(FailedScrape(names[match[2]], at, match[3] == "Append", match[4].replace("\\\"", "\"")))
    return found


class Scraping:
    """It has its own address, which is never partitioned."""

    @staticmethod
    def able():
        return shutil.which("prometheus") is not None

    def __init__(self, stage, folder):
        self.stage, self.names = stage, {address: name for name, address in stage.metrics.items()}
        rules = os.path.join(folder, "rules.yaml")
        with open(RULES, encoding="utf-8") as source, open(rules, "w", encoding="utf-8") as out:
            out.write(shortened(source.read()))
        host, prefix = stage.network.join("prometheus")
        self.prometheus = Prometheus(folder, list(self.names), "1s", rules, host, prefix, "debug")

    def begin(self):
        """Returns when all are scraped."""
        wait_for("all are scraped", lambda: not self._missing(), 30)

    def settle(self, wall):
        """Wait until all are scraped and no alert is firing, SETTLE_S at most; returns its data as a Scraped."""
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end and (self._missing() or self.prometheus.ask("alerts")["alerts"]):
            time.sleep(1)
        return Scraped(
            scrapes=sum(int(row["value"][1]) for row in self.prometheus.query("count_over_time(up[1d])")),
            failed=failures(self.prometheus.process.log(), self.names, wall),
            fired={row["metric"]["alertname"]: int(row["value"][1]) for row in self.prometheus.query(
                'count_over_time((count by (alertname) (ALERTS{alertstate="firing"}))[1d:1s])')},
            missing=self._missing(),
            firing=sorted({alert["labels"]["alertname"] for alert in self.prometheus.ask("alerts")["alerts"]
                           if alert["state"] == "firing"}),
            counted={(self._name(row), row["metric"]["operation"], row["metric"]["code"]): int(row["value"][1])
                     for row in self.prometheus.query("dcm_sp_http_requests_total")},
            since={name: self.stage.started[name] for name in self.stage.apis})

    def stop(self):
        self.prometheus.stop()

    def _name(self, row):
        return self.names[row["metric"]["instance"]]

    def _missing(self):
        return sorted({*self.names.values()} - {self._name(row) for row in self.prometheus.query("up == 1")})
