"""What a client adds around an alarm never takes it away."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.emergency import EmergencyDetector
from tests.unit.emergency.test_lexical import PRESENT, THIRD_PERSON

ALARMS = st.sampled_from([text for _, text in PRESENT + THIRD_PERSON])
POLITE = st.sampled_from(
    [
        "", "Hello.", "Hi there!", "Sorry to bother you.", "Thank you so much!", "No rush.", "Loved the session.",
        "I ate well and drank plenty.", "The bruises are fine.", "What time do you close?", "🙏",
    ]
)  # fmt: skip
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


@SLOW
@given(text=ALARMS, before=POLITE, after=POLITE)
def test_a_polite_sentence_around_it_removes_no_alarm(
    detector: EmergencyDetector, text: str, before: str, after: str
) -> None:
    assert detector.check(f"{before} {text} {after}") is not None


@SLOW
@given(text=ALARMS, data=st.data())
def test_case_removes_no_alarm(detector: EmergencyDetector, text: str, data: st.DataObject) -> None:
    flips = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    written = "".join(letter.upper() if flip else letter.lower() for letter, flip in zip(text, flips, strict=True))
    assert detector.check(written) is not None


@SLOW
@given(text=ALARMS, end=st.sampled_from(["", "!", "!!!", "?", "...", " :(", "\n"]))
def test_punctuation_removes_no_alarm(detector: EmergencyDetector, text: str, end: str) -> None:
    assert detector.check(text.rstrip(".") + end) is not None
    assert detector.check(text.replace("'", "’").replace(",", "") + end) is not None


@SLOW
@given(text=st.text(max_size=300))
def test_any_text_is_accepted(detector: EmergencyDetector, text: str) -> None:
    emergency = detector.check(text)
    assert emergency is None or emergency.evidence in text


@pytest.mark.parametrize("text", ["cant " * 500, "my chest .. " * 200, "a" * 2000, "(" * 2000, "no " * 600])
def test_a_long_monotonous_text_is_accepted(detector: EmergencyDetector, text: str) -> None:
    detector.check(text)
