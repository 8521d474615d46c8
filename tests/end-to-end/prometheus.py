"""A Prometheus with the configuration and the rules of deploy/monitoring."""

import json
import os
import urllib.parse

import yaml

from exposition import request
from ports import free_port
from processes import Process, listens, wait_for

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MONITORING = os.path.join(ROOT, "deploy", "monitoring")
RULES = os.path.join(MONITORING, "rules.yaml")


class Prometheus:
    """
    The process, with the example configuration except for addresses and intervals. `targets`: scraped addresses;
    `every`: interval of scrapes and evaluations; `rules`: path of its rules; `host`: where it runs; `prefix`: words before
    its command line there; `job`: instead of that of the example and `targets`.
    """

    def __init__(self, folder, targets, every="500ms", rules=RULES, host="127.0.0.1", prefix=(), log_level="warn",
                 job=None):
        self.host, self.port = host, free_port()
        with open(os.path.join(MONITORING, "prometheus.yml"), encoding="utf-8") as f:
            config = yaml.safe_load(f)
        config["global"] = {"scrape_interval": every, "evaluation_interval": every}
        config["rule_files"] = [rules]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = targets
        config["scrape_configs"] = [job] if job else config["scrape_configs"]
        path = os.path.join(folder, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as f:
            yaml.safe_dump(config, f)
        self.process = Process("prometheus", [*prefix, "prometheus", f"--config.file={path}",
                                              f"--storage.tsdb.path={folder}/tsdb", f"--log.level={log_level}",
                                              f"--web.listen-address={host}:{self.port}"], {}, folder).start()
        wait_for("Prometheus", lambda: listens(self.port, host) and request(self.port, "/-/ready", host=host)[0] == 200, 30)

    def ask(self, path, **query):
        status, _, text = request(self.port, f"/api/v1/{path}?{urllib.parse.urlencode(query)}", host=self.host)
        answer = json.loads(text)
        assert status == 200 and answer["status"] == "success", (query, text)
        return answer["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def stop(self):
        self.process.stop(expect=None)
