"""The desk's password from the command line and at the start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.cli import _open_desk
from bot.desk.account import Account
from bot.settings import Settings, SettingsError, read_settings
from bot.store.database import Database
from tests.conftest import Running

SHOWN = re.compile(r"(?:[2-9a-z]{4}-){3}[2-9a-z]{4}")


def opens(database: Database, password: str) -> bool:
    return bool(Account(database).log_in(password, "192.0.2.1", None, None).session)


def test_the_first_start_prints_the_password_and_later_ones_do_not(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    _open_desk(Settings(_env_file=None), database)
    told = capsys.readouterr().out
    assert "http://localhost:5005/desk/" in told
    assert opens(database, SHOWN.findall(told)[0])
    _open_desk(Settings(_env_file=None), database)
    assert capsys.readouterr().out == ""


def test_a_password_of_the_settings_is_used_and_not_printed(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    _open_desk(Settings(_env_file=None), database)
    capsys.readouterr()
    _open_desk(Settings(_env_file=None, therapist_password="correct horse"), database)
    assert capsys.readouterr().out == ""
    assert opens(database, "correct horse")


def test_the_command_makes_a_new_password(tmp_path: Path) -> None:
    running = Running(tmp_path, THERAPIST_PASSWORD="")
    first, second = (running.command("password").stdout for _ in range(2))
    (old,), (new,) = SHOWN.findall(first), SHOWN.findall(second)
    assert old != new
    assert opens(Database(f"sqlite:///{running.var / 'assistant.db'}"), new)


def test_the_command_says_so_where_the_settings_hold_the_password(tmp_path: Path) -> None:
    refused = Running(tmp_path, THERAPIST_PASSWORD="correct horse").command("password")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "THERAPIST_PASSWORD is set" in refused.stderr


def test_a_short_password_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERAPIST_PASSWORD", "hunter2")
    with pytest.raises(SettingsError, match="THERAPIST_PASSWORD: use 8 to 200 characters") as refused:
        read_settings(None)
    assert "hunter2" not in str(refused.value)
