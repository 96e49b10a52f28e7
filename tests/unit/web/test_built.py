"""What the browser loads: how much it is, and how it is served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sanic.request import Request

from bot.channels.problems import Problem
from bot.web.built import DIST, Built

LOADER_LIMIT = 5 * 1024
CHAT_LIMIT = 60 * 1024


class Asked:
    """As much of a request as the files look at."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def asked(**headers: str) -> Request:
    return Asked(**headers)  # type: ignore[return-value]


@pytest.fixture
def built(tmp_path: Path) -> Built:
    (tmp_path / "widget.js").write_bytes(b"plain")
    (tmp_path / "widget.js.gz").write_bytes(b"packed")
    files = {"widget.js": {"bytes": 5, "gzip": 6, "digest": "abc"}}
    (tmp_path / "manifest.json").write_text(
        json.dumps({"files": files, "chat": ["chat-A.js", "part-B.js"], "book": []})
    )
    return Built(tmp_path)


def test_a_file_comes_packed_where_the_browser_unpacks(built: Built) -> None:
    answer = built.response(asked(accept_encoding="br, gzip"), "widget.js")
    assert (answer.body, answer.headers["Content-Encoding"]) == (b"packed", "gzip")
    plain = built.response(asked(), "widget.js")
    assert plain.body == b"plain"
    assert "Content-Encoding" not in plain.headers


def test_an_unchanged_file_is_not_sent_again(built: Built) -> None:
    assert built.response(asked(if_none_match='"abc"'), "widget.js").status == 304


def test_a_file_that_the_build_did_not_make_is_not_read(built: Built) -> None:
    with pytest.raises(Problem, match="There is no such file"):
        built.response(asked(), "widget/../manifest.json")


def test_without_a_build_the_server_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="make web"):
        Built(tmp_path).response(asked(), "widget.js")


def test_an_entry_is_asked_for_with_what_it_needs(built: Built) -> None:
    assert built.entry("chat") == ["/widget/chat-A.js", "/widget/part-B.js"]


@pytest.mark.skipif(not (DIST / "manifest.json").exists(), reason="nothing is built: make web")
def test_the_loader_and_the_chat_stay_small() -> None:
    made = Built()
    assert made.files["widget.js"]["gzip"] <= LOADER_LIMIT
    assert sum(made.files[name.lstrip("/")]["gzip"] for name in made.entry("chat")) <= CHAT_LIMIT
