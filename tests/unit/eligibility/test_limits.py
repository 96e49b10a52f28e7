"""How often the eligibility API may be asked."""

from __future__ import annotations

import pytest

from bot.channels.limits import Limits
from bot.channels.problems import Problem


def test_a_client_is_told_to_wait_and_others_are_not() -> None:
    limits = Limits(active=True)
    for _ in range(30):
        limits.hit("checks", "192.0.2.7")
    with pytest.raises(Problem) as refused:
        limits.hit("checks", "192.0.2.7")
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
    limits.hit("checks", "192.0.2.8")


def test_a_booking_site_may_ask_for_all_of_its_clients() -> None:
    limits = Limits(active=True)
    for _ in range(300):
        limits.hit("checks_by_key", "key:1")
