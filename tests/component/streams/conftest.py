"""api-svc and kube-workers that have the operation of tests/streams/, around a real nats-server and kubesim."""

import pytest

from certificates import Certificates
from stage import Stage


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.authority("ca")
    made.sign("ca", "server")
    return made


@pytest.fixture
def start(kubeconfig, tmp_path):
    """Start all with further settings; at the end nothing has logged anything of a sanitizer."""
    made = []

    def start_one(workers=1, **settings):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Stage(kubeconfig, folder, **settings))
        return made[-1].start(workers)

    yield start_one
    for stage in made:
        stage.stop()


@pytest.fixture
def stage(start):
    return start()
