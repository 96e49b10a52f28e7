"""A reading weighed with the words and with what was said before."""

from __future__ import annotations

import pytest

from bot.dialogue.context import Context
from bot.dialogue.memory import Memory
from bot.dialogue.message import Part
from bot.handout import Handout


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(Handout.load())


def part(text: str, **shares: float) -> Part:
    """A part whose ranking is given as `group__topic=share`, best first."""
    ranking = [(name.replace("__", "/"), share) for name, share in shares.items()]
    key, confidence = ranking[0]
    return Part(text, key.partition("/")[0], key, confidence, ranking)


def test_a_thing_of_the_handout_speaks_for_its_passage(context: Context) -> None:
    unsure = part("hm the sauna", out_of_scope__trivia=0.4, handout__after_heat=0.3, handout__pain=0.1)
    assert context.weigh(unsure, Memory()).key == "handout/after_heat"


def test_a_thing_that_the_handout_does_not_name_speaks_against_the_nearest_rule(context: Context) -> None:
    unsure = part("prosecco later?", handout__after_fluids=0.5, not_in_handout__alcohol=0.3)
    weighed = context.weigh(unsure, Memory())
    assert (weighed.intent, weighed.topic) == ("not_in_handout", "alcohol")


def test_toast_is_eaten_before_or_after_as_was_just_talked_about(context: Context) -> None:
    torn = part("toast?", handout__after_eat=0.52, handout__before_eat=0.44)
    assert context.weigh(torn, Memory(passages=["before_eat"])).key == "handout/before_eat"
    assert context.weigh(torn, Memory(passages=["after_eat"])).key == "handout/after_eat"


@pytest.mark.parametrize(
    ("text", "key"), [("water beforehand", "before_hydrate"), ("water once i'm home", "after_fluids")]
)
def test_before_and_after_are_told_apart_by_the_words(context: Context, text: str, key: str) -> None:
    torn = part(text, handout__before_hydrate=0.45, handout__after_fluids=0.45)
    assert context.weigh(torn, Memory()).topic == key


@pytest.mark.parametrize("group", ["condition__kidney", "emergency__stroke", "after_effect__x"])
def test_a_disclosure_is_never_weighed_away(context: Context, group: str) -> None:
    told = part("sauna", **{group: 0.4, "handout__after_heat": 0.39})
    assert context.weigh(told, Memory(passages=["after_heat"])) == told


def test_no_weight_turns_a_question_into_a_disclosure(context: Context) -> None:
    asked = part("what's that", explain_question=0.6, condition__drug=0.3, handout__pain=0.01)
    assert context.weigh(asked, Memory()).intent == "explain_question"


def test_a_question_about_the_screen_is_none_where_no_screen_is_open(context: Context) -> None:
    asked = part("what is it", explain_question=0.93, handout__what_is_iastm=0.06)
    assert context.weigh(asked, Memory()).key == "handout/what_is_iastm"


def test_why_asks_about_what_was_said_where_no_screen_is_open(context: Context) -> None:
    assert context.weigh(part("why", why_asked=0.9), Memory(passages=["before_eat"])).key == "follow_up/why"


def test_shares_stay_shares(context: Context) -> None:
    weighed = context.weigh(part("the sauna after", handout__after_heat=0.9, handout__pain=0.05), Memory())
    assert 0.9 <= weighed.confidence <= 1.0
    assert sum(share for _, share in weighed.ranking) <= 1.0001
