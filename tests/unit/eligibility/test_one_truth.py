"""Chat and API are two callers of one engine: the same facts, the same decision."""

from __future__ import annotations

import random
from collections import Counter
from typing import Dict, Optional, Tuple

import pytest

from bot.eligibility.service import Caller, Checks, Request
from bot.eligibility.submission import Submission
from bot.screening import Decision, Rulebook
from bot.screening.interview import Interview
from bot.screening.reader import Reader
from bot.screening.rulebook import LINK_IDS
from tests.unit.eligibility.conftest import NOW

CASES = 300
WORDS = (
    "no",
    "Nothing else, thank you.",
    "My dad has kidney disease but I am fine.",
    "not sure if I have varicose veins",
    "no blood thinners other than warfarin",
    "I am 20 weeks pregnant",
    "stitches when I was six, long gone",
    "a bit stiff from gardening",
    "I have crushing chest pain right now",
    "tengo marcapasos",
    "My dog is epileptic.",
    "had a steroid jab in the shoulder on Monday",
)
STITCHES = ("on my knee, out in 2019", "my back, last Tuesday", "don't know", "hand, still in")


def interviewed(seed: int, rulebook: Rulebook, reader: Reader) -> Tuple[Submission, Decision]:
    """A client's way through the chat's questions by chance, and the same facts as a submission."""
    choice = random.Random(seed)
    likely = choice.choice((0.0, 0.1, 0.3))
    answers: Dict[str, str] = {}
    follow_ups: Dict[str, str] = {}
    text: Optional[str] = None
    interview = Interview.start(rulebook, reader)
    interview.answer("yes", NOW)
    while (question := interview.current) is not None:
        if question.id == "other":
            said = text = choice.choice(WORDS)
            if said == "no":
                answers["other"], text = "no", None
        elif question.id in LINK_IDS:
            said = answers[question.id] = "no" if choice.random() >= likely else choice.choice(("yes", "yes", "unsure"))
        else:
            options = rulebook.follow_up(question.id)[1].options
            said = choice.choice([option.value for option in options]) if options else choice.choice(STITCHES)
            follow_ups[question.id] = said
        step = interview.answer(said, NOW)
        assert step.understood, (question.id, said)
    assert interview.decision is not None
    return Submission(answers, follow_ups, text, None), interview.decision


def test_chat_and_api_decide_alike_on_hundreds_of_clients(checks: Checks, rulebook: Rulebook, reader: Reader) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(CASES):
        submission, chat = interviewed(seed, rulebook, reader)
        api = checks.make(submission, Caller(f"address:{seed}"), Request(None, ""))
        assert api["outcome"] == chat.outcome, (seed, submission)
        assert sorted((f["condition"], f["status"], f["origin"]) for f in api["findings"]) == sorted(
            (f.condition, f.status, f.origin) for f in chat.findings
        ), (seed, submission)
        outcomes[chat.outcome] += 1
    # a comparison that never meets an outcome says nothing about it
    assert set(outcomes) >= {"eligible", "modified", "review", "not_eligible", "urgent"}


@pytest.mark.parametrize("words", WORDS)
def test_free_words_weigh_the_same_in_both(words: str, checks: Checks, rulebook: Rulebook, reader: Reader) -> None:
    interview = Interview.start(rulebook, reader)
    interview.answer("yes", NOW)
    for _ in LINK_IDS[:-1]:
        interview.answer("no", NOW)
    interview.answer(words, NOW)
    assert interview.decision is not None
    submission = Submission(dict.fromkeys(LINK_IDS[:-1], "no"), {}, words, None)
    assert checks.make(submission, Caller("address:1"), Request(None, ""))["outcome"] == interview.decision.outcome
