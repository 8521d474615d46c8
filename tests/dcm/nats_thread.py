"""nats-py for code that is not asynchronous: a connection with JetStream, whose event loop has its own thread."""

import asyncio
import threading

import nats


class NatsThread:
    def __init__(self, port):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.connection = self.do(nats.connect(f"nats://127.0.0.1:{port}", max_reconnect_attempts=-1,
                                               reconnect_time_wait=0.1))
        self.jetstream = self.connection.jetstream()

    def do(self, coroutine, seconds=30):
        """Wait for the result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def publish(self, subject, body):
        """Publish to a stream: returns when it is stored."""
        self.do(self.jetstream.publish(subject, body))

    def stored(self, stream):
        """The number of messages in a stream."""
        return self.do(self.jetstream.stream_info(stream)).state.messages

    def close(self):
        self.do(self.connection.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
