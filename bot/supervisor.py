"""Starts the processes of the assistant, watches them, and stops them.

The Rasa servers listen on the public port, an action server, where one is wanted,
on loopback. A process that dies is started again, a little later each time; one
that keeps dying ends the whole program with an error. This module knows processes;
it must not know conversations.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence

import aiohttp

from bot.settings import ROOT, Settings

BACKOFF_SECONDS = (1, 2, 4, 8, 16)
# a part that ran this long had started well: its failures count from zero again
STEADY_SECONDS = 60
STOP_SECONDS = 10
START_SECONDS = 180
CHECK_SECONDS = 5
# a part that ends with this code has said what is wrong and would only say it again
CANNOT_SERVE = 3
# a busy server may miss a check; one that misses this many in a row hangs
MISSED_CHECKS = 6

QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}


class SupervisorError(Exception):
    """The program cannot start or go on; the text says why and what to do."""


@dataclass
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    health: str
    environment: Dict[str, str]
    process: Optional[asyncio.subprocess.Process] = None
    failures: int = 0
    started: float = field(default_factory=time.monotonic)


class Supervisor:
    """Runs the assistant until it is told to stop.

    Args:
        chosen: the settings.
        tell: prints a line for the person who started the program.
    """

    def __init__(self, chosen: Settings, tell: Callable[[str], None]) -> None:
        self._settings = chosen
        self._tell = tell
        self._stop = asyncio.Event()
        self._metrics_ports: List[int] = []
        self._children = [child for number in range(chosen.workers) for child in self._worker(number)]

    def _worker(self, number: int) -> List[Child]:
        """A Rasa server, and the action server that it calls if there is one; the workers share the public port."""
        chosen = self._settings
        actions_port = chosen.actions_port + number if chosen.actions_port else free_port()
        metrics_port = chosen.metrics_port + number if chosen.metrics_port else free_port()
        self._metrics_ports.append(metrics_port)
        environment = {
            **os.environ,
            **QUIET,
            "ACTIONS_PORT": str(actions_port),
            "METRICS_PORT": str(metrics_port),
        }
        which = f" {number + 1}" if chosen.workers > 1 else ""
        # the public port answers for any worker; its own port answers for this one
        server = f"http://127.0.0.1:{metrics_port}/metrics"
        children = [Child(f"Rasa server{which}", ("serve",), server, environment)]
        if chosen.action_server:
            actions = f"http://127.0.0.1:{actions_port}/health"
            children.append(Child(f"action server{which}", ("actions",), actions, environment))
        return children

    async def run(self) -> None:
        """Start, watch and stop.

        Raises:
            SupervisorError: the port is taken, or a part keeps dying.
        """
        require_free(self._settings.host, self._settings.port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        watchers = [asyncio.create_task(self._keep(child)) for child in self._children]
        watchers.append(asyncio.create_task(self._announce()))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            pending = {stopping, *watchers}
            while not stopping.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopping}:
                    task.result()
        finally:
            for task in (*watchers, stopping):
                task.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            await asyncio.gather(*(self._end(child) for child in self._children))
        self._tell("Stopped.")

    async def _keep(self, child: Child) -> None:
        while True:
            child.started = time.monotonic()
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *child.command,
                cwd=ROOT,
                env=child.environment,
                # its own group: Ctrl-C reaches the supervisor only, which stops it in order
                start_new_session=True,
            )
            hung = asyncio.create_task(self._until_hung(child))
            ended = asyncio.create_task(child.process.wait())
            try:
                await asyncio.wait({hung, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not ended.done():
                    self._tell(f"The {child.name} does not answer; it is started again.")
                    child.process.kill()
                code = await ended
            finally:
                hung.cancel()
                ended.cancel()
            if code == CANNOT_SERVE:
                raise SupervisorError(f"The {child.name} cannot serve; its last line above says why.")
            if time.monotonic() - child.started > STEADY_SECONDS:
                child.failures = 0
            if child.failures >= len(BACKOFF_SECONDS):
                raise SupervisorError(
                    f"The {child.name} stopped {child.failures + 1} times in a row (last exit code "
                    f"{code}); its last lines above say why. Correct that, then start again."
                )
            wait = BACKOFF_SECONDS[child.failures]
            child.failures += 1
            self._tell(f"The {child.name} stopped (exit code {code}); starting again in {wait} s.")
            await asyncio.sleep(wait)

    async def _until_hung(self, child: Child) -> None:
        missed = 0
        seen = False
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while missed < MISSED_CHECKS:
                await asyncio.sleep(CHECK_SECONDS)
                try:
                    async with client.get(child.health):
                        # any answer, an unhealthy one too, shows that the process is alive
                        seen, missed = True, 0
                except (aiohttp.ClientError, asyncio.TimeoutError):
                    if seen or time.monotonic() - child.started > START_SECONDS:
                        missed += 1

    async def _announce(self) -> None:
        started = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while True:
                try:
                    async with client.get(f"http://127.0.0.1:{self._settings.port}/health") as response:
                        if response.status == 200:
                            break
                except (aiohttp.ClientError, asyncio.TimeoutError):
                    pass
                await asyncio.sleep(0.2)
        for line in ready_lines(self._settings, time.monotonic() - started, self._metrics_ports):
            self._tell(line)
        await self._stop.wait()

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()


def ready_lines(chosen: Settings, seconds: float, metrics_ports: Sequence[int]) -> List[str]:
    """What the person who started the program reads once it answers."""
    return [
        f"Ready after {seconds:.0f} s.",
        f"  Page    http://localhost:{chosen.port}/",
        f"  Desk    http://localhost:{chosen.port}/desk/",
        f"  Health  http://localhost:{chosen.port}/health",
        *(f"  Metrics http://127.0.0.1:{port}/metrics" for port in metrics_ports),
        "Stop with Ctrl-C.",
    ]


def require_free(host: str, port: int) -> None:
    """Make sure the public port can be taken.

    Raises:
        SupervisorError: another program has it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SupervisorError(
                f"Port {port} cannot be used ({error.strerror}). Another program may have it: "
                f"stop that, or choose another with PORT={port + 1} make run."
            ) from error


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def exit_with_parent() -> None:
    """End this process when the one that started it is gone, however it went."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()
