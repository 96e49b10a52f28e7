"""docs/screening.md says what the rules say."""

from __future__ import annotations

from pathlib import Path

from bot.screening.rulebook import Rulebook

DOCUMENT = Path(__file__).parents[3] / "docs" / "screening.md"


def test_the_document_names_version_settings_and_every_follow_up(rulebook: Rulebook) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"version {rulebook.version}." in text
    for setting in rulebook.settings.values():
        assert f"`{setting.id}` {setting.value:g}" in text
    for item in rulebook.items:
        for follow_up in item.follow_ups:
            assert f"`{follow_up.id}`" in text
            if follow_up.options:
                row = ", ".join(f"{option.value}: {option.outcome}" for option in follow_up.options)
                assert row in text, row
