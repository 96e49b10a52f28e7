"""Keys and tokens: whose they are, and that no others pass."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import jwt
import pytest

from bot.eligibility.access import AUDIENCE, ApiKeys, CheckTokens
from bot.settings import Settings

KEY = "an installation's key that is long enough for every algorithm of the family"


def test_a_key_is_known_by_a_name_that_does_not_show_it() -> None:
    keys = ApiKeys(("first-key", "second-key"))
    names = {keys.name("first-key"), keys.name("second-key")}
    assert len(names) == 2
    assert all(name and "key" not in name for name in names)


@pytest.mark.parametrize("key", ["", "first", "first-key ", "FIRST-KEY", "first-key,second-key", "\udcff"])
def test_another_key_is_not_known(key: str) -> None:
    assert ApiKeys(("first-key", "second-key")).name(key) is None
    assert ApiKeys(()).name(key) is None


def test_the_setting_holds_several_keys_and_does_not_print_them() -> None:
    chosen = Settings(_env_file=None, eligibility_api_keys=" first-key, ,second-key,")
    assert chosen.api_keys == ("first-key", "second-key")
    assert "first-key" not in repr(chosen) + str(chosen)
    assert Settings(_env_file=None, eligibility_api_keys="").api_keys == ()


def test_a_token_speaks_for_its_check_until_it_expires() -> None:
    tokens = CheckTokens(KEY, days=30)
    assert tokens.check(tokens.issue("check-1")) == "check-1"
    assert tokens.check(tokens.issue("check-1", datetime.now(timezone.utc) - timedelta(days=31))) is None


def test_a_token_of_another_key_purpose_or_algorithm_is_none() -> None:
    tokens = CheckTokens(KEY, days=30)
    claims = {"sub": "check-1", "aud": AUDIENCE, "exp": datetime.now(timezone.utc) + timedelta(days=1)}
    for forged in (
        "",
        "x.y.z",
        jwt.encode(claims, "another key of some length, also", algorithm="HS256"),
        jwt.encode({**claims, "aud": "chat"}, KEY, algorithm="HS256"),
        jwt.encode(claims, KEY, algorithm="HS512"),
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode({"sub": "check-1", "aud": AUDIENCE}, KEY, algorithm="HS256"),
    ):
        assert tokens.check(forged) is None


def test_an_address_has_a_name_from_which_it_cannot_be_read() -> None:
    tokens = CheckTokens(KEY, days=30)
    name = tokens.anonymous("192.0.2.7")
    assert name == tokens.anonymous("192.0.2.7") != tokens.anonymous("192.0.2.8")
    assert "192" not in name
    assert name != CheckTokens("another", days=30).anonymous("192.0.2.7")
