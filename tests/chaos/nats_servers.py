"""The nats-server of a stage, or a cluster of them."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess

from ports import free_port
from processes import Process, listens, wait_for
from wire import Nats

PROGRAM = os.environ.get("CHAOS_NATS_SERVER", "nats-server")
STORE_MB = 48
CRASH = "server.(*Server).jsMsgGetRequest("  # 2.9.10 reads a stream that another client is creating


class Server:
    """One server. `disk`: its store is a separate file system, which can be filled."""

    def __init__(self, name, folder, network, disk):
        self.name, self.disk = name, disk
        self.host, self.prefix = network.join(name)
        self.port, self.route_port, self.monitor_port = free_port(), free_port(), free_port()
        self.store, self.config = os.path.join(folder, f"{name}-store"), os.path.join(folder, f"{name}.conf")
        self.process = Process(name, [*self.prefix, PROGRAM, "-c", self.config], {}, folder)
        shutil.rmtree(self.store, ignore_errors=True)
        os.mkdir(self.store)
        if disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STORE_MB}m", "chaos", self.store], check=True)

    def configure(self, login, jetstream, routes):
        cluster = f"cluster {{ name: chaos, listen: \"{self.host}:{self.route_port}\", routes: {json.dumps(routes)} }}"
        lines = [
            f"server_name: {self.name}", f"listen: \"{self.host}:{self.port}\"", f"http: \"{self.host}:{self.monitor_port}\"",
            f"authorization {{ user: {login['user']}, password: \"{login['pass']}\" }}",
            f"jetstream {{ store_dir: \"{self.store}\", max_file: 1GB }}" if jetstream else "",
            cluster if routes else "",
        ]
        with open(self.config, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")

    def lose_store(self):
        """Its data is lost."""
        for name in os.listdir(self.store):
            shutil.rmtree(os.path.join(self.store, name), ignore_errors=True)

    @contextlib.contextmanager
    def full_disk(self):
        filler = os.path.join(self.store, "filler")
        try:
            with open(filler, "wb", buffering=0) as f, contextlib.suppress(OSError):
                while True:
                    f.write(bytes(1 << 16))
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(filler)

    def ask(self, path):
        """A response of its monitoring; OSError: none."""
        connection = http.client.HTTPConnection(self.host, self.monitor_port, timeout=2)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(error) from error
        finally:
            connection.close()


class NatsServers:
    """`count` of them, named nats-0 and so on."""

    def __init__(self, folder, network, login, jetstream, count, disks):
        self.login, self.jetstream = login, jetstream
        self.servers = {name: Server(name, folder, network, disks) for name in (f"nats-{n}" for n in range(count))}
        routes = [f"nats://{s.host}:{s.route_port}" for s in self.servers.values()] if count > 1 else []
        for server in self.servers.values():
            server.configure(login, jetstream, routes)
        self.url = ",".join(f"nats://{s.host}:{s.port}" for s in self.servers.values())

    @property
    def clustered(self):
        return len(self.servers) > 1

    def wait(self):
        """Wait until all are ready."""
        for server in self.servers.values():
            wait_for(server.name, lambda server=server: listens(server.port, server.host))
        if self.jetstream:
            wait_for("JetStream", self._serves, 30)

    def stop(self):
        for server in self.servers.values():
            server.process.kill()
            if server.disk:
                subprocess.run(["umount", server.store], check=True)

    def _serves(self):
        with contextlib.suppress(OSError), contextlib.closing(self.connect()) as nats:
            return "error" not in nats.jetstream("INFO", seconds=2)

    def connect(self):
        """A connection to the first that responds."""
        for server in self.servers.values():
            with contextlib.suppress(OSError):
                return Nats(server.port, self.login, server.host)
        raise OSError("no NATS server answers")

    def leader(self, of):
        """The leader: of "meta", JetStream; of "KV" and "dcm", the stream with this prefix. None: unknown."""
        for server in self.servers.values():
            with contextlib.suppress(OSError):
                answer = server.ask("/jsz?accounts=true&streams=true")
                streams = [s for a in answer.get("account_details", []) for s in a.get("stream_detail", [])]
                groups = [answer.get("meta_cluster")] if of == "meta" else [
                    s.get("cluster") for s in streams if s["name"].startswith(of)]
                found = next((g["leader"] for g in groups if g and g.get("leader")), None)
                if found:
                    return found
        return None
