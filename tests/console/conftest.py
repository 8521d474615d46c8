"""A pipeline on the simulator, and a browser."""

import os

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from api import Api, spec
from kube import Kube
from ports import free_port
from processes import Process, listens, start_kubesim, wait_for

BIN = os.environ["E2E_BIN"]
NAMESPACE = "dcm-sp"
SLOW = 20


class Stage:
    """NATS, the simulator, api-svc and a worker."""

    def __init__(self, folder, **env):
        self.kubesim, kubeconfig = start_kubesim(f"{BIN}/kubesim", folder, NAMESPACE, "--log-ms", "200")
        self.kube = Kube(kubeconfig, NAMESPACE)
        nats_port, self.port = free_port(), free_port()
        tokens = os.path.join(folder, "tokens")
        with open(tokens, "w", encoding="ascii") as f:
            f.write("tester a-token-of-the-tests-0123456789abcdef\n")
        env = {k: tokens if v == "TOKENS" else v for k, v in env.items()}
        env = {"SP_NAME": "console", "SP_NATS_URL": f"nats://127.0.0.1:{nats_port}", "SP_SERVER_ADDRESS": f"127.0.0.1:{self.port}",
               "SP_K8S_KUBECONFIG": kubeconfig, "SP_K8S_NAMESPACE": NAMESPACE, "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort", **env}
        nats = ["nats-server", "-a", "127.0.0.1", "-p", str(nats_port), "-js", "-sd", f"{folder}/jetstream"]
        self.nats = Process("nats", nats, {}, folder).start()
        wait_for("nats-server", lambda: listens(nats_port))
        self.worker = Process("kube-worker", [f"{BIN}/kube-worker"], env, folder).start()
        self.api_svc = Process("api-svc", [f"{BIN}/api-svc"], env, folder).start()
        self.api = Api(self.port)
        wait_for("healthy", lambda: listens(self.port) and self.api.health() == "healthy")

    def stop(self):
        for process in (self.api_svc, self.worker, self.nats, self.kubesim):
            process.stop(expect=None)


class Page:
    """The console in a browser."""

    def __init__(self, driver, base):
        self.driver, self.base = driver, base

    def open(self):
        self.driver.get(self.base + "/console")
        return self

    def one(self, css):
        return self.driver.find_element("css selector", css)

    def all(self, css):
        return self.driver.find_elements("css selector", css)

    def text(self, css):
        return self.one(css).text

    def wait(self, what, condition, timeout=SLOW):
        def held():
            try:
                return condition()
            except Exception:  # pylint: disable=broad-except  # redrawn elements are temporarily stale
                return None
        return wait_for(what, held, timeout)

    def rows(self):
        """{id: (status, replicas, image)} of the list."""
        return self.driver.execute_script(
            "return Object.fromEntries([...document.querySelectorAll('#rows tr')].map(r => "
            "[r.children[0].textContent, [r.children[1].textContent, r.children[2].textContent, r.children[3].textContent]]))")

    def choose(self, container_id):
        self.wait(f"{container_id} is listed", lambda: container_id in self.rows())
        next(b for b in self.all("button.name") if b.text == container_id).click()

    def button(self, text):
        return next(b for b in self.all("button") if b.text == text and b.is_displayed())

    def fill(self, css, text):
        field = self.one(css)
        field.clear()
        field.send_keys(text)

    def complaints(self):
        """The browser's log: script errors, violations of the policy."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]


@pytest.fixture(scope="session")
def driver():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield made
    made.quit()


@pytest.fixture
def stage(tmp_path, request):
    made = Stage(str(tmp_path), **getattr(request, "param", {}))
    yield made
    made.stop()


@pytest.fixture
def page(driver, stage):
    driver.get("about:blank")
    driver.get_log("browser")
    yield Page(driver, f"http://127.0.0.1:{stage.port}").open()
    driver.get("about:blank")


@pytest.fixture
def web(stage):
    """A running container."""
    assert stage.api.create(spec(ports=[(80, "external")]), "web").status == 201
    wait_for("web runs", lambda: stage.api.get("web").json["status"] == "RUNNING")
    return "web"
