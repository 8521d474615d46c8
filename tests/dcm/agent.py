"""
DCM's environment agent, as recorded: takes requests (CloudEvents) from its subject in the work-queue stream
`dcm-agent-requests`, sequentially. A create goes to the provider as a bare spec with an Idempotency-Key, which is
the event's id, without an id of the container and without Accept; of the answer only the status counts. A delete names the
resource_id that is only in the request. 5xx, 429 and transport errors are retried three times within 6 s, every other
4xx is final; then the request is acknowledged, which removes it from the stream.
"""

import http.client
import json
import time
import uuid

from nats.js.api import RetentionPolicy, StorageType, StreamConfig

STREAM = "dcm-agent-requests"
TRIES, PAUSE = 3, 2


class Agent:
    """One agent; `nats` is its own connection (NatsThread), `port` that of the provider's API."""

    def __init__(self, nats, port, name="edge", base="/api/v1alpha1/containers"):
        self.nats, self.port, self.name, self.base = nats, port, name, base
        js = nats.jetstream
        nats.do(js.add_stream(StreamConfig(name=STREAM, subjects=["dcm.agent.>"], storage=StorageType.MEMORY,
                                           retention=RetentionPolicy.WORK_QUEUE)))
        self.subscription = nats.do(js.pull_subscribe(f"dcm.agent.{name}", durable=name, stream=STREAM))

    def request(self, kind, resource_id, spec=None):
        """What DCM's control plane puts into the stream; returns the event's id."""
        event = {"specversion": "1.0", "id": str(uuid.uuid4()), "type": f"dcm.request.{kind}", "source": "dcm/control-plane",
                 "subject": f"dcm.agent.{self.name}", "data": {"resource_id": resource_id, "spec": spec}}
        self.nats.publish(f"dcm.agent.{self.name}", json.dumps(event).encode())
        return event["id"]

    def work(self):
        """The next request, carried out and acknowledged: (event, status of the provider's answer)."""
        event, message = self.take()
        status = self.carry_out(event)
        self.nats.do(message.ack())
        return event, status

    def take(self):
        """The next request, which stays in the stream until it is acknowledged: (event, message)."""
        message = self.nats.do(self.subscription.fetch(1, timeout=5))[0]
        return json.loads(message.data), message

    def carry_out(self, event):
        for attempt in range(TRIES):
            status = self._send(event)
            if status and status < 500 and status != 429:
                break
            if attempt < TRIES - 1:
                time.sleep(PAUSE)
        return status

    def _send(self, event):
        """The status; None: no answer."""
        headers = {"Idempotency-Key": event["id"]}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            if event["type"].endswith("create"):
                connection.request("POST", self.base, json.dumps(event["data"]["spec"]),
                                   {**headers, "Content-Type": "application/json"})
            else:
                connection.request("DELETE", f"{self.base}/{event['data']['resource_id']}", headers=headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
