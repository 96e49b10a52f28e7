"""The examples for booking sites do what they show: a check opens booking once, and nothing else does."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Iterator

import httpx
import jwt
import pytest
from playwright.sync_api import BrowserContext, expect
from standardwebhooks import Webhook

from bot.booking import BookingTokens, new_signing_key
from bot.supervisor import free_port
from tests.conftest import Running

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(b"a shared secret of thirty-two by").decode()


def started(script: str, **environment: str) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / script)],
        env={**os.environ, "PORT": str(port), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            httpx.get(f"{url}/nothing")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def booking_site(assistant: Running) -> Iterator[str]:
    yield from started("booking_site/site.py", ASSISTANT_URL=assistant.url)


@pytest.fixture
def receiver() -> Iterator[str]:
    yield from started("webhook_receiver/receiver.py", WEBHOOK_SECRET=SECRET)


def test_the_check_opens_the_slots_once(context: BrowserContext, booking_site: str) -> None:
    page = context.new_page()
    page.goto(booking_site)
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="Yes, start").click()
    for number in range(10):
        expect(inside.locator("iastm-check")).to_contain_text(f"Question {number + 1} of")
        inside.get_by_role("button", name="No", exact=True).click()
    inside.get_by_role("button", name="No, nothing else").click()
    inside.get_by_role("button", name="Go on to booking").click()
    expect(page.get_by_role("heading", name="Choose a time")).to_be_visible()
    assert httpx.get(page.url).status_code == 403


def test_a_direct_visit_and_a_forged_token_are_refused(booking_site: str) -> None:
    now = datetime.now(timezone.utc)
    forged = BookingTokens(new_signing_key()).issue("d", now)
    unsigned = jwt.encode({"aud": "booking", "iss": "iastm-assistant", "jti": "1", "exp": now}, "", algorithm="none")
    for query in ("", "?token=", "?token=x", f"?token={forged}", f"?token={unsigned}"):
        answer = httpx.get(f"{booking_site}/slots{query}")
        assert answer.status_code == 403
        assert "Please take the check first" in answer.text


def test_a_webhook_is_taken_when_it_is_signed_and_refused_when_not(receiver: str) -> None:
    now = datetime.now(timezone.utc)
    body = json.dumps({"type": "decision.approved", "data": {"id": "d", "reference": "visit-7", "case": "C-1"}})

    def headers(secret: str, moment: datetime) -> dict[str, str]:
        signature = Webhook(secret).sign("one", moment, body)
        return {"webhook-id": "one", "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}

    other = "whsec_" + base64.b64encode(b"another secret of thirty-two byt").decode()
    assert httpx.post(receiver, content=body, headers=headers(SECRET, now)).status_code == 204
    assert httpx.post(receiver, content=body, headers=headers(other, now)).status_code == 401
    assert httpx.post(receiver, content=body, headers=headers(SECRET, now - timedelta(hours=1))).status_code == 401
    assert httpx.post(receiver, content=body + " ", headers=headers(SECRET, now)).status_code == 401
