"""Start, monitor and stop the processes of the pipeline."""

import os
import signal
import socket
import subprocess
import time

from ports import free_port


def wait_for(what, condition, timeout=15.0, interval=0.05):
    """Poll `condition` until its result is true, and return that; fail with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(interval)


def listens(port, host="127.0.0.1"):
    """Whether there is a listener on the port."""
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((host, port)) == 0


class Process:
    """One program with its log file. `args[0]` is a path; `env` is added to a clean environment."""

    def __init__(self, name, args, env, folder):
        self.name, self.args, self.env = name, args, env
        self.log_path = os.path.join(folder, f"{name}.log")
        self.popen = None

    def start(self):
        """Start or restart it; its log is appended."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SP_", "DCM_", "KUBE"))}
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(self.args, env={**clean, **self.env}, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log)
        return self

    def suspend(self):
        """SIGSTOP; returns when all its threads have stopped. SIGCONT ends it."""
        self.popen.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.popen.pid, os.WSTOPPED | os.WNOWAIT)

    def alive(self):
        """Whether it is running."""
        return self.popen is not None and self.popen.poll() is None

    def log(self):
        """Its complete log."""
        with open(self.log_path, "rb") as f:
            return f.read().decode(errors="replace")

    def wait_log(self, text, timeout=15.0):
        """Wait until a text is in the log."""
        def found():
            assert self.alive() or text in self.log(), f"{self.name} ended:\n{self.log()[-2000:]}"
            return text in self.log()
        wait_for(f"{text!r} in the log of {self.name}", found, timeout)
        return self

    def stop(self, timeout=40.0, expect=0):
        """SIGTERM, wait, and check the exit code (None: any)."""
        if not self.alive():
            return
        self.popen.send_signal(signal.SIGTERM)
        code = self.popen.wait(timeout)
        assert expect is None or code == expect, f"{self.name} ended with {code}:\n{self.log()[-3000:]}"

    def kill(self):
        """kill -9."""
        if self.alive():
            self.popen.kill()
            self.popen.wait(10)

    def _status_kb(self, name):
        with open(f"/proc/{self.popen.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(name))

    def rss_kb(self):
        """Resident memory in KiB."""
        return self._status_kb("VmRSS")

    def own_kb(self):
        """Resident memory without pages of files, which the kernel may drop at any time."""
        return self._status_kb("RssAnon")

    def cpu_s(self):
        """Its CPU time in seconds."""
        with open(f"/proc/{self.popen.pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sanitized(self):
        """Whether it is built with a sanitizer, so that memory is not checked."""
        with open(f"/proc/{self.popen.pid}/maps") as f:
            return any("san.so" in line for line in f)


def start_kubesim(program, folder, namespace, *options, host="127.0.0.1"):
    """The simulator on a free port: the process, and the path of its kubeconfig."""
    kubeconfig = os.path.join(folder, "kubeconfig")
    process = Process("kubesim", [program, "--listen", f"{host}:{free_port()}", "--namespace", namespace,
                                  "--write-kubeconfig", kubeconfig, *options], {}, folder)
    process.start().wait_log("SIMULATOR")  # logged when it listens and the kubeconfig is written
    return process, kubeconfig
