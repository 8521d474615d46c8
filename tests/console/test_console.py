"""The console in Chromium: user interactions."""

import re
import signal
import socket
import threading
import time
import urllib.request

import pytest
from selenium.webdriver.common.keys import Keys

from api import BASE, spec
from conftest import Page
from listener import Listener
from processes import wait_for

EXPECTED = re.compile(r"status of (400|401|404|409|412|501|503)|favicon")  # answers that a page may get


def test_its_files_are_small_and_have_a_strict_csp(stage):
    size = 0
    for path, kind in (("", "text/html"), ("/console.css", "text/css"), ("/console.js", "text/javascript")):
        with urllib.request.urlopen(f"http://127.0.0.1:{stage.port}/console{path}") as answer:
            size += len(answer.read())
            assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert size <= 60 * 1024


def test_the_list_is_live(stage, page, web):
    page.wait("web is listed", lambda: page.rows() == {"web": ["RUNNING", "1 of 1", "docker.io/library/nginx:1.27"]})
    assert stage.api.create(spec("api"), "api").status == 201
    page.wait("api appears and runs", lambda: page.rows()["api"][0] == "RUNNING")
    assert stage.api.delete("web").status == 204
    page.wait("web is removed", lambda: list(page.rows()) == ["api"])
    assert page.text("#health") == "healthy" and page.text("#count") == "(1)"
    assert not page.complaints()


def test_the_filter_is_applied(stage, page, web):
    assert stage.api.create(spec("api", metadata={"name": "api", "labels": {"team": "shop"}}), "api").status == 201
    page.wait("both are listed", lambda: len(page.rows()) == 2)
    page.driver.execute_script("document.activeElement.blur()")
    page.one("body").send_keys("/")
    for text, found in (("we", ["web"]), ("shop", ["api"]), ('labels.team = "shop"', ["api"]), ('NOT labels.team = "shop"', ["web"])):
        page.fill("#filter", text)
        page.wait(text, lambda: list(page.rows()) == found)  # pylint: disable=cell-var-from-loop
    page.fill("#filter", "labels.team = ")
    page.wait("the fault is shown", lambda: page.text("#filter-error"))
    assert page.one("#filter").get_attribute("aria-invalid") == "true"
    page.one("#filter").send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.BACKSPACE)
    page.wait("both again", lambda: len(page.rows()) == 2 and not page.text("#filter-error"))


def test_create_form_shows_faults_next_to_the_fields(stage, page):
    page.button("New container").click()
    page.fill("[name=id]", "Shop_1")
    page.fill("[name=cpu-min]", "5")
    page.fill("[name=memory-max]", "much")
    page.button("Create").click()
    page.wait("the faults are shown", lambda: page.all("label .error"))
    faults = {f.get_attribute("name"): page.text("#" + f.get_attribute("aria-describedby")) for f in page.all("#form [aria-invalid=true]")}
    assert {"id", "image", "memory-max"} <= set(faults) and not page.text("#form-error") and all(faults.values()), faults
    page.fill("[name=id]", "shop-1")
    page.fill("[name=image]", "docker.io/library/nginx:1.27")
    page.fill("[name=cpu-min]", "1")
    page.fill("[name=memory-max]", "128MB")
    page.fill("[name=ports]", "80 external, 53/UDP")
    page.fill("[name=labels]", "team=shop")
    page.fill("[name=env]", "A=1\nB=x=y")
    page.button("Create").click()
    page.wait("it runs", lambda: page.rows()["shop-1"][0] == "RUNNING")
    made = stage.api.get("shop-1").json["spec"]
    assert [(p["container_port"], p["visibility"], p.get("protocol")) for p in made["network"]["ports"]] == [
        (80, "external", None), (53, "internal", "UDP")]
    assert made["process"]["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "x=y"}]
    assert made["metadata"]["labels"] == {"team": "shop"}
    assert page.text("#detail-title") == "shop-1"


def test_action_buttons_work(stage, page, web):
    page.choose("web")
    for button, shown in (("Stop", "STOPPED"), ("Start", "RUNNING")):
        page.wait(f"{button} can be pressed", lambda: page.button(button).is_enabled())  # pylint: disable=cell-var-from-loop
        page.button(button).click()
        page.wait(button, lambda: page.text("#detail-status") == shown)  # pylint: disable=cell-var-from-loop
    page.button("Scale").click()
    page.fill("#ask-input", "3")
    page.one("#ask-yes").click()
    page.wait("three replicas", lambda: page.rows()["web"][1] == "3 of 3")
    page.button("Scale").click()
    page.fill("#ask-input", "many")
    page.one("#ask-yes").click()
    page.wait("the refusal is shown", lambda: page.text("#outcome").startswith("Scale: ") and "done" not in page.text("#outcome")
              and "…" not in page.text("#outcome"))
    page.button("Edit").click()
    page.fill("[name=image]", "docker.io/library/nginx:1.28")
    page.button("Change").click()
    page.wait("the new image", lambda: page.rows()["web"][2].endswith(":1.28"))
    assert stage.api.get("web").json["spec"]["network"]["ports"] == [{"container_port": 80, "visibility": "external"}]
    page.wait("the dialog is closed", lambda: not page.one("#form-dialog").is_displayed())
    page.button("Roll back").click()
    page.one("#ask-yes").click()
    page.wait("the old image", lambda: page.rows()["web"][2].endswith(":1.27"))
    page.button("Restart").click()
    page.wait("restarted", lambda: page.text("#outcome") == "Restart: done")
    page.button("Delete").click()
    page.fill("#ask-input", "wrong")
    page.one("#ask-yes").click()
    page.wait("nothing was done", lambda: "not confirmed" in page.text("#outcome"))
    assert stage.api.get("web").status == 200
    page.button("Delete").click()
    page.fill("#ask-input", "web")
    page.one("#ask-yes").click()
    page.wait("it is removed", lambda: not page.rows())
    assert not [c for c in page.complaints() if not EXPECTED.search(c)]


def test_an_outcome_is_shown_at_its_own_container_only(stage, page, web):
    assert stage.api.create(spec("api"), "api").status == 201
    page.choose("web")
    page.wait("Restart can be pressed", lambda: page.button("Restart").is_enabled())
    stage.worker.suspend()
    page.button("Restart").click()
    assert page.text("#outcome") == "Restart …"
    page.choose("api")
    assert page.text("#outcome") == ""
    stage.worker.popen.send_signal(signal.SIGCONT)
    wait_for("web is restarted", lambda: stage.api.call("GET", f"{BASE}/web/revisions/2").status == 200)
    time.sleep(0.5)
    assert page.text("#detail-title") == "api" and page.text("#outcome") == ""
    page.choose("web")
    page.wait("its outcome", lambda: page.text("#outcome") == "Restart: done")


def test_an_edited_variable_leaves_the_others_as_they_are(stage, page):
    """Values may have several lines, such as a certificate, and blanks at their ends."""
    env = [{"name": "A", "value": "1"}, {"name": "PEM", "value": "-----BEGIN\r\nx=y\r\n\tz\r\n"},
           {"name": "LINES", "value": "one\n two = 2\n\nfour\n"}, {"name": "BLANKS", "value": " b "}, {"name": "NONE", "value": ""}]
    assert stage.api.create(spec("env", process={"env": env}), "env").status == 201
    page.choose("env")
    page.wait("Edit can be pressed", lambda: page.button("Edit").is_enabled())
    page.button("Edit").click()
    page.driver.execute_script("const e = document.querySelector('[name=env]');"
                               "e.value = e.value.replace('A=1', 'A=2').replace('four', 'five')")
    page.button("Change").click()
    page.wait("the dialog is closed", lambda: not page.one("#form-dialog").is_displayed())
    env[0]["value"], env[2]["value"] = "2", "one\n two = 2\n\nfive\n"
    assert stage.api.get("env").json["spec"]["process"]["env"] == env


def test_a_cleared_field_clears_nothing_else(stage, page):
    """Fields next to cleared ones that the form does not show: command, arguments, strategy."""
    process = {"command": ["sh"], "args": ["-c", "sleep 9"]}
    hints = {"strategy": {"type": "recreate"}}
    assert stage.api.create(spec("cleared", process={**process, "env": [{"name": "A", "value": "1"}]},
                                 provider_hints={"kubernetes": {**hints, "replicas": 2}}), "cleared").status == 201
    page.choose("cleared")
    page.wait("Edit can be pressed", lambda: page.button("Edit").is_enabled())
    page.button("Edit").click()
    for name in ("env", "replicas", "ports", "labels"):
        page.driver.execute_script(f"document.querySelector('[name={name}]').value = ''")
    page.button("Change").click()
    page.wait("the dialog is closed", lambda: not page.one("#form-dialog").is_displayed())
    left = stage.api.get("cleared").json["spec"]
    assert left["process"] == process and left["provider_hints"]["kubernetes"]["strategy"] == hints["strategy"], left


def test_a_concurrent_change_during_editing_is_detected(stage, page, web):
    page.choose("web")
    page.wait("Edit can be pressed", lambda: page.button("Edit").is_enabled())
    page.button("Edit").click()
    assert stage.api.call("PATCH", "/api/v1alpha1/containers/web", {"spec": {"metadata": {"labels": {"a": "b"}}}},
                          {"Content-Type": "application/merge-patch+json"}).status == 200
    page.fill("[name=image]", "docker.io/library/nginx:1.28")
    page.button("Change").click()
    page.wait("the message is shown", lambda: "changed in the meantime" in page.text("#form-error"))
    assert stage.api.get("web").json["spec"]["image"]["reference"].endswith(":1.27")


def test_logs_events_and_usage_are_shown(page, web):
    page.choose("web")
    page.wait("lines of the log", lambda: len(page.text("#logs").splitlines()) > 3)
    before = len(page.text("#logs").splitlines())
    page.wait("it follows", lambda: len(page.text("#logs").splitlines()) > before + 3)
    page.button("Events").click()
    page.wait("events", lambda: "web" in page.text("#events"))
    page.button("Usage").click()
    page.wait("figures", lambda: "cores" in page.text("#cpu-caption") and page.one("#memory polyline").get_attribute("points"))
    page.button("Spec").click()
    assert '"service_type": "container"' in page.text("#spec")
    page.button("Spec").send_keys(Keys.ARROW_RIGHT)
    assert page.button("Logs").get_attribute("aria-selected") == "true"
    assert not page.complaints()


@pytest.mark.parametrize("stage", [{"SP_SERVER_TOKENS_FILE": "TOKENS"}], indirect=True)
def test_a_token_is_requested(stage, page):
    page.wait("the question", lambda: page.one("#ask-input").is_displayed())
    for wrong in ("wrong", "wrong€"):
        page.fill("#ask-input", wrong)
        page.one("#ask-yes").click()
        page.wait("the question again", lambda: page.one("#ask-input").is_displayed() and not page.one("#ask-input").get_attribute("value"))
    page.fill("#ask-input", "a-token-of-the-tests-0123456789abcdef")
    page.one("#ask-yes").click()
    page.wait("the list", lambda: page.one("#empty").is_displayed())


@pytest.mark.parametrize("stage", [{"SP_SERVER_TOKENS_FILE": "TOKENS"}], indirect=True)
def test_a_cancelled_token_prompt_stays_closed_until_a_token_is_needed(stage, page):
    def prompt():
        return page.one("#ask-dialog").is_displayed()

    def cancel():
        page.wait("the question", prompt)
        page.button("Cancel").click()
        page.wait("the note", lambda: page.one("#locked").is_displayed() and not prompt())
    cancel()
    end = time.monotonic() + 8  # the watch is retried after 0.5, 1, 2 and 4 s
    while time.monotonic() < end:
        assert not prompt()
        time.sleep(0.1)
    assert not page.one("#empty").is_displayed()
    page.button("Sign in").send_keys(Keys.ENTER)
    cancel()
    page.button("New container").click()
    page.button("Create").click()
    page.wait("the question", prompt)
    page.fill("#ask-input", "a-token-of-the-tests-0123456789abcdef")
    page.one("#ask-yes").click()
    page.wait("signed in", lambda: not page.one("#locked").is_displayed() and page.one("#empty").is_displayed())


def test_a_cancelled_token_prompt_changes_nothing_if_none_is_required(page, web):
    page.wait("web is listed", lambda: "web" in page.rows())
    page.button("Token").click()
    page.button("Cancel").click()
    page.wait("it is closed", lambda: not page.one("#ask-dialog").is_displayed())
    assert not page.one("#locked").is_displayed()


def test_an_outage_of_the_service_is_shown(stage, page, web):
    page.wait("web is listed", lambda: "web" in page.rows())
    stage.api_svc.kill()
    page.wait("unhealthy", lambda: page.text("#health") == "unhealthy")
    assert "web" in page.rows()  # the known containers are kept
    stage.api_svc.start()
    wait_for("healthy", lambda: page.text("#health") == "healthy", 30)
    assert stage.api.create(spec("late"), "late").status == 201
    page.wait("a later container is shown", lambda: "late" in page.rows(), 30)


def test_a_hanging_service_is_unhealthy(stage, page, web):
    page.wait("web is listed", lambda: "web" in page.rows())
    stage.api_svc.suspend()
    try:
        page.wait("unhealthy", lambda: page.text("#health") == "unhealthy")
    finally:
        stage.api_svc.popen.send_signal(signal.SIGCONT)
    page.wait("healthy", lambda: page.text("#health") == "healthy")


class Frozen:
    """A middlebox between page and service that silently drops its connections."""

    def __init__(self, port):
        self.port, self.frozen = port, False
        self.listener = Listener(self._serve)
        self.connections = 0

    def _serve(self, client):
        self.connections += 1
        number = self.connections
        with socket.create_connection(("127.0.0.1", self.port)) as server:
            threading.Thread(target=self._copy, args=(client, server, number), daemon=True).start()
            self._copy(server, client, number)

    def _copy(self, source, to, number):
        try:
            while data := source.recv(65536):
                if self.frozen and number <= self.frozen:
                    time.sleep(300)
                to.sendall(data)
        except OSError:
            pass

    def freeze(self):
        self.frozen = self.connections


def test_a_silent_connection_is_replaced(stage, driver, web):
    """An expired NAT entry, or a laptop resumed from sleep."""
    between = Frozen(stage.port)
    page = Page(driver, f"http://127.0.0.1:{between.listener.port}").open()
    page.wait("web is listed", lambda: "web" in page.rows())
    between.freeze()
    assert stage.api.create(spec("later"), "later").status == 201
    page.wait("a later container is shown", lambda: "later" in page.rows(), 60)
    driver.get("about:blank")
    between.listener.close()


def test_names_with_markup_are_shown_as_text(stage, page):
    bad = "<img src=x onerror=alert(1)>"
    assert stage.api.create(spec("x", process={"env": [{"name": "A", "value": bad}]}), "x").status == 201
    page.choose("x")
    page.button("Spec").click()
    page.wait("it is shown as it is", lambda: bad in page.text("#spec"))
    assert not page.all("img") and not page.complaints()


def test_keyboard_and_screen_reader_support(page, web):
    page.wait("web is listed", lambda: "web" in page.rows())
    nameless = page.driver.execute_script(
        "return [...document.querySelectorAll('button, input, textarea, pre[tabindex], svg')].filter(e => "
        "!(e.textContent.trim() || e.labels?.length || e.ariaLabel || e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)")
    assert not nameless
    page.driver.execute_script("document.activeElement.blur()")
    page.one("body").send_keys("n")
    page.wait("the form", lambda: page.one("#form-dialog").is_displayed())
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.wait("it is closed", lambda: not page.one("#form-dialog").is_displayed())
    page.one("button.name").send_keys(Keys.ENTER)
    page.wait("the detail has the focus", lambda: page.driver.switch_to.active_element.get_attribute("id") == "detail-title")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_sufficient_contrast(page, web, scheme):
    """WCAG 2.1, 1.4.3: contrast of at least 4.5."""
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    page.choose("web")
    ratios = page.driver.execute_script("""
        const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
          .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const back = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
          const [, , , alpha = 1] = c.match(/[\\d.]+/g); if (alpha == 1) return c; } return 'rgb(255,255,255)'; };
        return [...document.querySelectorAll('h1, h2, th, td, .badge, button:not(:disabled), label, p')]
          .filter(e => e.offsetParent && e.textContent.trim()).map(e => { const a = light(getComputedStyle(e).color), b = light(back(e));
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 80)]; });""")
    assert len(ratios) > 15 and min(ratios)[0] >= 4.5, min(ratios)
