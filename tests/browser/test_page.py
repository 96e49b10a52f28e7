"""The page at `/` in a real browser, talking to the real running assistant."""

from __future__ import annotations

import re
import shutil
from typing import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import Running

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "The browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def browser_page(browser: Browser, assistant: Running) -> Page:
    opened = browser.new_page()
    opened.goto(assistant.url)
    return opened


@pytest.fixture
def page(browser_page: Page) -> Page:
    browser_page.get_by_role("button", name="Start a new conversation").click()
    expect(browser_page.locator("#log .message")).to_have_count(1)
    return browser_page


def say(page: Page, words: str) -> None:
    page.get_by_label("Your message").fill(words)
    page.get_by_role("button", name="Send").click()


def test_the_page_greets_and_answers_a_question(page: Page) -> None:
    expect(page.locator(".from-assistant").first).to_contain_text("automated assistant")
    say(page, "does it hurt?")
    expect(page.locator(".kind-answer")).to_contain_text("discomfort")
    expect(page.locator(".kind-answer .source")).to_contain_text("From the handout: discomfort")


def test_a_screen_runs_to_a_decision_with_buttons_alone(page: Page) -> None:
    page.get_by_role("button", name="Start the health screen").click()
    page.get_by_role("button", name="Yes, that's fine").click()
    for _ in range(11):
        page.locator("button.choice:enabled", has_text="No").first.click()
        expect(page.locator("#typing")).to_be_hidden()
    expect(page.locator(".kind-decision")).to_contain_text("you can book")
    link = page.get_by_role("link", name="Book your session")
    expect(link).to_have_attribute("href", re.compile(r"^https://booking\.example/iastm\?token=ey"))


def test_a_used_button_cannot_be_pressed_again_and_the_choice_stays_readable(page: Page) -> None:
    page.get_by_role("button", name="Talk to the therapist").click()
    expect(page.locator(".kind-escalation")).to_contain_text("C-")
    expect(page.locator("button.chosen")).to_be_disabled()
    expect(page.locator("button.chosen")).to_have_text("Talk to the therapist")


def test_the_conversation_survives_a_reload(page: Page) -> None:
    say(page, "what should I wear?")
    expect(page.locator(".kind-answer")).to_contain_text("tank top")
    page.reload()
    expect(page.locator(".kind-answer")).to_contain_text("tank top")
    expect(page.locator(".from-client")).to_have_count(1)


def test_markup_in_a_message_is_shown_as_text(page: Page) -> None:
    say(page, "<img src=x onerror=alert(1)>")
    expect(page.locator(".from-client .text")).to_have_text("<img src=x onerror=alert(1)>")
    assert page.locator("#log img").count() == 0


def test_an_emergency_offers_a_call(page: Page) -> None:
    say(page, "crushing chest pain right now")
    expect(page.locator(".kind-emergency a.call")).to_have_attribute("href", "tel:999")


def test_without_a_connection_the_words_are_kept(page: Page) -> None:
    page.context.set_offline(True)
    say(page, "what is iastm?")
    expect(page.locator("#problem")).to_be_visible(timeout=20_000)
    expect(page.get_by_label("Your message")).to_have_value("what is iastm?")
    page.context.set_offline(False)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".kind-answer")).to_be_visible()


def test_the_page_asks_nobody_else_for_anything(browser: Browser, assistant: Running) -> None:
    asked = []
    fresh = browser.new_page()
    fresh.on("request", lambda request: asked.append(request.url))
    fresh.goto(assistant.url)
    expect(fresh.locator(".message")).to_have_count(1)
    fresh.close()
    assert [url for url in asked if not url.startswith(assistant.url)] == []


def test_a_restart_forgets_an_answer_that_is_still_on_its_way(page: Page) -> None:
    say(page, "does it hurt?")
    page.get_by_role("button", name="Start a new conversation").click()
    expect(page.locator("#typing")).to_be_hidden()
    page.wait_for_timeout(500)
    expect(page.locator("#log .message")).to_have_count(1)
