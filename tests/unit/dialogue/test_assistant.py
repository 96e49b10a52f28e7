"""What the assistant says to parts that the NLU read; the NLU itself is tested elsewhere."""

from __future__ import annotations

from typing import Callable

import pytest
import sqlalchemy

from bot.dialogue.buttons import payload
from bot.dialogue.memory import KEPT_PASSAGES, Memory
from bot.dialogue.message import Message, Part
from bot.handout import Handout
from bot.nlu.thresholds import ANSWER, CLARIFY
from bot.screening import LINK_IDS
from bot.store.database import Database
from bot.store.models import Case, DecisionRecord
from tests.unit.dialogue.conftest import Talk, part

New = Callable[[], Talk]


def test_a_sure_reading_is_answered_from_its_passage(talk: New) -> None:
    one = talk()
    assert one.hear(part("handout/pain", "does it hurt?")) == ["answer"]
    assert one.sources == ["pain"]


def test_a_reading_at_the_threshold_is_answered_and_one_below_is_asked_back(talk: New) -> None:
    assert talk().hear(part("handout/pain", "hurts?", ANSWER)) == ["answer"]
    one = talk()
    below = part("handout/pain", "hurts?", ANSWER - 0.01, near=["handout/pain", "handout/bruising"])
    assert one.hear(below) == ["clarify"]
    assert one.reply is not None
    assert len(one.reply.messages[0].buttons) == 3


def test_a_reading_below_the_lower_threshold_is_not_guessed_at(talk: New) -> None:
    assert talk().hear(part("handout/pain", "hm", CLARIFY - 0.01)) == ["fallback"]


def test_the_second_failure_in_a_row_brings_in_the_therapist_and_an_answer_between_does_not(talk: New) -> None:
    one = talk()
    assert one.hear(part("nlu_fallback", "zzz")) == ["fallback"]
    assert one.hear(part("handout/pain", "does it hurt")) == ["answer"]
    assert one.hear(part("nlu_fallback", "zzz")) == ["fallback"]
    assert one.hear(part("nlu_fallback", "zzz")) == ["escalation"]


def test_parts_are_answered_in_order_and_small_talk_beside_them_is_left_out(talk: New) -> None:
    one = talk()
    kinds = one.hear(
        part("smalltalk/greeting", "hi"),
        part("handout/before_eat", "can I eat before"),
        part("not_in_handout/price", "how much is it"),
    )
    assert kinds == ["answer", "not_in_handout"]


def test_an_answer_from_the_handout_stands_in_no_line_with_those_who_write(talk: New, database: Database) -> None:
    one = talk()
    with database.transaction() as another:
        another.execute(sqlalchemy.text("UPDATE conversations SET channel = channel"))
        assert one.hear(part("handout/pain", "does it hurt?")) == ["answer"]


def test_what_a_turn_writes_is_taken_back_when_it_fails(talk: New, database: Database) -> None:
    one = talk()
    with pytest.raises(KeyError):
        one.hear(part("human/person", "a person please"), part("no_such_skill", "?"))
    with database.reading() as session:
        assert session.query(Case).count() == 0


def test_the_same_passage_is_told_once(talk: New) -> None:
    one = talk()
    assert one.hear(part("handout/pain", "hurt?"), part("handout/pain", "painful?")) == ["answer"]


def test_two_things_to_leave_out_in_one_part_are_both_answered(talk: New) -> None:
    one = talk()
    one.hear(part("handout/after_heat", "sauna or swimming after?"))
    assert one.sources == ["after_heat", "after_swimming"]


def test_a_thing_that_the_handout_does_not_name_is_not_given_to_the_nearest_rule(talk: New) -> None:
    one = talk()
    assert one.hear(part("handout/after_heat", "can I have a shower")) == ["not_in_handout"]


def test_a_named_thing_beside_one_that_is_not_named_gets_its_answer_too(talk: New) -> None:
    one = talk()
    assert one.hear(part("handout/after_heat", "sauna or a shower?")) == ["answer", "not_in_handout"]


def test_a_follow_up_without_anything_before_it_is_asked_back(talk: New) -> None:
    assert talk().hear(part("follow_up/how_long", "for how long?")) == ["clarify"]


def test_a_follow_up_is_read_against_the_last_passage(talk: New) -> None:
    one = talk()
    one.hear(part("handout/before_eat", "eat before?"))
    assert one.hear(part("follow_up/why", "why?")) == ["answer"]
    assert one.sources == ["before_eat"]


@pytest.mark.parametrize(
    ("words", "kinds", "sources"),
    [
        ("and the steam room?", ["answer"], ["after_heat"]),
        ("what about the sea", ["answer"], ["after_swimming"]),
        ("and a shower?", ["not_in_handout"], ["after_heat"]),
        ("and if I'm pregnant?", ["condition"], []),
    ],
)
def test_a_follow_up_takes_up_what_it_names(talk: New, words: str, kinds: list[str], sources: list[str]) -> None:
    one = talk()
    one.hear(part("handout/after_swimming", "can I swim?"))
    assert one.hear(part("follow_up/what_about", words)) == kinds
    assert one.sources == sources


def test_a_follow_up_on_what_the_handout_is_silent_about_stays_with_it(talk: New) -> None:
    one = talk()
    one.hear(part("not_in_handout/alcohol", "wine after?"))
    assert one.hear(part("follow_up/what_about", "just the one?")) == ["not_in_handout"]
    assert "alcohol" in one.texts[0]


@pytest.mark.parametrize(
    "words", ["how many days until I can swim?", "when can I swim again", "24h or 48 before a swim?"]
)
def test_a_time_that_the_handout_leaves_open_is_told_as_open(talk: New, words: str) -> None:
    one = talk()
    assert one.hear(part("handout/after_swimming", words)) == ["not_in_handout"]
    assert one.sources == ["after_swimming"]


def test_a_time_that_the_handout_gives_is_answered(talk: New) -> None:
    assert talk().hear(part("handout/bruising", "how long do bruises last")) == ["answer"]


def test_a_reading_far_ahead_of_the_next_is_answered_below_the_threshold(talk: New) -> None:
    clear = Part("hm", "handout", "handout/pain", 0.4, [("handout/pain", 0.4), ("handout/bruising", 0.1)])
    torn = Part("hm", "handout", "handout/pain", 0.4, [("handout/pain", 0.4), ("handout/bruising", 0.3)])
    assert talk().hear(clear) == ["answer"]
    assert talk().hear(torn) == ["clarify"]


def test_a_thing_asked_about_is_no_condition_of_the_client(talk: New) -> None:
    assert talk().hear(part("not_in_handout/painkiller", "can I take ibuprofen?")) == ["not_in_handout"]
    told = talk().hear(part("handout/after_swimming", "I take ibuprofen daily, can I swim?"))
    assert told[:2] == ["condition", "answer"]


def test_a_relative_who_is_to_be_treated_is_the_patient(talk: New) -> None:
    one = talk()
    one.hear(part("condition/kidney", "Mum has kidney disease, it's her I'm booking for"))
    assert one.sources == ["contraindications"]


def test_a_list_that_only_the_language_model_saw_is_told(talk: New) -> None:
    one = talk()
    one.hear(part("condition/sutures", "they sewed me up where I fell"))
    assert one.sources == ["contraindications"]


def test_a_condition_in_words_that_no_part_holds_is_noticed(talk: New) -> None:
    one = talk()
    words = "Why is a scar stiff? I ask because of my warfarin."
    assert one.hear(part("handout/scar_tissue", "Why is a scar stiff?"), text=words) == ["answer", "condition"]


def test_a_no_beside_a_question_is_small_talk_where_nothing_was_offered(talk: New) -> None:
    one = talk()
    assert one.hear(part("deny", "no"), part("handout/pain", "does it hurt?")) == ["answer"]


def test_a_no_and_a_question_in_the_screen_are_both_heard(talk: New) -> None:
    one = talk()
    start(one)
    assert one.hear(part("deny", "no"), part("handout/pain", "does it hurt?")) == ["answer", "question"]


def test_what_the_handout_leaves_open_is_offered_to_the_therapist(talk: New, database: Database) -> None:
    one = talk()
    one.hear(part("handout/after_swimming", "swim?"))
    assert one.hear(part("follow_up/how_long", "how long?")) == ["not_in_handout"]
    assert one.hear(part("affirm", "yes please")) == ["escalation"]
    with database.reading() as session:
        (reason,) = session.get(Case, 1001).reasons
        assert (reason.reason, reason.words) == ("question", "how long?")


@pytest.mark.parametrize(("words", "kind"), [("after 3 days", "answer"), ("after 4 days", "escalation")])
def test_a_bruise_is_normal_up_to_the_handouts_three_days(talk: New, words: str, kind: str) -> None:
    assert talk().hear(part("handout/bruising", f"still a bruise {words}")) == [kind]


def test_a_condition_beside_a_question_is_told_its_list_before_the_answer(talk: New) -> None:
    one = talk()
    assert one.hear(part("handout/after_swimming", "can I swim, I take warfarin")) == ["condition", "answer"]
    assert one.sources == ["modified", "after_swimming"]


def test_a_relatives_condition_is_not_the_clients(talk: New) -> None:
    one = talk()
    one.hear(part("condition/kidney", "my dad has kidney disease"))
    assert one.sources == []


def test_a_condition_that_no_reader_knows_is_never_cleared(talk: New) -> None:
    one = talk()
    assert one.hear(part("condition/other_cond", "my thing is acting up")) == ["condition"]
    assert one.reply is not None
    assert one.reply.messages[0].buttons


def test_an_alarm_that_only_the_language_model_read_is_answered_as_one(talk: New) -> None:
    assert talk().hear(part("emergency/chest_pain", "it squeezes")) == ["emergency"]


def test_an_alarm_of_no_known_category_is_still_answered(talk: New) -> None:
    assert talk().hear(part("emergency/unheard_of", "it squeezes")) == ["emergency"]


def start(one: Talk) -> None:
    one.hear(part("start_screen"))
    one.hear(part("affirm", "yes"))


def test_a_screen_with_nothing_but_no_ends_eligible_and_one_unsure_does_not(talk: New, database: Database) -> None:
    one = talk()
    start(one)
    for _ in LINK_IDS:
        kinds = one.hear(part("deny", "no"))
    assert kinds == ["decision"]
    start(one)
    one.hear(part("unsure", "not sure"))
    for _ in LINK_IDS[1:]:
        one.hear(part("deny", "no"))
    with database.reading() as session:
        assert sorted(row.outcome for row in session.query(DecisionRecord)) == ["eligible", "review"]


def test_words_in_a_question_that_tell_a_condition_reach_the_screen(talk: New, database: Database) -> None:
    one = talk()
    start(one)
    one.hear(part("handout/after_swimming", "can I swim with my dialysis fistula?"))
    assert one.reply is not None
    assert one.reply.messages[-1].kind in ("decision", "question")
    for _ in LINK_IDS:
        if one.reply.messages[-1].kind == "decision":
            break
        one.hear(part("deny", "no"))
    with database.reading() as session:
        (record,) = session.query(DecisionRecord)
        assert record.outcome in ("not_eligible", "review")


def test_a_correction_that_names_no_answer_sends_the_screen_to_the_therapist(talk: New, database: Database) -> None:
    one = talk()
    start(one)
    one.hear(part("deny", "no"))
    one.hear(part("correct_answer", "wait that last thing was wrong"))
    for _ in LINK_IDS:
        one.hear(part("deny", "no"))
    with database.reading() as session:
        assert [row.outcome for row in session.query(DecisionRecord)] == ["review"]


def test_a_button_of_another_screen_has_no_effect(talk: New) -> None:
    one = talk()
    start(one)
    entities = {"question": "recent_sutures", "value": "no", "screen": "another"}
    kinds = one.hear(part("deny"), text=payload("deny", **entities), entities=entities)
    assert kinds == ["notice", "question"]


def test_every_button_fits_telegrams_64_bytes_or_goes_by_reference(handout: Handout) -> None:
    # payloads of the screen carry the screen's id and may be longer: the channel refers to them
    assert max(len(payload("handout", passage=passage.id).encode()) for passage in handout.passages) <= 64


def test_a_message_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="known: answer"):
        Message("hello", "chatter")


def test_memory_keeps_the_newest_passages_once_each() -> None:
    memory = Memory()
    for passage in ("a", "b", "c", "a", "d"):
        memory.talked_about([passage])
    assert memory.passages == ["d", "a", "c"]
    assert len(memory.passages) == KEPT_PASSAGES


def test_memory_of_an_older_version_is_read_as_far_as_it_is_known() -> None:
    assert Memory.from_slot({"passages": ["a"], "gone": 1}) == Memory(passages=["a"])
    assert Memory.from_slot(None) == Memory()
