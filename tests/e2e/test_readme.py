"""README's transcripts, said to the running assistant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from tests.conftest import Client

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"^(client presses|client|assistant): (.*)$")


def transcripts() -> List[List[Tuple[str, str]]]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```transcript\n(.*?)```", readme, re.DOTALL)
    return [[match.groups() for match in map(LINE.match, block.splitlines()) if match] for block in blocks]  # type: ignore[misc]


def shown(message: Dict[str, Any]) -> str:
    text = re.sub(r"C-\d+", "C-…", message["text"])
    text = re.sub(r"expect an answer [^.]+\.", "expect an answer ….", text)
    return f"{text} [{', '.join(message['sources'])}]" if message["sources"] else text


def test_there_are_transcripts() -> None:
    assert len(transcripts()) >= 3


@pytest.mark.parametrize("number", range(3))
def test_a_transcript_of_the_readme_is_what_the_assistant_says(client: Client, number: int) -> None:
    said: List[Tuple[str, str]] = []
    for who, words in transcripts()[number]:
        if who == "assistant":
            continue
        said.append((who, words))
        replies = client.say(words) if who == "client" else client.press(words)
        said.extend(("assistant", shown(message)) for message in replies)
    assert said == transcripts()[number]
