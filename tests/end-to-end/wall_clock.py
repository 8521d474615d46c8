"""A separate wall clock for processes under test; the clock of the machine and the monotonic clock are unchanged."""

import pathlib
import struct
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parent / "clock_shift.c"


class Clock:
    """The wall clock of the processes that are started with `settings`: `seconds` ahead of the machine's."""

    _libraries = {}

    def __init__(self, folder, name="shift"):
        self.path, self.seconds = pathlib.Path(folder) / name, 0
        self._write()
        self.settings = {"LD_PRELOAD": self._library(folder), "CLOCK_SHIFT": str(self.path),
                         "ASAN_OPTIONS": "verify_asan_link_order=0"}

    @classmethod
    def _library(cls, folder):
        """Build the library, once per folder."""
        if folder not in cls._libraries:
            library = pathlib.Path(folder) / "clock_shift.so"
            subprocess.run(["cc", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE],
                           check=True)
            cls._libraries[folder] = str(library)
        return cls._libraries[folder]

    def _write(self):
        with open(self.path, "r+b" if self.path.exists() else "wb") as f:  # the same file: it is mapped
            f.write(struct.pack("q", int(self.seconds * 10**9)))

    def step(self, seconds):
        """Step it forward or back."""
        self.seconds += seconds
        self._write()
