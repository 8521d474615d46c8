"""
DCM's health monitor, as recorded: GET {endpoint}/health every period (10 s; shorter in tests) with a timeout of 5 s. Only
2xx with a JSON body whose status is exactly "healthy" counts; after three failures in a row the provider is unavailable,
after one success it is back.
"""

import http.client
import json
import threading

FAILURES_MAX = 3


class HealthPoller:
    def __init__(self, port, base="/api/v1alpha1/containers", period=10.0):
        self.port, self.path, self.period = port, f"{base}/health", period
        self.failures, self.available = 0, None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def _run(self):
        while not self.stopping.wait(self.period):
            self.failures = 0 if self._healthy() else self.failures + 1
            if self.failures == 0:
                self.available = True
            elif self.failures >= FAILURES_MAX:
                self.available = False

    def _healthy(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.path)
            answer = connection.getresponse()
            return 200 <= answer.status < 300 and json.loads(answer.read())["status"] == "healthy"
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False
        finally:
            connection.close()
