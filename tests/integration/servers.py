"""Real Redis and PostgreSQL servers for tests: the machine's own programs, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Optional

from bot.supervisor import free_port

START_SECONDS = 30.0


class RedisServer:
    """A Redis that can be taken away and brought back on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self) -> None:
        """End it without a word to its clients."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class PostgresServer:
    """A PostgreSQL that can be taken away and brought back with what it had confirmed.

    Args:
        folder: an empty one that the user "postgres" may enter: PostgreSQL does not run as root.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"postgresql://assistant@127.0.0.1:{self.port}/postgres"
        self._folder = folder
        self._data = str(folder / "data")
        self._as_user: List[str] = []
        self._process: Optional[subprocess.Popen[bytes]] = None
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run(
            [*self._as_user, program("initdb"), "-D", self._data, "-U", "assistant", "-A", "trust", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=folder,
        )

    def start(self) -> None:
        """Start it, and wait until it has recovered and lets clients in."""
        where = ["-D", self._data, "-p", str(self.port), "-k", str(self._folder), "-h", "127.0.0.1"]
        with (self._folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user, program("postgres"), *where], stdout=log, stderr=log, cwd=self._folder
            )
        wait_for_port(self.port)
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run([program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            assert time.monotonic() < deadline, f"PostgreSQL lets nobody in after {START_SECONDS:.0f} s"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it, whoever is still connected; SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that runs while the block does."""
    # not among pytest's folders, which only their owner may enter
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = PostgresServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def program(name: str) -> str:
    """A program of PostgreSQL, which Debian keeps beside the usual places."""
    found = shutil.which(name) or next((str(p) for p in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    assert found, f"{name} is missing; tools/debian.sh installs it"
    return found


def wait_for_port(port: int) -> None:
    """Wait until something listens on loopback."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port} after {START_SECONDS:.0f} s")
