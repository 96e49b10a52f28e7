"""The whole round on the running assistant, the therapist in a browser: asked, notified, answered, approved, told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

import jwt
import pytest
from playwright.sync_api import Browser, expect

from bot.booking import ALGORITHM, AUDIENCE
from tests.conftest import Client, Running
from tests.desk import PASSWORD
from tests.e2e.test_takeover import BookingSite, eventually, screened_on_warfarin
from tests.integration.test_senders import SECRET, THERAPIST, MailServerOnDemand

SLOW = 20_000


@pytest.fixture
def mail() -> Iterator[MailServerOnDemand]:
    server = MailServerOnDemand()
    server.up()
    yield server
    server.down()


@pytest.fixture
def site() -> Iterator[BookingSite]:
    made = BookingSite()
    yield made
    made.close()


@pytest.fixture
def running(tmp_path: Path, mail: MailServerOnDemand, site: BookingSite) -> Iterator[Running]:
    made = Running(
        tmp_path,
        THERAPIST_PASSWORD=PASSWORD,
        SMTP_URL=f"smtp://127.0.0.1:{mail.port}",
        THERAPIST_EMAIL=THERAPIST,
        QUIET_HOURS="",
        WEBHOOK_URL=site.url,
        WEBHOOK_SECRET=SECRET,
    ).start()
    yield made
    made.stop()


def test_from_a_clients_question_to_the_booking_site(
    browser: Browser, running: Running, mail: MailServerOnDemand, site: BookingSite
) -> None:
    client = Client(running.url)
    screened_on_warfarin(client)
    case = client.last[-1]["case"]

    (text,) = [text for text in eventually(lambda: mail.handler.texts, "the mail") if case in text]
    link = re.findall(rf"http\S+/desk/cases/{case}", text)[0]

    opened = browser.new_context()
    opened.set_default_timeout(SLOW)
    page = opened.new_page()
    page.goto(f"{running.url}{link[link.index('/desk/') :]}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=f"Case {case}")).to_be_visible(timeout=SLOW)
    expect(page.locator(".findings").first).to_contain_text("warfarin")

    page.get_by_label("Reply").fill("A gentler version is fine. <3")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".from-therapist .text")).to_have_text("A gentler version is fine. <3", timeout=SLOW)
    assert ("therapist", "A gentler version is fine. <3") in [(m["from"], m["text"]) for m in client.history()]

    # the assistant is silent, and what the client writes shows at the desk by itself
    assert client.say("thank you so much, does it hurt?") == []
    expect(page.locator(".transcript")).to_contain_text("thank you so much", timeout=SLOW)

    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("You approved it")).to_be_visible(timeout=SLOW)
    told = next(m for m in client.history() if m["decision"] and m["decision"]["token"])
    keys = client.http.get("/.well-known/jwks.json").json()["keys"]
    claims = jwt.decode(told["decision"]["token"], jwt.PyJWK(keys[0]).key, algorithms=[ALGORITHM], audience=AUDIENCE)
    assert "warfarin" not in str(claims)
    # the site's own server has verified the signature before it kept the event
    (event,) = eventually(lambda: site.events, "the webhook")
    assert event["data"]["case"] == case

    page.get_by_role("button", name="Close case").click()
    expect(page.get_by_text("The assistant answers this client again")).to_be_visible(timeout=SLOW)
    assert client.say("does it hurt?")[0]["kind"] == "answer"
    opened.close()
