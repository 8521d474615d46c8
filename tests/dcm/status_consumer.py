"""
DCM's status consumer, as recorded: owns the stream `dcm-status` on `dcm.*` and a durable consumer with explicit
acknowledgements. It reads structured CloudEvents with any headers; the last write of an instance wins. Events of unknown
instances, and malformed ones, are acknowledged and dropped.
"""

import asyncio
import json

from nats.errors import ConnectionClosedError, Error as NatsError
from nats.js.api import StreamConfig

from nats_thread import NatsThread

STREAM, DURABLE = "dcm-status", "control"


class StatusConsumer:
    def __init__(self, port):
        self.known = set()   # ids of instances
        self.statuses = {}   # id: the last status
        self.dropped = []    # ids of events that were forgotten
        self.nats = NatsThread(port)
        js = self.nats.jetstream
        self.nats.do(js.add_stream(StreamConfig(name=STREAM, subjects=["dcm.*"])))
        self.subscription = self.nats.do(js.pull_subscribe("dcm.*", durable=DURABLE, stream=STREAM))
        self.work = asyncio.run_coroutine_threadsafe(self._run(), self.nats.loop)

    def stop(self):
        self.work.cancel()
        self.nats.close()

    async def _run(self):
        while True:
            try:
                for message in await self.subscription.fetch(64, timeout=0.5):
                    self._take(message.data)
                    await message.ack()
            except ConnectionClosedError:
                return
            except (asyncio.TimeoutError, NatsError):
                pass  # no message, or a slow server: retried

    def _take(self, text):
        try:
            data = json.loads(text)["data"]
            instance, status = data["id"], data["status"]
        except (ValueError, KeyError, TypeError):
            return
        if instance in self.known:
            self.statuses[instance] = status
        else:
            self.dropped.append(instance)
