"""Which text a client's words ask for."""

from __future__ import annotations

import pytest

from bot.handout import Handout


@pytest.mark.parametrize(
    ("passage", "text", "name"),
    [
        ("after_heat", "Can I go to the sauna tonight?", "sauna"),
        ("after_heat", "and the steam room?", "steam room"),
        ("after_heat", "JACUZZI", "hot tub"),
        ("after_heat", "turkish bath on friday", "steam room"),
        ("after_heat", "is a suana ok", "sauna"),
        ("after_swimming", "laps tomorrow", "laps"),
        ("after_swimming", "swim in the lake?", "sea, lake and river"),
        ("after_exercise", "marathon on sunday", "marathon or race"),
        ("after_exercise", "a gentle walk", "walking"),
        ("after_exercise", "can i run", "running"),
        ("after_sun", "tanning bed?", "sunbed"),
        ("after_other_therapy", "cupping again when", "cupping"),
        ("after_other_therapy", "acupunture this week", "acupuncture"),
        ("before_clothing", "tank tops okay?", "tank top"),
        ("before_eat", "can I come fasted", "an empty stomach"),
        ("after_eat", "pizza tonight?", "fatty food"),
        ("after_eat", "a steak", "meat"),
        ("bruising", "got hickeys all over", "marks"),
        ("scar_tissue", "what was that about spagetti", "the spaghetti picture"),
        ("adhesion", "the t-shirt thing", "the t-shirt picture"),
        ("frequency", "How many sessions will I need?", "number of sessions"),
        ("contraindications", "fresh stitches?", "recent stitches"),
        ("contraindications", "hypertention", "high blood pressure that isn't under control"),
        ("modified", "vericose veins", "varicose veins"),
        ("modified", "I'm on Eliquis", "blood thinners"),
    ],
)
def test_the_answer_is_about_the_thing_that_was_named(handout: Handout, passage: str, text: str, name: str) -> None:
    specific = handout.specific(passage, text)
    assert specific is not None
    assert specific.name == name
    assert handout.answer(passage, text).text == specific.answer
    assert text[specific.start : specific.end].strip()


@pytest.mark.parametrize(
    ("passage", "text"),
    [
        ("after_heat", "can i use a heat pack"),
        ("after_heat", "what should I avoid?"),
        ("after_heat", "letting off steam about my boss"),
        ("after_exercise", "im running late"),
        ("after_other_therapy", "is my massage gun ok"),
        ("modified", "please cancel"),
        ("contraindications", "I have hypotension"),
    ],
)
def test_words_that_only_look_like_a_named_thing_get_no_answer_of_their_own(
    handout: Handout, passage: str, text: str
) -> None:
    assert handout.specific(passage, text) is None


def test_two_named_things_are_answered_by_the_passage_as_a_whole(handout: Handout) -> None:
    answer = handout.answer("after_heat", "sauna or steam room?")
    assert answer.text == handout.passage("after_heat").answer
    assert answer.sources == ("after_heat",)


def test_one_thing_named_twice_is_still_one_thing(handout: Handout) -> None:
    assert "sauna" in handout.answer("after_heat", "sauna, I mean the infrared sauna").text


def test_mentions_over_all_passages_come_in_order_with_their_place(handout: Handout) -> None:
    text = "Can I swim, and is the steam room fine?"
    found = handout.find_specifics(text)
    assert [(mention.passage, mention.term) for mention in found] == [
        ("after_swimming", "swim"),
        ("after_heat", "steam room"),
    ]
    assert [text[mention.start : mention.end] for mention in found] == ["swim", "steam room"]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("can I take a shower", "shower"),
        ("hot bath tonight", "bath"),
        ("is yoga ok", "stretching"),
        ("should i ice it", "ice"),
        ("can i drink wine", "alcohol"),
        ("coffee before?", "coffee"),
        ("can I drive home", "driving"),
        ("will it hurt my tattoo", "tattoo"),
        ("shaving my legs", "shaving"),
        ("makeup over it", "makeup"),
        ("deodorant?", "deodorant"),
        ("moisturiser on it", "skincare"),
        ("arnica gel", "arnica"),
        ("ibuprofen tonight", "painkiller"),
        ("can we have sex", "sex"),
        ("flying tomorrow", "flying"),
        ("can i sleep on my side", "sleep"),
        ("can I go to work", "work"),
        ("heat packs", "heat_pack"),
        ("massage gun", "massage_gun"),
    ],
)
def test_an_everyday_thing_that_the_handout_does_not_name_is_known_as_such(
    handout: Handout, text: str, topic: str
) -> None:
    assert [found.topic for found in handout.find_not_named(text)] == [topic]


@pytest.mark.parametrize(
    "text", ["sauna", "whirlpool bath", "Turkish bath", "ice cream after", "swimming costume", "pool table"]
)
def test_a_longer_term_wins_over_the_shorter_one_inside_it(handout: Handout, text: str) -> None:
    assert handout.find_not_named(text) == []


def test_invisible_characters_and_accents_do_not_hide_a_word(handout: Handout) -> None:
    found = handout.find_specifics("sa\u200buna? SAÚNA?")
    assert [mention.passage for mention in found] == ["after_heat", "after_heat"]


@pytest.mark.parametrize("text", ["", "   ", "🍕🍕🍕", "???", "\u200b", "x" * 2000, "a " * 1000])
def test_text_without_known_words_names_nothing(handout: Handout, text: str) -> None:
    assert handout.find_specifics(text) == []
    assert handout.find_not_named(text) == []
    assert handout.answer("after_heat", text).text == handout.passage("after_heat").answer


def test_how_many_days_is_answered_about_the_activity_that_was_named(handout: Handout) -> None:
    found = handout.not_covered("how_many_days", "how many days until i can swim")
    assert found.sources == ("after_swimming",)
    assert "swimming" in found.text
    assert "no number of days" in found.text


def test_how_many_days_without_an_activity_says_that_there_is_no_number(handout: Handout) -> None:
    found = handout.not_covered("how_many_days", "how many days is it")
    assert found.sources == ()
    assert "no number of days" in found.text


def test_a_close_passage_is_told_after_the_sentence_that_the_topic_is_not_covered(handout: Handout) -> None:
    found = handout.not_covered("shower")
    assert found.text.startswith("The handout doesn't say anything about showers.")
    assert found.sources == ("after_heat",)


def test_an_unknown_topic_is_served_as_not_covered_all_the_same(handout: Handout) -> None:
    assert handout.not_covered("something_new").topic == "other"


def test_a_follow_up_without_text_is_none_and_the_general_sentence_names_the_passage(handout: Handout) -> None:
    assert handout.follow_up("gua_sha", "already_did") is None
    general = handout.no_answer("gua_sha", "already_did")
    assert handout.passage("gua_sha").title in general.text
    assert general.sources == ("gua_sha",)
    assert not general.answers


def test_what_the_handout_leaves_open_is_told_apart_from_an_answer(handout: Handout) -> None:
    assert handout.answer("after_sun", "can i tan").answers
    assert not handout.answer("after_sun", "sunbed ok?").answers
    assert not handout.answer("after_exercise", "a walk?").answers
    why = handout.follow_up("before_eat", "why")
    assert why is not None
    assert why.answers
    why = handout.follow_up("after_heat", "why")
    assert why is not None
    assert not why.answers


def test_a_text_is_said_with_its_placeholders_filled_in(handout: Handout) -> None:
    said = handout.say("passed_on.human", case="C-1042", when="tomorrow by noon")
    assert "C-1042" in said
    assert "tomorrow by noon" in said


@pytest.mark.parametrize("values", [{}, {"case": "C-1"}, {"case": "C-1", "when": "soon", "name": "X"}])
def test_a_missing_or_surplus_placeholder_is_an_error(handout: Handout, values: dict[str, str]) -> None:
    with pytest.raises(KeyError, match="passed_on.human"):
        handout.say("passed_on.human", **values)


def test_an_unknown_text_is_an_error(handout: Handout) -> None:
    with pytest.raises(KeyError, match="greetings.first"):
        handout.say("greetings.first")


def test_an_unknown_passage_is_an_error(handout: Handout) -> None:
    with pytest.raises(KeyError):
        handout.passage("after_bath")


def test_a_kind_of_off_topic_message_without_its_own_text_gets_the_common_one(handout: Handout) -> None:
    assert handout.out_of_scope("joke") == handout.out_of_scope("default")
    assert handout.out_of_scope("injection") != handout.out_of_scope("default")


def test_an_unknown_group_of_conditions_has_no_name(handout: Handout) -> None:
    assert handout.condition("no_such_group") is None
