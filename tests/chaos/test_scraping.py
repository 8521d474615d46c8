"""Parsing of Prometheus logs, and conversion of the rules."""

import re

import yaml

from exposition import promtool
from history import FailedScrape
from prometheus import RULES
from scraping import SETTLE_S, Scraping, failures, shortened

LOG = """\
ts=1970-01-01T00:01:40.500Z caller=main.go:823 level=warn msg="Received SIGTERM, exiting gracefully..."
ts=1970-01-01T00:01:40.500Z caller=scrape.go:1351 level=debug component="scrape manager" scrape_pool=dcm-sp \
target=http://h:1/metrics msg="Scrape failed" err="Get \\"http://h:1/metrics\\": context deadline exceeded"
ts=1970-01-01T00:01:41.500Z caller=scrape.go:1377 level=debug component="scrape manager" scrape_pool=dcm-sp \
target=http://h:2/metrics msg="Append failed" err="expected value after metric, got \\"MNAME\\""
"""


def test_failed_scrapes_are_read_from_the_log():
    assert failures(LOG, {"h:1": "api-0", "h:2": "worker-0"}, 100) == [
        FailedScrape("api-0", 0.5, False, 'Get "http://h:1/metrics": context deadline exceeded'),
        FailedScrape("worker-0", 1.5, True, 'expected value after metric, got "MNAME"')]


def test_a_minute_in_the_rules_is_converted_to_a_second(tmp_path):
    with open(RULES, encoding="utf-8") as f:
        text = shortened(f.read())
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    ranges = [n + unit for rule in rules for n, unit in re.findall(r"\[(\d+)(\w+)\]", rule["expr"])]
    times = [*ranges, *(rule["for"] for rule in rules if "for" in rule)]
    assert len(times) > 20 and all(time.endswith("s") for time in times), times
    longest = max(int(time[:-1]) for time in ranges) + max(int(rule["for"][:-1]) for rule in rules if "for" in rule)
    assert longest < SETTLE_S
    if Scraping.able():
        (tmp_path / "rules.yaml").write_text(text)
        assert promtool("check", "rules", str(tmp_path / "rules.yaml")) == ""
