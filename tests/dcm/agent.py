"""
DCM's environment agent, as recorded: takes requests (CloudEvents) from its subject in the work-queue stream
`dcm-agent-requests`, one after the other. A create goes to the provider as a bare spec with an Idempotency-Key, which is
the event's id, without an id of the container and without Accept; of the answer only the status counts. A delete names the
resource_id that only the request has told. 5xx, 429 and transport errors are tried three times within 6 s, every other
4xx is final; then the request is acknowledged, which removes it from the stream.
"""

import http.client
import json
import time
import uuid

STREAM = "dcm-agent-requests"
TRIES, PAUSE = 3, 2


class Agent:
    """One agent; `nats` is a connection of its own (wire.Nats), `port` that of the provider's API."""

    def __init__(self, nats, port, name="edge", base="/api/v1alpha1/containers"):
        self.nats, self.port, self.name, self.base = nats, port, name, base
        nats.jetstream(f"STREAM.CREATE.{STREAM}", {"name": STREAM, "subjects": ["dcm.agent.>"],
                                                   "retention": "workqueue", "storage": "memory"})
        nats.jetstream(f"CONSUMER.DURABLE.CREATE.{STREAM}.{name}", {"stream_name": STREAM, "config": {
            "durable_name": name, "filter_subject": f"dcm.agent.{name}", "ack_policy": "explicit",
            "ack_wait": 60_000_000_000, "deliver_policy": "all"}})

    def request(self, kind, resource_id, spec=None):
        """What DCM's control plane puts into the stream; returns the event's id."""
        event = {"specversion": "1.0", "id": str(uuid.uuid4()), "type": f"dcm.request.{kind}", "source": "dcm/control-plane",
                 "subject": f"dcm.agent.{self.name}", "data": {"resource_id": resource_id, "spec": spec}}
        self.nats.publish(f"dcm.agent.{self.name}", event)
        return event["id"]

    def work(self):
        """The next request, carried out and acknowledged: (event, status of the provider's answer)."""
        event, reply = self.take()
        status = self.carry_out(event)
        self.nats.publish(reply, b"+ACK")
        return event, status

    def take(self):
        """The next request, which stays in the stream: (event, where to acknowledge it)."""
        self.nats.publish(f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{self.name}",
                          {"batch": 1, "expires": 5_000_000_000}, self.nats.inbox)
        end = time.monotonic() + 6
        while time.monotonic() < end:
            message = self.nats.next(end - time.monotonic())
            if message and message[1].startswith("$JS.ACK"):
                return json.loads(message[3]), message[1]
        raise AssertionError("no request in the stream")

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
