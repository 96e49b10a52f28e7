"""Every state of chat and booking page: WCAG 2.2 AA by axe, light and dark, on a desk, a small phone and at 200 %.

With SCREENSHOTS=<folder> the states are also written there, to be looked at (docs/widget.md shows them).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Iterator, Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, expect

from tests.browser.conftest import Chat, axe
from tests.browser.states import BOOK, CHAT, Book
from tests.conftest import Running


@dataclass(frozen=True)
class Look:
    """A window, and the colours that its owner prefers."""

    name: str
    width: int
    height: int
    colours: Literal["light", "dark"]


# 640 by 400 is what a window of 1280 by 800 is at 200 %
LOOKS = (
    Look("light", 1100, 760, "light"),
    Look("dark", 1100, 760, "dark"),
    Look("phone", 320, 568, "light"),
    Look("zoomed", 640, 400, "dark"),
)
CHAT_AREA = {"x": 640, "y": 0, "width": 460, "height": 760}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1100, "height": 760},
        locale="en-GB",
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def looks(page: Page, name: str, area: FloatRect | None = None) -> Iterator[str]:
    """Show the page in every look."""
    for look in LOOKS:
        page.emulate_media(color_scheme=look.colours)
        page.set_viewport_size({"width": look.width, "height": look.height})
        shoot(page, f"{name}-{look.name}", area if look.width > 1000 else None)
        yield look.name


def shoot(page: Page, name: str, area: FloatRect | None) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder and not name.endswith("zoomed"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        taken = page.screenshot(clip=area) if area else page.screenshot()
        # flat colours: a palette keeps the documents small
        Image.open(BytesIO(taken)).quantize(96).save(Path(folder) / f"{name}.png", optimize=True)


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
def test_the_chat_is_accessible(page: Page, assistant: Running, state: str) -> None:
    chat = Chat(page)
    page.goto(assistant.url)
    CHAT[state](chat)
    for look in looks(page, f"chat-{state}", CHAT_AREA):
        assert (look, axe(page)) == (look, [])
        assert fits(page), look
    assert chat.wrong == []


@pytest.mark.parametrize("state", list(BOOK))
def test_the_booking_page_is_accessible(page: Page, assistant: Running, state: str) -> None:
    page.goto(f"{assistant.url}/book")
    BOOK[state](Book(page))
    for look in looks(page, f"book-{state}"):
        assert (look, axe(page)) == (look, [])
        assert fits(page), look


def test_the_practices_page_is_accessible(page: Page, assistant: Running) -> None:
    page.goto(assistant.url)
    expect(page.locator("iastm-assistant .launcher")).to_be_visible()
    for look in looks(page, "page"):
        assert (look, axe(page)) == (look, [])
        assert fits(page), look
