"""Shutdown of a process with blocked operations."""

import subprocess
import time

import pytest

from conftest import PROGRAMS

# Replaces the real one: blocks as long as a file exists.
RESOLVER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

    while (access(getenv("HANGING"), F_OK) == 0)
        sleep(1);
    return real(node, service, hints, result);
}
"""


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_terminates_while_the_resolver_hangs(start, tmp_path, program):
    """cnats resolves with the lock of the connection held: closing the connection blocks."""
    (tmp_path / "resolver.c").write_text(RESOLVER)
    library, hanging = tmp_path / "resolver.so", tmp_path / "hanging"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "resolver.c"], check=True)
    sp = start("", LD_PRELOAD=str(library), ASAN_OPTIONS="verify_asan_link_order=0", HANGING=str(hanging),
               **{f"SP_{process}_SHUTDOWN_TIMEOUT": "1s" for process in ("SERVER", "WORKER", "MONITOR")})
    sp.wait_connected()
    hanging.touch()
    sp.nats.process.kill()
    process = sp.processes[program]
    process.wait_log("NATS connection lost")
    time.sleep(1)
    started = time.monotonic()
    process.stop()
    assert time.monotonic() - started < 12
    hanging.unlink()
