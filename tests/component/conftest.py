"""Shared by the component tests: the helpers of the end-to-end tests, a nats-server, a Kubernetes API."""

import os
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "end-to-end"))
from nats_peers import NatsServer  # noqa: E402  (the path is set above)
from processes import start_kubesim  # noqa: E402


@pytest.fixture
def nats(tmp_path):
    server = NatsServer(tmp_path).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory):
    """Of a simulator, for processes that need a Kubernetes API."""
    process, path = start_kubesim(os.environ["KUBESIM"], str(tmp_path_factory.mktemp("kubesim")), "default")
    yield path
    process.stop()
