"""Starts an assistant of its own for an evaluation, and stops it.

It has its own state, takes a free port, limits nobody and tells nobody: no mail, webhook or Telegram message leaves.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from bot.evaluation.errors import EvaluationError
from bot.settings import ROOT
from bot.supervisor import free_port

#: Long enough to train first; starting alone takes less than a minute.
START_SECONDS: Final = 900.0
STOP_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.2

#: What reaches people or other machines, or would share state with the practice's own assistant.
_ALONE: Final[Mapping[str, str]] = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "SMTP_URL": "",
    "THERAPIST_EMAIL": "",
    "WEBHOOK_URL": "",
    "TELEGRAM_BOT_TOKEN": "",
    "RATE_LIMITS": "off",
    "HOST": "127.0.0.1",
}


@contextmanager
def running_assistant(
    folder: Path, log: Path, command: tuple[str, ...] = (sys.executable, "-m", "bot", "run")
) -> Iterator[str]:
    """The address of an assistant that runs while the block does.

    Args:
        folder: its VAR_DIR.
        log: where everything that it prints goes.

    Raises:
        EvaluationError: it ended, or did not become healthy in time; the message has its last lines.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, **_ALONE, "PORT": str(port), "VAR_DIR": str(folder.resolve())}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(process, url, log)
        yield url
    finally:
        _stop(process)


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(POLL_SECONDS)
    ended = process.poll()
    what = f"did not answer within {START_SECONDS:.0f} s" if ended is None else f"ended with exit code {ended}"
    last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    raise EvaluationError(f"The assistant to be evaluated {what}; correct what its last lines say:\n{last}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # its children end when it is gone
        process.kill()
        process.wait()
