"""
DCM's resource manager, the part of the control plane that calls a provider, as recorded. A create is POST {endpoint}?id=<id>
with exactly {"spec": ...}, 30 s, four tries on transport errors with the same id, none on an HTTP status; any 2xx is
success, and its body must be JSON, or the container is forgotten. 2xx and 404 are success of a delete. It never reads.
The caller rolls back the created containers if one of several creates fails.
"""

import http.client
import json
import time
import urllib.parse

TRIES = 4


class Refused(Exception):
    """The provider rejected the request, or did not respond: DCM discards the instance."""


class ResourceManager:
    def __init__(self, port, base="/api/v1alpha1/containers", timeout=30.0, pause=0.2):
        self.port, self.base, self.timeout, self.pause = port, base, timeout, pause

    def create(self, container_id, spec):
        query = urllib.parse.urlencode({"id": container_id})
        status, body = self._call("POST", f"{self.base}?{query}", json.dumps({"spec": spec}))
        if not 200 <= status < 300:
            raise Refused(status, body)
        return json.loads(body)

    def delete(self, container_id):
        status, body = self._call("DELETE", f"{self.base}/{container_id}")
        if not 200 <= status < 300 and status != 404:
            raise Refused(status, body)

    def place(self, specs):
        """Several, {id: spec}: all of them, or none."""
        made = []
        try:
            for container_id, spec in specs.items():
                self.create(container_id, spec)
                made.append(container_id)
        except Refused:
            for container_id in made:
                self.delete(container_id)
            raise

    def _call(self, method, path, body=None):
        for attempt in range(TRIES):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                failure = error
                if attempt < TRIES - 1:
                    time.sleep(self.pause)
            finally:
                connection.close()
        raise Refused(0, str(failure))
