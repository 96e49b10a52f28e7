"""The whole round on the running assistant, client and therapist each in a browser: asked, notified, answered, approved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from playwright.sync_api import Browser, expect

from bot.booking import ALGORITHM, AUDIENCE
from tests.browser.conftest import Chat
from tests.conftest import Running
from tests.desk import PASSWORD
from tests.e2e.test_takeover import BookingSite, eventually
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
        BOOKING_URL="https://booking.example/iastm",
        WEBHOOK_URL=site.url,
        WEBHOOK_SECRET=SECRET,
    ).start()
    yield made
    made.stop()


def test_from_a_clients_question_to_the_booking_site(
    browser: Browser, running: Running, mail: MailServerOnDemand, site: BookingSite
) -> None:
    home = browser.new_context()
    chat = Chat(home.new_page())
    chat.page.goto(running.url)
    chat.open().say("can I talk to a person please?")
    expect(chat.of("escalation")).to_contain_text("C-", timeout=SLOW)
    screened_on_warfarin(chat)
    (case,) = re.findall(r"C-\d+", str(chat.of("escalation").first.text_content()))[:1]

    text = eventually(lambda: [text for text in mail.handler.texts if case in text], "the mail")[0]
    link = re.findall(rf"http\S+/desk/cases/{case}", text)[0]

    practice = browser.new_context()
    practice.set_default_timeout(SLOW)
    page = practice.new_page()
    page.goto(f"{running.url}{link[link.index('/desk/') :]}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=f"Case {case}")).to_be_visible(timeout=SLOW)
    expect(page.locator(".findings").first).to_contain_text("warfarin")

    page.get_by_label("Reply").fill("A gentler version is fine. <3")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".from-therapist .text")).to_have_text("A gentler version is fine. <3", timeout=SLOW)
    expect(chat.page.locator("iastm-chat li.from-therapist")).to_contain_text("is fine. <3", timeout=SLOW)

    # the assistant is silent, and what the client writes shows at the desk by itself
    answers = chat.of("answer").count()
    chat.say("thank you so much, does it hurt?")
    expect(page.locator(".transcript")).to_contain_text("thank you so much", timeout=SLOW)
    assert chat.of("answer").count() == answers

    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("You approved it")).to_be_visible(timeout=SLOW)
    booking = chat.page.get_by_role("link", name="Book your session")
    expect(booking).to_be_visible(timeout=SLOW)
    token = parse_qs(urlsplit(str(booking.get_attribute("href"))).query)["token"][0]
    keys = httpx.get(f"{running.url}/.well-known/jwks.json").json()["keys"]
    claims = jwt.decode(token, jwt.PyJWK(keys[0]).key, algorithms=[ALGORITHM], audience=AUDIENCE)
    assert "warfarin" not in str(claims)
    # the site's own server has verified the signature before it kept the event
    (event,) = eventually(lambda: site.events, "the webhook")
    assert event["data"]["case"] == case

    page.get_by_role("button", name="Close case").click()
    expect(page.get_by_text("The assistant answers this client again")).to_be_visible(timeout=SLOW)
    expect(chat.of("notice").last).to_contain_text("I'm back", timeout=SLOW)
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(answers + 1, timeout=SLOW)
    assert chat.wrong == []
    home.close()
    practice.close()


def screened_on_warfarin(chat: Chat) -> None:
    """Take the health screen to its decision: a blood thinner, and no to everything else."""
    chat.say("start the health check")
    expect(chat.of("question")).to_have_count(1, timeout=SLOW)
    chat.press("Yes, that's fine")
    expect(chat.of("question")).to_have_count(2, timeout=SLOW)
    chat.say("I'm on warfarin")
    asked = 3
    while True:
        expect(chat.of("question").nth(asked - 1).or_(chat.of("decision").first).first).to_be_visible(timeout=SLOW)
        if chat.of("decision").count():
            return
        choices = chat.of("question").nth(asked - 1).locator("button.choice[aria-disabled=false]")
        titles = [title.strip() for title in choices.all_text_contents()]
        if titles:
            choices.nth(titles.index("No") if "No" in titles else 0).click()
        else:
            chat.say("nothing else")
        asked += 1
