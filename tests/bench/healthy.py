#!/usr/bin/python3
"""Prints the time (ns since the epoch) at which an api-svc on a loopback port first says that all is healthy."""

import http.client
import sys
import time

end = time.monotonic() + 30
while time.monotonic() < end:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=2)
        connection.request("GET", "/health")
        if b'"status":"healthy"' in connection.getresponse().read():
            print(time.time_ns())
            sys.exit(0)
    except (OSError, http.client.HTTPException):
        pass
    time.sleep(0.0005)
sys.exit("healthy.py: not healthy within 30 s")
