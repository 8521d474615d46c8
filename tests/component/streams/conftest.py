"""api-svc and kube-workers that have the operation of tests/streams/, around a real nats-server and kubesim."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "end-to-end"))

from certificates import Certificates  # noqa: E402
from processes import start_kubesim  # noqa: E402
from stage import PRODUCTION, Stage  # noqa: E402


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory):
    process, path = start_kubesim(str(PRODUCTION / "kubesim"), str(tmp_path_factory.mktemp("kubesim")), "default")
    yield path
    process.stop()


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
