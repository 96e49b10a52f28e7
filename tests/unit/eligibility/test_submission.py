"""What can be sent for a check, and how the rest is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.eligibility.submission import InvalidSubmission, MalformedBody, parse, read_submission
from bot.screening.rulebook import LINK_IDS, Rulebook, default_rulebook


def refused(body: dict[str, Any], rulebook: Rulebook, adding: bool = False) -> dict[str, str]:
    with pytest.raises(InvalidSubmission) as caught:
        read_submission(body, rulebook, adding)
    return {error.field: error.detail for error in caught.value.errors}


def test_answers_and_follow_ups_are_told_apart(rulebook: Rulebook) -> None:
    taken = read_submission(
        {"consent": True, "answers": {"recent_sutures": "yes", "recent_sutures.when": "over_limit", "cancer": "no"}},
        rulebook,
    )
    assert taken.answers == {"recent_sutures": "yes", "cancer": "no"}
    assert taken.follow_ups == {"recent_sutures.when": "over_limit"}


@pytest.mark.parametrize("consent", [False, None, "true", 1, "yes"])
def test_anything_but_a_plain_consent_is_refused(rulebook: Rulebook, consent: object) -> None:
    assert "consent" in refused({"consent": consent, "answers": {}}, rulebook)


def test_a_missing_consent_is_refused_except_where_it_was_given_before(rulebook: Rulebook) -> None:
    assert "consent" in refused({"answers": {}}, rulebook)
    assert read_submission({"text": "one more thing"}, rulebook, adding=True).text == "one more thing"
    assert "consent" in refused({"consent": False, "text": "one more thing"}, rulebook, adding=True)


@pytest.mark.parametrize("value", [True, False, None, 1, "YES", "", "maybe", ["yes"], {"code": "yes"}])
@pytest.mark.parametrize("link_id", ["cancer", "other"])
def test_a_value_of_another_kind_is_refused_and_never_a_no(rulebook: Rulebook, link_id: str, value: object) -> None:
    told = refused({"consent": True, "answers": {link_id: value}}, rulebook)
    assert "yes, no, unsure" in told[f"answers.{link_id}"]


def test_an_unknown_question_is_refused_with_the_known_ones(rulebook: Rulebook) -> None:
    told = refused({"consent": True, "answers": {"diabetes": "no"}}, rulebook)
    assert "kidney_dysfunction" in told["answers.diabetes"]


def test_an_unknown_field_is_refused_with_the_known_ones(rulebook: Rulebook) -> None:
    assert "reference" in refused({"consent": True, "note": "x"}, rulebook)["note"]


def test_what_looks_like_words_is_not_repeated_in_an_error(rulebook: Rulebook) -> None:
    told = refused({"consent": True, "answers": {"I have cancer": "no"}, "my kidneys hurt": 1}, rulebook)
    assert "cancer'" not in json.dumps(told)
    assert "kidneys" not in json.dumps(told)


def test_four_thousand_characters_are_taken_and_one_more_is_not(rulebook: Rulebook) -> None:
    assert read_submission({"consent": True, "text": "x" * 4000}, rulebook).text == "x" * 4000
    assert "4,000" in refused({"consent": True, "text": "x" * 4001}, rulebook)["text"]


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x01", "\ud800"])
def test_a_text_that_holds_nothing_counts_as_none(rulebook: Rulebook, text: str) -> None:
    assert read_submission({"consent": True, "text": text}, rulebook).text is None


@pytest.mark.parametrize("reference", ["", "x" * 201, "a\nb", "\ud800", 5, {}, None])
def test_an_unusable_reference_is_refused(rulebook: Rulebook, reference: object) -> None:
    assert "200" in refused({"consent": True, "reference": reference}, rulebook)["reference"]


@pytest.mark.parametrize(("value", "allowed"), [("never", "still_in"), (True, "unsure"), ("", "over_limit")])
def test_a_follow_up_takes_its_own_options_only(rulebook: Rulebook, value: object, allowed: str) -> None:
    answers = {"recent_sutures": "yes", "recent_sutures.when": value}
    assert allowed in refused({"consent": True, "answers": answers}, rulebook)["answers.recent_sutures.when"]


def test_every_mistake_is_told_at_once(rulebook: Rulebook) -> None:
    assert set(refused({"answers": {"cancer": 1}, "text": 2, "x": 3}, rulebook)) == {
        "consent",
        "answers.cancer",
        "text",
        "x",
    }


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000, b'{"a": NaN}'])
def test_a_body_that_is_no_json_object_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse(content)


def test_a_question_answered_twice_with_two_values_is_refused() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        parse(b'{"answers": {"cancer": "yes", "cancer": "no"}}')
    assert caught.value.errors[0].field == "cancer"
    assert parse(b'{"answers": {"cancer": "no", "cancer": "no"}}') == {"answers": {"cancer": "no"}}


words = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


# the first text that hypothesis makes in a process reads its tables of all characters
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(("consent", "answers", "text", "reference", "x")), json_values))
def test_any_object_is_taken_or_refused_with_fields(body: dict[str, Any]) -> None:
    try:
        taken = read_submission(body, default_rulebook())
    except InvalidSubmission as error:
        unclear = [one for one in error.errors if not one.field or not one.detail.endswith(".")]
    else:
        unclear = []
        assert body["consent"] is True
        assert set(taken.answers) <= set(LINK_IDS)
    assert unclear == []
