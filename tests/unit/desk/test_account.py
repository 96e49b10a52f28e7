"""Logging in to the desk, on real SQLite."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher

from bot.desk.account import IDLE, LONGEST, Account, Admission
from bot.desk.errors import LoginRefused, TooManyAttempts
from bot.store.database import Database
from bot.store.models import DeskAccount, DeskSession, LoginCount
from tests.unit.desk.conftest import Clock

PASSWORD = "correct horse battery"


@pytest.fixture
def open_account(account: Account) -> Account:
    account.use_password(PASSWORD)
    return account


def log_in(account: Account, password: str = PASSWORD, address: str = "192.0.2.1", **more: str) -> Admission:
    return account.log_in(password, address, more.get("device"), more.get("session"))


def test_the_first_password_is_made_once_and_opens_the_desk(account: Account) -> None:
    password = account.first_password()
    assert password is not None
    assert re.fullmatch(r"([2-9a-z]{4}-){3}[2-9a-z]{4}", password)
    assert account.first_password() is None
    assert account.session(log_in(account, password).session) is not None


def test_neither_the_password_nor_a_cookie_is_in_the_database(open_account: Account, database: Database) -> None:
    admitted = log_in(open_account)
    with database.reading() as session:
        kept = repr([vars(row) for table in (DeskAccount, DeskSession) for row in session.query(table)])
    assert "argon2id" in kept
    assert PASSWORD not in kept
    assert admitted.session not in kept


def test_without_a_password_it_says_how_to_make_one(account: Account) -> None:
    with pytest.raises(LoginRefused, match="bot password"):
        log_in(account)


def test_a_wrong_password_is_refused(open_account: Account) -> None:
    with pytest.raises(LoginRefused, match="not the password"):
        log_in(open_account, "something else")
    with pytest.raises(LoginRefused, match="not the password"):
        log_in(open_account, "x" * 10_000)


def test_a_log_in_makes_a_new_session_and_ends_the_one_before(open_account: Account) -> None:
    first = log_in(open_account)
    second = log_in(open_account, session=first.session)
    assert second.session != first.session
    assert open_account.session(first.session) is None
    assert open_account.session(second.session) is not None


def test_a_session_id_that_somebody_planted_opens_nothing(open_account: Account) -> None:
    planted = "a-session-id-the-attacker-knows"
    admitted = log_in(open_account, session=planted)
    assert admitted.session != planted
    assert open_account.session(planted) is None


def test_logging_out_ends_this_session_alone(open_account: Account) -> None:
    here, there = log_in(open_account), log_in(open_account)
    open_account.log_out(here.session)
    assert open_account.session(here.session) is None
    assert open_account.session(there.session) is not None


def test_a_session_that_is_not_used_ends(open_account: Account, clock: Clock) -> None:
    token = log_in(open_account).session
    clock.forward(seconds=IDLE.total_seconds() - 1)
    assert open_account.session(token) is not None
    clock.forward(seconds=IDLE.total_seconds() - 1)
    assert open_account.session(token) is not None
    clock.forward(seconds=IDLE.total_seconds())
    assert open_account.session(token) is None


def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(open_account: Account, clock: Clock) -> None:
    token = log_in(open_account).session
    clock.forward(seconds=IDLE.total_seconds() - 1)
    assert open_account.session(token, in_use=False) is not None
    clock.forward(seconds=1)
    assert open_account.session(token, in_use=False) is None


def test_a_session_ends_after_a_working_day_however_much_it_is_used(open_account: Account, clock: Clock) -> None:
    token = log_in(open_account).session
    for _ in range(int(LONGEST.total_seconds() // 3600) - 1):
        clock.forward(hours=1)
        assert open_account.session(token) is not None
    clock.forward(hours=1)
    assert open_account.session(token) is None


def test_another_password_ends_every_session_and_the_same_one_none(open_account: Account) -> None:
    token = log_in(open_account).session
    open_account.use_password(PASSWORD)
    assert open_account.session(token) is not None
    open_account.use_password("another one entirely")
    assert open_account.session(token) is None


def test_guessing_is_slowed_down_even_with_the_right_password(open_account: Account, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefused, match="not the password"):
            log_in(open_account, "a guess")
    with pytest.raises(TooManyAttempts, match="wait 15 minutes") as refused:
        log_in(open_account)
    assert refused.value.wait == 15 * 60
    clock.forward(minutes=15, seconds=1)
    assert log_in(open_account).session


def test_a_restart_gives_no_further_guesses(
    open_account: Account, database: Database, clock: Clock, hasher: PasswordHasher
) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefused):
            log_in(open_account, "a guess")
    restarted = Account(database, clock, hasher)
    with pytest.raises(TooManyAttempts):
        log_in(restarted, "a guess")


def test_a_log_in_forgets_the_typing_errors_before_it(open_account: Account) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(LoginRefused, match="not the password"):
                log_in(open_account, "a slip")
        log_in(open_account)


def test_guessing_from_many_addresses_does_not_lock_out_a_browser_that_was_here_before(open_account: Account) -> None:
    device = log_in(open_account).device
    for number in range(60):
        with pytest.raises(LoginRefused):
            log_in(open_account, "a guess", address=f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts):
        log_in(open_account, address="203.0.113.9")
    assert log_in(open_account, address="203.0.113.9", device=device).session


def test_a_device_cookie_that_was_made_up_counts_as_a_stranger(open_account: Account, database: Database) -> None:
    with pytest.raises(LoginRefused):
        log_in(open_account, "a guess", device="e30.e30.made-up")
    with database.reading() as session:
        keys = {row.key for row in session.query(LoginCount)}
    assert any("address:192.0.2.1" in key for key in keys)
    assert any("strangers" in key for key in keys)


def test_counts_that_have_expired_are_not_kept(open_account: Account, database: Database, clock: Clock) -> None:
    with pytest.raises(LoginRefused):
        log_in(open_account, "a guess", address="198.51.100.7")
    clock.forward(hours=2)
    log_in(open_account)
    with database.reading() as session:
        assert not [row for row in session.query(LoginCount) if "198.51.100.7" in row.key]
