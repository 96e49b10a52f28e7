"""One-sentence cases of reading free words: what is found, and in which status."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.screening.reader import LONGEST_TEXT, Reader, raised
from tests.unit.screening.conftest import TODAY


def statuses(reader: Reader, text: str, condition: str) -> list[str]:
    return [f.status for f in reader.read(text, TODAY).findings if f.condition == condition]


@pytest.mark.parametrize(
    ("text", "condition", "status"),
    [
        ("I have varicose veins", "varicose_veins", "present"),
        ("vericose veins both legs", "varicose_veins", "present"),
        ("no varicose veins here", "varicose_veins", "absent"),
        ("not sure if I have varicose veins", "varicose_veins", "unsure"),
        ("my mum has varicose veins", "varicose_veins", "other_person"),
        ("my blod thinner is pink", "anticoagulants", "present"),
        ("Warferin 5mg", "anticoagulants", "present"),
        ("I sell pacemakers", "device", "other_person"),
        ("our dog has arthritis", "joint", "other_person"),
        ("the dvt was my sister's", "blood_clot", "other_person"),
        ("Kidney problems? That's my brother", "kidney_dysfunction", "other_person"),
        ("what even is osteomyelitis", "osteomyelitis", "hypothetical"),
        ("stitches when I was six", "recent_sutures", "past"),
        ("I had a stroke in 2010", "stroke", "present"),
        ("RA in both hands", "rheumatoid_arthritis", "present"),
        ("dont have diabetes", "diabetes", "absent"),
        ("neither heart trouble nor asthma", "lung", "absent"),
        ("never had cancer, never had surgery", "procedure", "absent"),
        ("no diabetes, cancer or stroke", "stroke", "absent"),
        ("no diabetes, on warfarin", "anticoagulants", "present"),
        ("my wife says I should mention the warfarin", "anticoagulants", "present"),
        ("my mum has RA and so do I", "rheumatoid_arthritis", "present"),
        ("my dad had a stroke and I take warfarin", "anticoagulants", "present"),
        ("my son who is coming to you has haemophilia", "bleeding_disorder", "present"),
        ("no history of dvt, pe, stroke, mi, no anticoagulants", "stroke", "absent"),
        ("no allergies, warfarin", "anticoagulants", "present"),
        ("Cancer took my aunt but I'm well", "cancer", "other_person"),
        ("heart disease on dad's side", "heart", "other_person"),
        ("the girl I share a car with is pregnant", "pregnancy", "other_person"),
        ("a lady from my choir is on dialysis", "kidney_dysfunction", "other_person"),
        ("my wife says the stent counts", "heart", "present"),
        ("gran had Huntington's and I've got it", "neurological", "present"),
        ("I fill this out for my grandfather, he is on dialysis", "kidney_dysfunction", "present"),
        ("I hand out warfarin all day", "anticoagulants", "other_person"),
        ("never been ill in my life until the leukaemia", "cancer", "present"),
        ("no day goes by without insulin", "diabetes", "unsure"),
        ("I've never not had asthma", "lung", "present"),
        ("no cancer yet", "cancer", "unsure"),
        ("no epilepsy as long as I take the tablets", "epilepsy", "unsure"),
        ("hepatitis, treated in 2017", "infection", "present"),
        ("had a scan last year, they found nothing at all", "awaiting_results", "absent"),
        ("my blood pressure is lovely", "uncontrolled_hypertension", "absent"),
        ("I've never had surgery", "procedure", "absent"),
        ("athlete's foot", "skin", "present"),
    ],
)
def test_a_mention_is_read_in_its_status(reader: Reader, text: str, condition: str, status: str) -> None:
    found = statuses(reader, text, condition)
    assert found
    assert set(found) == {status}


def test_an_exception_after_a_denial_is_present(reader: Reader) -> None:
    assert "present" in statuses(reader, "no blood thinners other than warfarin", "anticoagulants")


def test_a_correction_is_present(reader: Reader) -> None:
    assert "present" in statuses(reader, "I said no but actually I take warfarin", "anticoagulants")


@pytest.mark.parametrize(
    "text",
    [
        "I take warfarin. My dad is fine.",
        "I can't say I have no clots",
        "I don't not take a thinner",
        "not pregnant but we did an IUI on Saturday",
        "no conditions, just some hardware in the femur",
        "no unless insulin counts",
        "TIA but fine since",
        "no cancer any more!! they removed a piece of bowel",
        "my daughter gave me her impetigo",
    ],
)
def test_what_cannot_be_read_as_absent_counts(reader: Reader, text: str) -> None:
    assert not reader.read(text, TODAY).harmless


@pytest.mark.parametrize(
    "text",
    [
        "Привет, у меня диабет",
        "我有高血压",
        "tengo la presion alta y tomo pastillas",
        "ich nehme Tabletten und habe Zucker",
        "w\u0430rfarin daily",
        "😀😀😀",
        "x" * (LONGEST_TEXT + 1),
    ],
)
def test_what_is_not_readable_english_goes_to_the_therapist(reader: Reader, text: str) -> None:
    reading = reader.read(text, TODAY)
    assert not reading.readable
    assert not reading.harmless
    assert any(f.condition == "unclear" for f in reading.findings)


def test_hidden_characters_do_not_hide_a_word(reader: Reader) -> None:
    assert "present" in statuses(reader, "I take war\u200bfa\u200drin", "anticoagulants")


def test_evidence_is_the_clients_own_spelling(reader: Reader) -> None:
    (finding, *_) = reader.read("Vericose VEINS, left calf", TODAY).findings
    assert finding.evidence in ("Vericose VEINS", "Vericose")


@pytest.mark.parametrize(
    ("typed", "condition"),
    [
        ("hypertention", "uncontrolled_hypertension"),
        ("fibromalgia", "chronic_pain"),
        ("rumatoid", "rheumatoid_arthritis"),
        ("osteomielitis", "osteomyelitis"),
        ("clopidogrell", "anticoagulants"),
        ("diabetis", "diabetes"),
    ],
)
def test_a_misspelt_key_word_is_found(reader: Reader, typed: str, condition: str) -> None:
    assert statuses(reader, f"I have {typed}", condition)


@pytest.mark.parametrize("word", ["academic", "attention", "stretches", "dialogue", "heritage", "campaign", "season"])
def test_an_ordinary_word_is_not_taken_for_a_misspelling(reader: Reader, word: str) -> None:
    assert reader.vocabulary.correct(word) == word


def test_the_second_reader_is_asked_only_where_the_first_found_nothing(reader: Reader) -> None:
    class Spy:
        threshold = 0.2

        def __init__(self) -> None:
            self.asked: list[str] = []

        def scores(self, texts: Sequence[str]) -> Sequence[float]:
            self.asked.extend(texts)
            return [0.25] * len(texts)

    spy = Spy()
    both = Reader(reader.vocabulary, spy)
    assert both.read("I take warfarin", TODAY).findings
    assert spy.asked == []
    assert not both.read("only on my side please", TODAY).harmless
    assert both.read("my dad takes warfarin", TODAY).harmless
    assert not both.read("my twin's on warfarin, I'm on my side only", TODAY).harmless


def test_the_mini_pill_and_an_occasional_painkiller_are_no_medicine_that_counts(reader: Reader) -> None:
    assert reader.read("only the mini pill, and the odd ibuprofen", TODAY).harmless
    assert not reader.read("one ibuprofen three times a day", TODAY).harmless


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("I had asthma until I was seven, none since", True),
        ("I had asthma until I was seven", False),
        ("asthma since I was seven, none this week", False),
    ],
)
def test_a_childhood_illness_is_over_only_when_it_is_said_to_be(reader: Reader, text: str, harmless: bool) -> None:
    assert reader.read(text, TODAY).harmless is harmless


def test_a_denial_raises_the_second_readers_threshold_and_a_relative_does_not(reader: Reader) -> None:
    denied = reader.read("no warfarin", TODAY).findings
    relative = reader.read("my dad takes warfarin", TODAY).findings
    assert raised(0.2, denied) > 0.2
    assert raised(0.2, relative) == pytest.approx(0.2)
    assert raised(0.2, denied * 3) == raised(0.2, denied * 9) < 0.6


@pytest.mark.parametrize(("score", "harmless"), [(0.29, True), (0.3, False)])
def test_a_wholly_explained_text_still_goes_to_the_therapist_when_the_second_reader_doubts(
    reader: Reader, score: float, harmless: bool
) -> None:
    class Sure:
        threshold = 0.2

        def scores(self, texts: Sequence[str]) -> Sequence[float]:
            return [score] * len(texts)

    assert Reader(reader.vocabulary, Sure()).read("my dad takes warfarin", TODAY).harmless is harmless


def test_an_alarm_makes_the_text_urgent(reader: Reader) -> None:
    class Alarm:
        layer = "lexical"

        def check(self, text: str) -> Alarm:
            return self

    found = Reader(reader.vocabulary, alarm=Alarm()).read("anything", TODAY).findings
    assert found[0].listing == "urgent"
