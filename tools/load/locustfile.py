"""Clients as the website makes them: they ask, read the answer, and ask again.

A client repeats a message that was not answered, with the same key, as the page does. What it says are
held-out messages from tests/eval.
"""

from __future__ import annotations

import itertools
import json
import random
import uuid
from pathlib import Path

import gevent
from locust import HttpUser, between, task

EVAL = Path(__file__).resolve().parents[2] / "tests" / "eval"
SAID = [
    json.loads(line)["text"]
    for name in ("single", "not_in_handout", "condition", "other", "compound")
    for line in (EVAL / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
]
TRIES = 4
_number = itertools.count()


class Client(HttpUser):
    """One person with the page open."""

    # a person reads an answer before they write again
    wait_time = between(4, 12)

    def on_start(self) -> None:
        """Open the page."""
        self.draw = random.Random(next(_number))
        self.headers = {"Authorization": f"Bearer {self.client.post('/chat/sessions', json={}).json()['token']}"}

    @task
    def say(self) -> None:
        """Send a message; refused for too much load, wait as long as the answer says and repeat it."""
        text = self.draw.choice(SAID)
        headers = {**self.headers, "Idempotency-Key": str(uuid.uuid4())}
        for _ in range(TRIES):
            with self.client.post(
                "/chat/messages", json={"text": text}, headers=headers, catch_response=True
            ) as response:
                if response.status_code == 200 and response.json()["messages"]:
                    response.success()
                    return
                if response.status_code not in (429, 503) or "Retry-After" not in response.headers:
                    response.failure(f"status {response.status_code}")
                    return
                # back-pressure is an answer; only giving up is a failure
                response.success()
                wait = int(response.headers["Retry-After"])
            gevent.sleep(wait)
        self.environment.events.request.fire(
            request_type="POST",
            name="given up",
            response_time=0,
            response_length=0,
            exception=TimeoutError(f"no answer in {TRIES} tries"),
            context={},
        )
