"""
DCM's three-tier demo provider, as recorded: creates <stack>-db, -app and -web sequentially, accepts only 201, has no
retry; an integer CPU must be returned as an integer. It reads each container every 500 ms, for up to 3 min, until
service.name exists; 404 is tolerated until the first success, afterwards the stack is deleted.
"""

import http.client
import json
import time

TIERS = {"db": (5432, "internal"), "app": (8080, "internal"), "web": (80, "external")}
STATUSES = {"PENDING", "RUNNING", "FAILED", "UNKNOWN"}


class ThreeTier:
    def __init__(self, port, stack, base="/api/v1alpha1/containers"):
        self.port, self.stack, self.base = port, stack, base

    def create(self):
        """The stack's containers as they are once each has its Service: {tier: container}."""
        for tier, (port, visibility) in TIERS.items():
            status, made = self._call("POST", f"{self.base}?id={self.stack}-{tier}", {"spec": {
                "service_type": "container", "metadata": {"name": f"{tier}-{self.stack}"[:57]},
                "image": {"reference": f"docker.io/library/{tier}:1"},
                "resources": {"cpu": {"min": 1, "max": 2}, "memory": {"min": "128MB", "max": "256MB"}},
                "process": {"env": [{"name": "DB", "value": f"http://{self.stack}-db"}]},
                "network": {"ports": [{"container_port": port, "visibility": visibility}]}}})
            assert status == 201, made
            assert made["spec"]["resources"]["cpu"] == {"min": 1, "max": 2}
        return {tier: self._wait(f"{self.stack}-{tier}") for tier in TIERS}

    def delete(self):
        for tier in TIERS:
            assert self._call("DELETE", f"{self.base}/{self.stack}-{tier}")[0] == 204

    def _wait(self, container_id):
        seen, end = False, time.monotonic() + 180
        while time.monotonic() < end:
            status, container = self._call("GET", f"{self.base}/{container_id}")
            assert status == 200 or (status == 404 and not seen), container
            seen = seen or status == 200
            if status == 200 and container.get("service", {}).get("name"):
                assert container["status"] in STATUSES and isinstance(container["service"]["ports"][0]["port"], int)
                return container
            time.sleep(0.5)
        raise AssertionError(f"{container_id} has no service")

    def _call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, path, json.dumps(body) if body else None,
                               {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()
