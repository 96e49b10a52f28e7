"""Programs under measurement: started together, watched, and stopped with all their children.

This module must not know what the programs do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Final, List, Mapping, Optional, Sequence

from bot.bench.errors import BenchError

START_SECONDS: Final = 300.0
STOP_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.05


class Programs:
    """Programs that serve together. Use it in a `with` block: they end with it.

    Args:
        commands: their command lines.
        log: where everything that they print goes.
    """

    def __init__(self, commands: Sequence[Sequence[str]], folder: Path, log: Path, **environment: str) -> None:
        self._commands = commands
        self._folder = folder
        self._log = log
        self._environment: Mapping[str, str] = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", **environment}
        self._running: List[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Programs:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as output:
            for command in self._commands:
                self._running.append(
                    subprocess.Popen(
                        command, cwd=self._folder, env=self._environment, stdout=output, stderr=subprocess.STDOUT
                    )
                )
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_for(self, ready: Callable[[], bool]) -> float:
        """Ask until the answer is yes; returns the seconds that took.

        Raises:
            BenchError: a program ended, or it took too long.
        """
        started = time.monotonic()
        while time.monotonic() - started < START_SECONDS:
            if ready():
                return time.monotonic() - started
            if any(process.poll() is not None for process in self._running):
                break
            time.sleep(POLL_SECONDS)
        last = "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise BenchError(f"A program to be measured did not start; correct what its last lines say:\n{last}")

    def memory(self) -> Optional[float]:
        """Megabytes that the programs and their children hold, shared pages counted once; None where unknown."""
        total = 0
        for process in family([running.pid for running in self._running]):
            try:
                lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
            except OSError:
                # not Linux, or a child that has just ended
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024 if total else None


def family(roots: Sequence[int]) -> List[int]:
    """The processes and all their descendants."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [(int(pid), int(parent)) for pid, parent in (line.split() for line in listed.splitlines())]
    found = list(roots)
    for known in found:
        found.extend(pid for pid, parent in pairs if parent == known)
    return found
