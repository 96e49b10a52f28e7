"""The check before booking, as a client takes it, and as another site embeds it."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List

import jwt
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site
from tests.browser.states import Book
from tests.conftest import Running

NUMBER_OF_QUESTIONS = 11


@pytest.fixture
def book(context: BrowserContext, assistant: Running) -> Iterator[Book]:
    page = context.new_page()
    wrong: List[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{assistant.url}/book")
    yield Book(page)
    assert wrong == []


def outcome(book: Book) -> Any:
    return expect(book.page.locator("iastm-check h2"))


def test_every_question_answered_no_opens_booking(book: Book) -> None:
    book.begin()
    book.no(NUMBER_OF_QUESTIONS - 1)
    book.choose("No, nothing else")
    outcome(book).to_have_text("You can book")
    link = book.page.get_by_role("link", name="Book your session")
    expect(link).to_have_attribute("href", re.compile(r"^https://booking\.example/iastm\?token=ey"))


def test_without_consent_nothing_is_asked_and_nothing_sent(book: Book) -> None:
    sent: List[str] = []
    book.page.on("request", lambda request: sent.append(request.url))
    book.page.get_by_role("button", name="No, I would rather not").click()
    expect(book.page.locator("iastm-check")).to_contain_text("nothing was kept")
    expect(book.page.get_by_role("link", name="Call the practice")).to_be_visible()
    assert [url for url in sent if "/static/" not in url] == []


def test_a_yes_gets_its_follow_up_before_the_outcome_is_told(book: Book) -> None:
    book.begin()
    book.choose("No")
    book.choose("Yes")
    outcome(book).to_contain_text("Was it measured")
    book.choose("It was higher")
    outcome(book).to_have_text("Not online this time")
    expect(book.page.locator("iastm-check")).to_contain_text(re.compile(r"Your case number is C-\d+"))
    expect(book.page.locator(".reasons")).to_contain_text("high blood pressure")
    expect(book.page.locator(".reasons")).to_contain_text("from the handout")


def test_an_answer_can_be_changed_on_the_way_back(book: Book) -> None:
    book.begin()
    first = book.question
    book.choose("No")
    book.choose("Yes")
    outcome(book).to_contain_text("Was it measured")
    for _ in range(2):
        book.page.get_by_role("button", name="Back").click()
    outcome(book).to_have_text(first)
    expect(book.page.get_by_role("button", name="No", exact=True)).to_have_attribute("aria-pressed", "true")
    book.no(NUMBER_OF_QUESTIONS - 1)
    book.choose("No, nothing else")
    outcome(book).to_have_text("You can book")


def test_not_sure_and_words_go_to_the_therapist_with_the_words(book: Book) -> None:
    book.begin()
    book.no(6)
    book.page.get_by_text("Add something in your own words").click()
    book.page.get_by_label("In your own words").fill("my doctor wants to check the veins next week")
    book.choose("I'm not sure")
    book.no(3)
    book.page.get_by_label("In your own words").fill("I am 20 weeks pregnant")
    book.choose("Next")
    outcome(book).to_have_text("The therapist looks first")
    expect(book.page.locator(".reasons")).to_contain_text("pregnant")


def test_an_alarm_in_the_words_is_answered_at_once(book: Book) -> None:
    book.begin()
    book.page.get_by_text("Add something in your own words").click()
    book.page.get_by_label("In your own words").fill("I have crushing chest pain right now")
    book.choose("No")
    outcome(book).to_have_text("Please get help now")
    expect(book.page.get_by_role("link", name="Call 999")).to_have_attribute("href", "tel:999")


def test_why_and_what_it_means_are_told_and_closed_again_at_the_next_question(book: Book) -> None:
    book.begin()
    book.page.get_by_text("Why do you ask?").click()
    expect(book.page.get_by_text("the handout rules out fresh stitch sites")).to_be_visible()
    book.page.get_by_text("What does this mean?").click()
    expect(book.page.get_by_text("Anything that holds a cut")).to_be_visible()
    book.choose("No")
    expect(book.page.locator("details[open]")).to_have_count(0)


def test_a_reload_in_the_middle_goes_on_where_it_was(book: Book) -> None:
    book.begin()
    book.no(4)
    before = book.question
    book.page.reload()
    outcome(book).to_have_text(before)


def test_a_lost_connection_keeps_the_answers_and_sends_them_once(book: Book, context: BrowserContext) -> None:
    book.begin()
    book.no(NUMBER_OF_QUESTIONS - 1)
    context.set_offline(True)
    book.page.get_by_role("button", name="No, nothing else").click()
    expect(book.page.get_by_role("alert")).to_contain_text("They are kept on this page")
    context.set_offline(False)
    book.page.get_by_role("button", name="Try again").click()
    outcome(book).to_have_text("You can book")


def test_too_many_words_are_refused_before_they_are_sent_and_kept(book: Book) -> None:
    book.begin()
    book.no(NUMBER_OF_QUESTIONS - 1)
    book.page.get_by_label("In your own words").fill("x" * 100_000)
    book.page.get_by_role("button", name="Next").click()
    expect(book.page.get_by_role("alert")).to_contain_text("96,000 characters too many")
    assert len(book.page.get_by_label("In your own words").input_value()) == 100_000


def test_the_check_is_taken_by_keyboard_and_the_question_gets_the_focus(book: Book) -> None:
    keys = book.page.keyboard
    book.page.get_by_role("button", name="Yes, start").focus()
    keys.press("Enter")
    expect(book.page.locator("iastm-check h2")).to_be_focused()
    for _ in range(2):
        keys.press("Tab")
    expect(book.page.get_by_role("button", name="No", exact=True)).to_be_focused()
    keys.press("Enter")
    expect(book.page.locator("iastm-check h2")).to_be_focused()
    expect(book.page.locator("iastm-check")).to_contain_text("Question 2 of 11")


def frame(assistant: Running, origin: str) -> str:
    return f"""<!doctype html><html lang=en><title>Booking</title>
    <script>window.heard = []; addEventListener("message", (event) => heard.push({{ from: event.origin, ...event.data }}));</script>
    <iframe title=Check width=600 height=900 src="{assistant.url}/book?origin={origin}&reference=visit-7"></iframe>"""


def heard(page: Page) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = page.evaluate("() => window.heard")
    return found


def test_a_frame_tells_its_result_to_the_stated_origin_and_nothing_about_health(
    context: BrowserContext, assistant: Running, site: Site
) -> None:
    page = context.new_page()
    page.goto(site.page(frame(assistant, site.url)))
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="Yes, start").click()
    for number in range(NUMBER_OF_QUESTIONS - 1):
        expect(inside.locator("iastm-check")).to_contain_text(f"Question {number + 1} of")
        inside.get_by_role("button", name="No", exact=True).click()
    inside.get_by_role("button", name="No, nothing else").click()
    inside.get_by_role("button", name="Go on to booking").click()
    page.wait_for_function("() => window.heard.some((one) => one.type === 'book')")
    told = heard(page)
    assert {one["from"] for one in told} == {assistant.url}
    assert {one["source"] for one in told} == {"iastm-assistant"}
    assert next(one["type"] for one in told if one["type"] != "resize") == "ready"
    assert [one["bookable"] for one in told if one["type"] == "result"] == [True]
    (token,) = [one["token"] for one in told if one["type"] == "book"]
    assert set(jwt.decode(token, options={"verify_signature": False})) == {"iss", "aud", "sub", "jti", "iat", "exp"}
    expect(inside.locator("iastm-check")).to_contain_text("You can go on there.")


def test_a_frame_on_another_origin_than_the_stated_one_hears_nothing(
    context: BrowserContext, assistant: Running, site: Site
) -> None:
    page = context.new_page()
    page.goto(site.page(frame(assistant, "https://somebody.else.example")))
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="Yes, start").click()
    expect(inside.locator("iastm-check")).to_contain_text("Question 1 of")
    assert heard(page) == []
