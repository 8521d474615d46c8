"""Real command execution on the simulated node of the control plane, with third-party clients."""

import base64
import concurrent.futures
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import urllib.parse

import pytest
import yaml
from kubernetes import client as kubernetes_client
from kubernetes.stream import stream as kubernetes_stream

from api import BASE, spec
from container_logs import pod_of
from exec_client import CLOSE, RESIZE, STDIN, exit_code
from kube_peers import TunnelProxy
from listener import Listener
from processes import wait_for
from test_exec import post, run, web  # noqa: F401  (run is a fixture)
from test_logs_cluster import restart_kubelet

CLUSTER = os.environ.get("E2E_CLUSTER", "")
KUBECTL = os.path.join(CLUSTER, "bin", "kubectl")
ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/dcm-k8s-container-sp-exec"


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


# ---- our own client --------------------------------------------------------------------------------------------------

def test_exec_returns_exit_code_and_both_outputs(stack, run):
    web(stack)
    out, err, status, code = run("web", ["sh", "-c", "echo out; echo err >&2; exit 7"], stdin="false").result()
    assert (out, err, exit_code(status), code) == (b"out\n", b"err\n", 7, 1000)
    out, _, status, _ = run("web", ["sh", "-c", "echo $CONTAINER in $POD; kill -9 $$"], stdin="false").result()
    assert out.decode() == f"web in {pod_of(stack, 'web')}\n" and exit_code(status) == 137
    status = run("web", ["there-is-no-such-program"], stdin="false").result()[2]
    assert exit_code(status) is None and "executable file not found" in status["message"]


def test_exec_with_stdin_only(stack, run, tmp_path):
    """Kubernetes opens the lowest output channel with an empty message, which is not an exit status."""
    web(stack)
    client = run("web", ["sh", "-c", f"cat >{tmp_path}/heard; exit 3"], stdout="false", stderr="false")
    for n in range(7):  # longer than the end may take
        client.send(STDIN, f"{n}\n".encode())
        time.sleep(1)
    client.send(CLOSE, bytes([STDIN]))
    _, _, status, code = client.result()
    assert exit_code(status) == 3 and code == 1000
    assert (tmp_path / "heard").read_text().split() == [str(n) for n in range(7)]


def output_of_head(stack, run, method):
    """Of a command that exits while its stdin is being sent; None: the result is lost."""
    command = ["head", "-c", "9"]
    if method == "POST":
        return post(stack, "web", command=command, stdin="x" * 500_000).json.get("stdout")
    client = run("web", command)

    def send():
        try:
            for _ in range(20):
                client.send(STDIN, b"x" * 200_000)
        except OSError:
            pass
    thread = threading.Thread(target=send)
    thread.start()
    out, _, status, _ = client.result()
    client.close()
    thread.join()
    return out.decode() if status and exit_code(status) == 0 else None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_exec_returns_the_result_of_commands_that_exit_before_their_stdin_is_sent(stack, run, method):
    """The API server itself loses about one result in a hundred."""
    web(stack)
    outputs = [output_of_head(stack, run, method) for _ in range(30)]
    assert outputs.count("x" * 9) >= 28, outputs


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_exec_run_of_a_stopping_worker_is_executed_once_without_retry_after(own_stack, tmp_path, end):
    stack = own_stack(1)
    web(stack)
    count = tmp_path / "count"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, stack, "web", command=["sh", "-c", f"echo x >>{count}; sleep 4"])
        wait_for("it runs", count.exists)
        stack.add_worker()
        getattr(stack.workers[0], end)()
        answer = waiting.result()
    problem = answer.problem(504, "UNAVAILABLE")
    assert "it was started" in problem["detail"] and "retry-after" not in answer.headers
    assert count.read_text() == "x\n"


def test_exec_on_a_terminal_with_resize(stack, run):
    web(stack)
    client = run("web", ["sh"], tty="true")
    client.send(STDIN, b"tty\n")
    client.until(b"/dev/pts/")
    client.send(RESIZE, b'{"Width":132,"Height":43}')
    time.sleep(0.2)
    client.send(STDIN, b"stty size\n")
    client.until(b"43 132")
    other = run("web", ["sh"], tty="true")  # each has its own terminal
    other.send(STDIN, b"echo I am $((1+1))\n")
    assert b"I am 2" in other.until(b"I am 2")
    client.send(STDIN, b"exit 4\n")
    out, err, status, _ = client.result()
    assert b"I am" not in out and err == b"" and exit_code(status) == 4
    other.send(STDIN, b"\x04")
    assert exit_code(other.result()[2]) == 0


def test_exec_of_two_readers_of_one_terminal_loses_no_input(stack, run):
    """Each line goes to one of the two readers; no input is lost or duplicated."""
    web(stack)
    client = run("web", ["sh"], tty="true")
    client.send(STDIN, b"stty -echo; (while read l; do echo a-$l; done) & while read l; do echo b-$l; done\n")
    time.sleep(0.5)
    for n in range(20):
        client.send(STDIN, f"line{n}\n".encode())
    said = b""
    while said.count(b"-line") < 1:
        said += client.message()[1]
    time.sleep(0.5)
    client.send(STDIN, b"\x03")
    client.close()
    assert all(said.count(f"-line{n}\r".encode()) <= 1 for n in range(20)), said


def test_exec_throttles_1_gib_to_a_process_that_does_not_read(stack, run):
    web(stack)
    client = run("web", ["sleep", "60"], timeout=3)
    pids = [stack.api_svc.popen.pid, *(w.popen.pid for w in stack.workers), stack.nats.popen.pid]
    kubelet = os.path.join(CLUSTER, "run", "simulated-kubelet.pid")
    client.send(STDIN, bytes(30000))
    time.sleep(0.5)
    before = [rss_kb(pid) for pid in pids]
    sent, block = 0, bytes(30000)
    try:
        while sent < 1 << 30:
            client.send(STDIN, block)
            sent += len(block)
    except TimeoutError:
        pass
    assert sent < 64 << 20, "the source was not throttled"
    after = [rss_kb(pid) for pid in pids]
    grown = [b - a for a, b in zip(before, after)]
    print("sent", sent, "grown", grown, "kubelet", rss_kb(open(kubelet).read().strip()))
    if not stack.api_svc.sanitized():
        assert max(grown[:-1]) < 4096 and grown[-1] < 16384, grown  # the last one is NATS
    assert stack.api.get("web").status == 200
    client.close()


def test_exec_throttles_output_if_the_client_does_not_read(stack, run):
    web(stack)
    client = run("web", ["sh", "-c", "cat /dev/zero"], stdin="false")
    time.sleep(0.5)
    before = [rss_kb(p.popen.pid) for p in (stack.api_svc, *stack.workers)]
    time.sleep(1.5)
    grown = [rss_kb(p.popen.pid) - b for p, b in zip((stack.api_svc, *stack.workers), before)]
    if not stack.api_svc.sanitized():
        assert max(grown) < 1024, grown
    client.close()
    wait_for("the command has terminated", lambda: not subprocess.run(["pgrep", "-f", "cat /dev/zero"],
                                                               stdout=subprocess.DEVNULL).returncode == 0, 5)


def test_exec_ends_the_command_with_its_client(stack, run):
    web(stack)
    mark = f"sleep 6{time.time_ns() % 10**9}"

    def runs():
        return subprocess.run(["pgrep", "-f", mark], stdout=subprocess.DEVNULL).returncode == 0
    client = run("web", ["sh", "-c", f"{mark}; true"], stdin="false")
    wait_for("it runs", runs)
    client.close()
    wait_for("it no longer exists", lambda: not runs(), 3)


def test_exec_in_a_pod_that_is_deleted_ends(stack, run):
    pod = web(stack)
    client = run("web", ["sh", "-c", "echo begun; sleep 60"], stdin="false")
    client.until(b"begun")
    stack.kube.delete("pods", pod)
    time.sleep(0.5)
    assert run("web", ["true"]).status in (101, 409)
    client.close()


def test_exec_with_a_killed_kubelet_does_not_look_complete(stack, run):
    web(stack)
    client = run("web", ["sh", "-c", "echo begun; sleep 60"], stdin="false")
    client.until(b"begun")
    began = time.monotonic()
    restart_kubelet()
    _, _, status, code = client.result()
    assert status["status"] == "Failure" and code == 1011, (status, code)
    assert time.monotonic() - began < 5
    wait_for("commands run again", lambda: post(stack, "web", command=["true"]).status == 200, 20)


def test_exec_without_the_permission_is_rejected(stack, run):
    web(stack)
    path = ROLE.format(stack.target.namespace)
    rules = stack.kube.call("GET", path)[1]["rules"]

    def change(verbs):
        new = [{**rules[0], "verbs": verbs}] if verbs else []
        assert stack.kube.call("PATCH", path, {"rules": new}, "application/merge-patch+json")[0] == 200
    version = stack.kube.call("GET", "/version")[1]
    needs_create = int(version["minor"].rstrip("+")) >= 35
    try:
        for verbs, words in ((["get"], 'cannot create resource "pods/exec"'), (["create"], 'cannot get resource "pods/exec"'),
                             ([], 'cannot get resource "pods/exec"')):
            if verbs == ["get"] and not needs_create:
                continue
            change(verbs)
            wait_for("the Role counts", lambda: post(stack, "web", command=["true"]).status == 403)
            problem = post(stack, "web", command=["true"]).problem(403, "PERMISSION_DENIED")
            assert words in problem["detail"] and "serviceaccount" not in problem["detail"], problem
            assert words in run("web").problem["detail"]
    finally:
        change(rules[0]["verbs"])
    wait_for("the Role counts", lambda: post(stack, "web", command=["true"]).status == 200)


# ---- ways to Kubernetes --------------------------------------------------------------------------------------------------

def change_kubeconfig(source, path, cluster=None, user=None, keep_user=True):
    with open(source) as f:
        config = yaml.safe_load(f)
    config["clusters"][0]["cluster"].update(cluster or {})
    old = config["users"][0]["user"]
    config["users"][0]["user"] = {**(old if keep_user else {}), **(user(old) if user else {})}
    path.write_text(yaml.dump(config))
    return str(path)


def plugin(folder, user):
    """An exec plugin that returns the provider's token."""
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": user["token"]}}
    (folder / "plugin").write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    (folder / "plugin").chmod(0o700)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(folder / "plugin"),
                     "interactiveMode": "Never"}}


WAYS = {
    "a client certificate": lambda t, path: change_kubeconfig(t.admin_kubeconfig, path),
    "impersonation": lambda t, path: change_kubeconfig(t.admin_kubeconfig, path, user=lambda _: {
        "as": f"system:serviceaccount:{t.namespace}:dcm-sp"}),
    "a plugin": lambda t, path: change_kubeconfig(t.kubeconfig, path, user=lambda u: plugin(path.parent, u), keep_user=False),
    "tls-server-name": lambda t, path: change_kubeconfig(t.kubeconfig, path, {"tls-server-name": "kubernetes"}),
    "insecure": lambda t, path: change_kubeconfig(t.kubeconfig, path, {
        "insecure-skip-tls-verify": True, "certificate-authority-data": None}),
}


@pytest.mark.parametrize("way", WAYS)
def test_exec_with_all_authentication_methods(own_stack, run, target, tmp_path, way):
    stack = own_stack(0)
    stack.add_worker(SP_K8S_KUBECONFIG=WAYS[way](target, tmp_path / "kubeconfig"))
    web(stack)
    client = run("web", ["sh", "-c", "read l; echo got $l"], stack=stack)
    client.send(STDIN, b"it\n")
    out, _, status, _ = client.result()
    assert out == b"got it\n" and exit_code(status) == 0
    assert post(stack, "web", command=["echo", "x"]).json["stdout"] == "x\n"


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_exec_uses_the_proxy(own_stack, run, target, tmp_path, kind):
    stack = own_stack(0)
    proxy = TunnelProxy(kind)
    stack.add_worker(SP_K8S_KUBECONFIG=change_kubeconfig(target.kubeconfig, tmp_path / "kubeconfig", {
        "proxy-url": f"{kind}://127.0.0.1:{proxy.port}"}))
    web(stack)
    before = len(proxy.asked)
    client = run("web", stack=stack)
    assert client.status == 101, client.problem
    client.send(STDIN, b"x\n")
    assert client.until(b"x\n") == b"x\n"
    assert len(proxy.asked) > before
    proxy.close()


# ---- POST --------------------------------------------------------------------------------------------------------------

def test_exec_run_of_real_commands(stack):
    web(stack)
    answer = post(stack, "web", command=["sh", "-c", "tr a-z A-Z; echo oops >&2; exit 3"], stdin="loud")
    assert answer.json == {"exit_code": 3, "stdout": "LOUD", "stderr": "oops\n", "truncated": False}
    answer = post(stack, "web", command=["printf", "\\377\\000a"]).json
    assert answer["stdout_base64"] == "/wBh" and "stdout" not in answer and answer["stderr"] == ""
    answer = post(stack, "web", command=["sh", "-c", "head -c 2000000 /dev/zero | tr '\\0' x"]).json
    assert answer["stdout"] == "x" * (1 << 20) and answer["truncated"] is True and answer["exit_code"] == 0
    answer = post(stack, "web", command=["sh", "-c", "head -c 1048576 /dev/zero | tr '\\0' x"]).json
    assert len(answer["stdout"]) == 1 << 20 and answer["truncated"] is False
    problem = post(stack, "web", command=["there-is-no-such-program"]).problem(400, "INVALID_ARGUMENT")
    assert problem["errors"][0]["pointer"] == "/command" and "not found" in problem["detail"], problem
    began = time.monotonic()
    problem = post(stack, "web", command=["sleep", "20"], timeout="700ms").problem(504, "UNAVAILABLE")
    assert "700 ms" in problem["detail"] and 0.6 < time.monotonic() - began < 3, problem
    wait_for("it no longer exists", lambda: subprocess.run(["pgrep", "-xf", "sleep 20"],
                                                  stdout=subprocess.DEVNULL).returncode != 0, 3)


def is_running(mark):
    return subprocess.run(["pgrep", "-f", mark], stdout=subprocess.DEVNULL).returncode == 0


def post_and_wait(stack):
    """A connection on which a command is awaited that runs; and what to look for it by."""
    mark = f"sleep 7{time.time_ns() % 10**9}"
    body = json.dumps({"command": ["sh", "-c", f"{mark}; true"]}).encode()
    s = socket.create_connection(("127.0.0.1", stack.api_port))
    s.sendall(f"POST {BASE}/web:exec HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    wait_for("it runs", lambda: is_running(mark))
    return s, mark


@pytest.mark.parametrize("how", ["FIN", "RST", "api-svc"])
def test_exec_run_ends_the_command_with_its_client(own_stack, how):
    stack = own_stack(1)
    web(stack)
    s, mark = post_and_wait(stack)
    time.sleep(1.5)
    assert is_running(mark), "its client waits"
    began = time.monotonic()
    if how == "api-svc":
        stack.api_svc.kill()
    if how == "RST":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    wait_for("it no longer exists", lambda: not is_running(mark), 5)
    assert time.monotonic() - began < 2, time.monotonic() - began
    stack.workers[0].wait_log('"code":"CANCELLED"')


@pytest.mark.parametrize("octal", ["0", "1", "170"])
def test_exec_run_of_64_at_once_with_a_mebibyte_each(own_stack, octal):
    """None is lost; on a busy machine a few may be rejected before they start, never afterwards."""
    stack = own_stack(1, SP_SERVER_REQUEST_TIMEOUT="120s")
    web(stack)
    slowest, over = 0.0, threading.Event()

    def look():
        nonlocal slowest
        while not over.is_set():
            began = time.monotonic()
            stack.api.health()
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.05)
    with concurrent.futures.ThreadPoolExecutor(65) as pool:
        looking = pool.submit(look)
        command = ["sh", "-c", f"head -c 1048576 /dev/zero | tr '\\0' '\\{octal}'"]
        waiting = [pool.submit(stack.api.call, "POST", f"{BASE}/web:exec", {"command": command}, timeout=130)
                   for _ in range(64)]
        answers = [w.result() for w in waiting]
        over.set()
        looking.result()
    done = [answer for answer in answers if answer.status == 200]
    assert len(done) >= 48, len(done)
    for answer in answers:
        if answer.status == 503:
            assert "nothing was started" in answer.json["detail"] and int(answer.headers["retry-after"]) > 0
    assert all(answer.status in (200, 503) for answer in answers), [answer.text[:200] for answer in answers if answer not in done]
    for answer in done:
        said = answer.json
        data = base64.b64decode(said["stdout_base64"]) if "stdout_base64" in said else said["stdout"].encode()
        assert data == bytes([int(octal, 8)]) * (1 << 20) and said["truncated"] is False
    assert slowest < 1, slowest
    wait_for("it is healthy", lambda: stack.api.health() == "healthy")


def test_exec_run_takes_no_longer_than_a_request(own_stack):
    stack = own_stack(1, SP_SERVER_REQUEST_TIMEOUT="2s")
    web(stack)
    began = time.monotonic()
    post(stack, "web", command=["sleep", "30"]).problem(504, "UNAVAILABLE")
    assert 1.5 < time.monotonic() - began < 4
    assert post(stack, "web", command=["true"], timeout="3s").problem(400, "INVALID_ARGUMENT")["errors"]


# ---- clients that others have written ------------------------------------------------------------------------------------

class Adaptor(Listener):
    """
    Acts as the API server for `kubectl` and the Python client, in front of api-svc: they read a Pod first, and the path
    of its exec is translated to ours. All bytes after that head are forwarded unchanged.
    """

    discovery = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
        "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
            {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"]}]},
    }

    @staticmethod
    def _pod(name):
        return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default"},
                "spec": {"containers": [{"name": "web", "image": "x"}]}, "status": {"phase": "Running"}}

    def __init__(self, stack):
        self.stack, self.seen = stack, []
        super().__init__(self._answer)

    def _answer(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            block = client.recv(65536)
            if not block:
                return
            head += block
        line, rest = head.split(b"\r\n", 1)
        method, target, _ = line.decode().split()
        self.seen.append((method, target))
        parts = urllib.parse.urlsplit(target)
        words = parts.path.split("/")
        if words[-1] == "exec":
            target = f"{BASE}/{words[-2]}/exec?{parts.query}"
            server = socket.create_connection(("127.0.0.1", self.stack.api_port))
            server.sendall(f"{method} {target} HTTP/1.1\r\n".encode() + rest)
            self.start(TunnelProxy._copy, client, server)
            TunnelProxy._copy(server, client)
            return
        body = json.dumps(self.discovery.get(parts.path) or self._pod(words[-1])).encode()
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(body) + body)
        client.close()


@pytest.fixture
def adaptor(stack):
    web(stack)
    made = Adaptor(stack)
    yield made
    made.close()


@pytest.fixture
def kubectl(adaptor, tmp_path):
    """`kubectl exec` of the control plane's release: call with its arguments, and perhaps input."""
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "ours",
              "clusters": [{"name": "ours", "cluster": {"server": f"http://127.0.0.1:{adaptor.port}"}}],
              "contexts": [{"name": "ours", "context": {"cluster": "ours", "user": "me"}}],
              "users": [{"name": "me", "user": {}}]}
    (tmp_path / "kubeconfig").write_text(yaml.dump(config))
    command = [KUBECTL, "--kubeconfig", str(tmp_path / "kubeconfig"), "--cache-dir", str(tmp_path / "cache"), "exec"]

    def call(*arguments, **kwargs):
        kwargs = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 30, **kwargs}
        return subprocess.run(command + list(arguments), **kwargs)
    call.command = command
    return call


def test_exec_by_kubectl(kubectl, adaptor):
    done = kubectl("web", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout) == (7, b"out\n") and b"err\n" in done.stderr, done
    data = os.urandom(3_000_000)
    done = kubectl("-i", "web", "-c", "web", "--", "cat", input=data)
    assert done.returncode == 0 and done.stdout == data, (done.returncode, len(done.stdout), done.stderr)
    done = kubectl("web", "--", "there-is-no-such-program")
    assert done.returncode != 0 and b"executable file not found" in done.stderr, done
    assert {method for method, target in adaptor.seen if "/exec?" in target} == {"GET"}, "SPDY was tried"


def test_exec_pings_are_answered_by_third_party_clients(kubectl, adaptor):
    """Idle for longer than the timeout of missing pongs."""
    idle = 50
    process = subprocess.Popen(kubectl.command + ["-i", "web", "--", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client = exec_in_python(adaptor, ["cat"], stdin=True, _preload_content=False)
    end = time.monotonic() + idle
    while time.monotonic() < end:
        client.update(timeout=1)
    client.write_stdin("still there\n")
    assert client.readline_stdout(timeout=5) == "still there"
    client.close()
    out, _ = process.communicate(b"still there\n", timeout=10)
    assert out == b"still there\n" and process.returncode == 0


def test_exec_by_kubectl_on_a_terminal(kubectl):
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    process = subprocess.Popen(kubectl.command + ["-it", "web", "--", "sh"], stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True)
    os.close(slave)
    said = b""

    def until(text):
        nonlocal said
        end = time.monotonic() + 15
        while text not in said:
            assert time.monotonic() < end, said
            said += os.read(master, 65536)
        said = b""
    time.sleep(1)
    os.write(master, b"stty size\r")
    until(b"31 97")
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process.send_signal(signal.SIGWINCH)
    time.sleep(0.5)
    os.write(master, b"stty size\r")
    until(b"40 120")
    os.write(master, b"exit 5\r")
    try:
        while os.read(master, 65536):
            pass
    except OSError:
        pass
    assert process.wait(15) == 5
    os.close(master)


def exec_in_python(adaptor, command, **kwargs):
    configuration = kubernetes_client.Configuration()
    configuration.host = f"http://127.0.0.1:{adaptor.port}"
    api = kubernetes_client.CoreV1Api(kubernetes_client.ApiClient(configuration))
    return kubernetes_stream(api.connect_get_namespaced_pod_exec, "web", "default", command=command,
                             **{"stderr": True, "stdin": False, "stdout": True, "tty": False, **kwargs})


def test_exec_by_the_python_client(adaptor):
    def call(command, **kwargs):
        return exec_in_python(adaptor, command, **kwargs)
    assert call(["sh", "-c", "echo out; echo err >&2"]).split() in (["out", "err"], ["err", "out"])
    client = call(["sh"], stdin=True, _preload_content=False)
    client.write_stdin("echo hello\n")
    assert client.readline_stdout(timeout=5) == "hello"
    client.write_stdin("echo oops >&2\n")
    assert client.readline_stderr(timeout=5) == "oops"
    client.write_stdin("exit 3\n")
    client.run_forever(timeout=10)
    assert client.returncode == 3
    client = call(["sh"], stdin=True, tty=True, stderr=False, _preload_content=False)
    client.write_channel(RESIZE, json.dumps({"Width": 111, "Height": 22}))
    time.sleep(0.3)
    client.write_stdin("stty size\n")
    end = time.monotonic() + 10
    said = ""
    while "22 111" not in said and time.monotonic() < end:
        client.update(timeout=1)
        said += client.read_stdout(timeout=1) or ""
    assert "22 111" in said, said
    client.close()
