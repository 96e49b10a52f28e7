"""Every state of chat and booking page: WCAG 2.2 AA by axe, light and dark, on a desk, a small phone and at 200 %.

With SCREENSHOTS=<folder> the states are also written there, to be looked at (docs/widget.md shows them).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Chat, axe
from tests.browser.states import BOOK, CHAT, Book
from tests.conftest import Running

# 640 by 400 is what a window of 1280 by 800 is at 200 %
LOOKS = {
    "light": {"viewport": {"width": 1100, "height": 760}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1100, "height": 760}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 568}, "color_scheme": "light", "has_touch": True},
    "zoomed": {"viewport": {"width": 640, "height": 400}, "color_scheme": "dark"},
}
CHAT_AREA = {"x": 640, "y": 0, "width": 460, "height": 760}


@pytest.fixture(params=list(LOOKS))
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, look: str) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        **LOOKS[look], locale="en-GB", timezone_id="Europe/London", reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def shoot(page: Page, name: str, look: str, area: dict[str, float] | None) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder and look != "zoomed":
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}-{look}.png"), **({"clip": area} if area else {}))


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return bool(
        page.evaluate(
            """() => {
              const boxes = [document.documentElement];
              const walk = (root) => root.querySelectorAll("*").forEach((element) => {
                if (element.matches("dialog, .log, .card")) boxes.push(element);
                if (element.shadowRoot) walk(element.shadowRoot);
              });
              walk(document);
              return boxes.every((box) => box.scrollWidth <= box.clientWidth + 1);
            }"""
        )
    )


@pytest.mark.parametrize("state", list(CHAT))
def test_the_chat_is_accessible(page: Page, assistant: Running, state: str, look: str) -> None:
    chat = Chat(page)
    page.goto(assistant.url)
    CHAT[state](chat)
    shoot(page, f"chat-{state}", look, CHAT_AREA if look in ("light", "dark") else None)
    assert axe(page) == []
    assert fits(page)
    assert chat.wrong == []


@pytest.mark.parametrize("state", list(BOOK))
def test_the_booking_page_is_accessible(page: Page, assistant: Running, state: str, look: str) -> None:
    page.goto(f"{assistant.url}/book")
    BOOK[state](Book(page))
    shoot(page, f"book-{state}", look, None)
    assert axe(page) == []
    assert fits(page)


def test_the_practices_page_is_accessible(page: Page, assistant: Running, look: str) -> None:
    page.goto(assistant.url)
    expect(page.locator("iastm-assistant .launcher")).to_be_visible()
    shoot(page, "page", look, None)
    assert axe(page) == []
    assert fits(page)
