import pathlib
import shlex
import subprocess
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "end-to-end"))
from registry import Registry  # noqa: E402  (the folder of what it imports is known only now)
from support import NatsServer, Registrar, Worker, api_presence  # noqa: E402


def run(command, folder):
    subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority (ca.crt), a certificate that it signed for 127.0.0.1, and another authority (other.crt)."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "other"):
        run(f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.crt -days 2 -subj /CN={name}", folder)
    run("openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=registry", folder)
    (folder / "extension").write_text("subjectAltName=IP:127.0.0.1\n")
    run("openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extension"
        " -out server.crt", folder)
    return folder


@pytest.fixture
def nats(tmp_path):
    server = NatsServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def registry():
    r = Registry()
    yield r
    r.stop()


@pytest.fixture
def api(nats):
    """Our API is there: api-svc and a healthy worker."""
    presence = api_presence(nats, "provider")
    worker = Worker(nats, "provider")
    yield worker
    presence.stop()
    worker.stop()


@pytest.fixture
def start(nats, registry, tmp_path):
    """Start a registrar; what is still running is ended with SIGTERM and exits 0, without a word of a sanitizer."""
    started = []

    def start_one(*arguments, **environment):
        url = environment.pop("registry_url", registry.url)
        registrar = Registrar(tmp_path, environment.pop("nats", nats), url, *arguments, **environment)
        started.append(registrar)
        return registrar

    yield start_one
    for registrar in started:
        if registrar.process.poll() is None:
            assert registrar.terminate() == 0, registrar.text()[-4000:]
        text = registrar.text()
        assert "Sanitizer" not in text and "runtime error" not in text, text[-8000:]
