"""Operations on the control plane of tests/cluster, for the tests in *_cluster.py."""

import http.client
import json
import os
import socket
import subprocess

CLUSTER = os.environ.get("E2E_CLUSTER", "")
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


class _Etcd(http.client.HTTPConnection):
    """A call to etcd, which listens on a socket in the folder of the cluster."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(f"{CLUSTER}/run/etcd.sock")


def _ask_etcd(path, body):
    connection = _Etcd("etcd")
    try:
        connection.request("POST", path, json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.status == 200, text
    return json.loads(text)


def restart_api_server(*options):
    """An outage, see tests/cluster/restart.sh; returns when it is ready again."""
    subprocess.run([os.path.join(ROOT, "tests/cluster/restart.sh"), CLUSTER, *options], check=True,
                   stdout=subprocess.DEVNULL)


def forget_the_past():
    """
    Compact etcd and restart the API server, so that only the current state is kept: earlier page tokens and watches have
    expired.
    """
    revision = _ask_etcd("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
    _ask_etcd("/v3/kv/compaction", {"revision": revision, "physical": True})
    restart_api_server("--kill")
