import pytest

from certificates import Certificates
from registry import Registry
from support import Registrar, Worker, api_presence


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """The folder of an authority (ca.crt), a certificate that it signed for 127.0.0.1, and another authority (other.crt)."""
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.authority("ca")
    made.authority("other")
    made.sign("ca", "server")
    return made.folder


@pytest.fixture
def registry():
    r = Registry()
    yield r
    r.stop()


@pytest.fixture
def api(nats):
    """The API is available: api-svc and a healthy worker."""
    presence = api_presence(nats, "provider")
    worker = Worker(nats, "provider")
    yield worker
    presence.stop()
    worker.stop()


@pytest.fixture
def start(nats, registry, tmp_path):
    """Start a registrar; stop it with SIGTERM afterwards, check exit status 0 and for sanitizer reports."""
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
