"""Shared handout: loading checks every file, so it is done once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.handout import Handout
from bot.handout.handout import CONTENT


@pytest.fixture(scope="session")
def handout() -> Handout:
    return Handout.load()


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the content files, to be broken."""
    return Path(shutil.copytree(CONTENT, tmp_path / "content"))
