import pytest

from api_peers import Api, FakeWorker
from processes import wait_for


@pytest.fixture
def worker(nats):
    w = FakeWorker(nats)
    yield w
    w.stop()


@pytest.fixture
def start(nats, tmp_path):
    """Start api-svc with additional settings; stop it afterwards and check for sanitizer reports."""
    started = []

    def start_one(wait=True, **environment):
        api = Api(environment.pop("nats", nats), tmp_path, **environment)
        started.append(api)
        if wait:
            wait_for("the connection to NATS", lambda: api.find_log("connected to NATS"))
        return api

    yield start_one
    for api in started:
        if api.process.poll() is None:
            api.terminate()
        text = api.log_path.read_text(errors="replace")
        assert "Sanitizer" not in text and "runtime error" not in text, text[-8000:]
        assert api.process.returncode in (0, 1), text[-8000:]


@pytest.fixture
def api(worker, start):
    return start()
