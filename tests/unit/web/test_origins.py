"""Which sites may embed the chat and the check."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot.settings import Settings
from bot.web.origins import cross_origin, frame_ancestors
from bot.web.pages import told_origin

OURS = ("https://practice.example",)


def chosen(origins: str) -> Settings:
    return Settings(_env_file=None, allowed_origins=origins)


def test_any_site_may_read_the_chat_unless_the_practice_lists_its_own() -> None:
    assert cross_origin("/chat/history", "https://x.example", ("*",))["Access-Control-Allow-Origin"] == "*"
    assert cross_origin("/chat/history", "https://practice.example", OURS)["Access-Control-Allow-Origin"] == OURS[0]
    assert cross_origin("/chat/history", "https://x.example", OURS) == {"Vary": "Origin"}
    assert cross_origin("/chat/history", None, OURS) == {"Vary": "Origin"}


@pytest.mark.parametrize("path", ["/", "/desk/", "/desk/cases", "/book", "/webhooks/telegram/webhook", "/metrics"])
def test_no_site_may_read_pages_and_the_desk(path: str) -> None:
    assert cross_origin(path, "https://practice.example", ("*",)) == {}


def test_a_prefix_of_an_allowed_origin_is_not_that_origin() -> None:
    for origin in ("https://practice.example.evil.example", "http://practice.example", "null"):
        assert "Access-Control-Allow-Origin" not in cross_origin("/chat/history", origin, OURS)


def test_the_booking_page_is_framed_by_the_allowed_sites() -> None:
    assert frame_ancestors(("*",)) == "*"
    assert frame_ancestors(OURS) == "'self' https://practice.example"


@pytest.mark.parametrize(
    "told", ["", "*", "null", "javascript:alert(1)", "https://practice.example/path", "https://x.example' *", None]
)
def test_a_stated_origin_that_is_none_hears_nothing(told: str | None) -> None:
    assert told_origin(told, chosen("*")) == ""


def test_a_stated_origin_hears_the_result_if_it_is_allowed() -> None:
    assert told_origin("https://practice.example", chosen("https://practice.example")) == "https://practice.example"
    assert told_origin("https://x.example", chosen("https://practice.example")) == ""
    assert told_origin("http://localhost:5006", chosen("*")) == "http://localhost:5006"


@pytest.mark.parametrize(
    "wrong", ["practice.example", "https://practice.example/", "https://a.example; script-src *", ""]
)
def test_a_setting_that_is_no_list_of_origins_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="list origins such as"):
        chosen(wrong)
