#!/usr/bin/env python3
"""Creates, reads and deletes containers without pauses until SIGINT. Prints the number of requests, and each failed one.

    load.py URL-OF-THE-CONTAINERS
"""
import json
import signal
import sys
import threading
import urllib.error
import urllib.request

CLIENTS = 4
TIMEOUT_S = 40  # above that of the service, which must respond
FAILURES_SHOWN = 20

stop = threading.Event()
lock = threading.Lock()
requests = 0
failures = []


def request(method, url, expected, body=None):
    global requests
    data = json.dumps(body).encode() if body else None
    call = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=TIMEOUT_S) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError as error:
        status, text = None, str(error)
    with lock:
        requests += 1
        if status != expected:
            failures.append(f"{method} {url}: {status} instead of {expected}: {text!r}")


def client(api, number):
    turn = 0
    while not stop.is_set():
        turn += 1
        name = f"load-{number}-{turn}"
        request("POST", f"{api}?id={name}", 201, {"spec": {
            "service_type": "container",
            "metadata": {"name": name},
            "image": {"reference": "nginx:1.27"},
            "resources": {"cpu": {"min": 1, "max": 1}, "memory": {"min": "64MB", "max": "64MB"}},
        }})
        request("GET", f"{api}/{name}", 200)
        request("DELETE", f"{api}/{name}", 204)


def main():
    # Background jobs of a shell ignore SIGINT by default.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    clients = [threading.Thread(target=client, args=(sys.argv[1], n)) for n in range(CLIENTS)]
    for thread in clients:
        thread.start()
    stop.wait()
    for thread in clients:
        thread.join()
    print(f"{requests} requests, {len(failures)} failed")
    for failure in failures[:FAILURES_SHOWN]:
        print(failure)
    sys.exit(1 if failures or not requests else 0)


main()
