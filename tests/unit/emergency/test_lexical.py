"""What the terms find, one client's sentence a case."""

from __future__ import annotations

import pytest

from bot.emergency import EmergencyDetector
from bot.emergency.lexical import LexicalReader
from bot.emergency.rules import load_rules

PRESENT = [
    ("chest_pain", "There is a crushing pain in my chest."),
    ("breathing", "I can't get enough air."),
    ("stroke", "One side of her face has dropped and her arm is weak."),
    ("clot_leg", "My left calf is swollen, hot and painful."),
    ("thunderclap_headache", "A sudden headache hit me, the worst of my life."),
    ("cauda_equina", "I am numb between my legs and can't hold my pee."),
    ("infection_sepsis", "The redness is spreading and I have a fever of 39."),
    ("rhabdo", "My urine is the colour of cola and my thighs are swollen."),
    ("bleeding", "The cut won't stop bleeding."),
    ("vomit_cough_blood", "I have been coughing up blood."),
    ("fainting", "I passed out in the car park."),
    ("allergy", "My tongue is swollen and I have hives."),
    ("compartment", "My forearm is rock hard and my fingers are numb."),
    ("neck_artery", "Since you worked on my neck I see double."),
    ("suicidal", "I don't want to live any more."),
    ("other_urgent", "My husband is having a seizure on the floor."),
]
TYPOS = [
    ("chest_pain", "chst pain rn"),
    ("breathing", "cnt breathe"),
    ("stroke", "his speach is slured and left arm is numb"),
    ("clot_leg", "swolen calf and its hot"),
    ("thunderclap_headache", "suden hedache worst ever"),
    ("cauda_equina", "num between my legs"),
    ("infection_sepsis", "red spreding and feaver"),
    ("rhabdo", "urin like coke"),
    ("bleeding", "blod wont stop"),
    ("vomit_cough_blood", "coughin up blud"),
    ("fainting", "i faintd and colapsed"),
    ("allergy", "tounge swelling up"),
    ("compartment", "forarm rock hard n fingers numbb"),
    ("neck_artery", "dizy and blury vision after my neck session"),
    ("suicidal", "i feel suicidle"),
    ("other_urgent", "shes having a siezure on the floor help"),
]
PLAYED_DOWN = [
    ("stroke", "prob nothing but my left arm is numb and my face feels droopy"),
    ("chest_pain", "I don't want to make a fuss, but my chest is tight and my jaw aches"),
    ("bleeding", "Silly question, it's a tiny cut, only the bleeding hasn't stopped for an hour"),
    ("breathing", "No to diabetes, no to blood pressure, and I can't breathe properly"),
]
THIRD_PERSON = [
    ("fainting", "my husband collapsed and he isn't waking up"),
    ("chest_pain", "Dad is holding his chest and sweating"),
    ("suicidal", "my son says he wants to kill himself"),
    ("allergy", "my daughter's lips are swelling up"),
]
OTHER_LANGUAGES = [
    ("breathing", "no puedo respirar"),
    ("breathing", "Ich bekomme keine Luft"),
    ("chest_pain", "J'ai une douleur à la poitrine, mal à la poitrine"),
]
NEGATED = [
    "No chest pain, no fever and no shortness of breath.",
    "I don't have any numbness between my legs.",
    "chest pain: no, fainting: no",
    "My tongue isn't swollen.",
    "I never coughed up blood.",
    "The bruise is sore but there is no numbness and no swelling in the calf.",
]
PAST = [
    "Had a heart attack in 2009, all fine since.",
    "I fainted at school when I was twelve.",
    "I was suicidal in my twenties and have been well for years.",
    "I used to cough up blood as a child, cured long ago.",
    "Chest pain years ago, fully recovered.",
]
FIGURATIVE = [
    "this price is giving me a heart attack",
    "I'm dying to try it",
    "that last session nearly killed me haha",
    "I'm bleeding money this month",
    "work is killing me, can I come tomorrow",
    "drowning in work, can we move to next month",
    "It cost an arm and a leg",
    "Different strokes for different folks",
]
HYPOTHETICAL = [
    "Can it cause a stroke?",
    "Can scraping trigger a heart attack in healthy people?",
    "What if I faint during the session?",
    "Just curious, does cupping ever give people blood clots?",
]
RELATIVES = [
    "My grandad died of a heart attack at 60.",
    "My mum had a stroke last year.",
    "Dad fainted at every vaccination of his life.",
]
FIGURES_OF_MORE_THAN_ONE_WORD = [
    "trying to fill in your form and having a stroke trying",
    "suicide grip on the bench, is it bad for my shoulder?",
    "Heart rate hit 190 on sprints, right on target.",
    "can't feel my legs lol squats were brutal",
    "My lip is numb from the dentist, back by four",
    "goodbye cruel world, back to the office monday",
    "my plants keep committing suicide",
]
TRIFLES = [
    "My nose bled for one second and stopped by itself",
    "Paper cut, three drops, plaster on",
    "Gums bleed when I floss, dentist knows",
]
ORDINARY = [
    "My chest muscles are tight from bench press, can you help?",
    "My calves are both tight after the run.",
    "I have a numbing cream, may I use it?",
    "The red marks are still there after two days.",
    "Is it a stroke of luck or do you always have a gap on Tuesday?",
    "",
    "🙂",
    "sauna ok?",
]


#: Below and above the line of each reading: the same picture, harmless and urgent.
EITHER_SIDE = [
    ("figure of speech", "work is killing me", "I keep thinking of killing myself"),
    ("figure of speech", "this invoice gave me a heart attack", "I think I'm having a heart attack"),
    ("past", "chest pain years ago, all fine", "chest pain last night, and again now"),
    ("somebody's history", "my uncle had a stroke in 2010", "my uncle's face is drooping and his arm is weak"),
    ("negation", "no chest pain", "no chest pain for years, but now there is pressure in my chest"),
    ("general question", "can it cause a stroke?", "can it cause a stroke? my face is drooping on one side"),
    ("trifle", "paper cut, bleeding's nearly done", "the paper cut won't stop bleeding"),
    ("after-effect", "my calf is tender where you worked", "my left calf is swollen, hot and tender"),
    ("long known", "lupus rash on my cheeks for years", "a rash everywhere and my throat is closing"),
    ("posture", "lying on my front hurts my neck", "since you worked on my neck I see double"),
    ("cancelling", "I won't be needing Thursday's appointment", "I won't be alive by Thursday"),
    ("animal", "the dog had a seizure but he's fine", "my son is having a seizure"),
    ("exertion", "gasping after the finish line", "gasping for air on the sofa"),
]


@pytest.fixture(scope="module")
def reader() -> LexicalReader:
    return LexicalReader(load_rules())


def _name(case: object) -> str:
    return case if isinstance(case, str) else ""


@pytest.mark.parametrize(
    ("category", "text"), PRESENT + TYPOS + PLAYED_DOWN + THIRD_PERSON + OTHER_LANGUAGES, ids=_name
)
def test_an_alarming_message_raises_its_category(detector: EmergencyDetector, category: str, text: str) -> None:
    emergency = detector.check(text)
    assert emergency is not None
    assert emergency.category == category
    assert emergency.layer == "lexical"


@pytest.mark.parametrize(
    "text",
    NEGATED + PAST + FIGURATIVE + FIGURES_OF_MORE_THAN_ONE_WORD + HYPOTHETICAL + RELATIVES + TRIFLES + ORDINARY,
    ids=_name,
)
def test_a_message_that_only_sounds_alarming_raises_none(detector: EmergencyDetector, text: str) -> None:
    assert detector.check(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "I had a DVT in 2019 and now my calf is swollen and hot again",
        "I fainted once as a kid, and today I passed out in the shower",
        "Nothing wrong for years, but right now there is pressure in my chest",
        "Can it cause a stroke? My face is drooping on one side",
        "This price gave me a heart attack lol. No really, my chest hurts and my arm is numb",
    ],
)
def test_an_alarm_of_now_survives_what_is_past_asked_or_joked_beside_it(detector: EmergencyDetector, text: str) -> None:
    assert detector.check(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "ＣＨＥＳＴ ＰＡＩＮ",
        "ch\u200best pa\u200bin",
        "chesssst paaain",
        "CHEST... PAIN",
        "my ch\u0435st hurts a lot",
        "chestpain",
        "I can not breathe",
        "I cannot breathe",
        "The bleeding will not stop",
    ],
)
def test_what_hides_a_word_from_a_list_is_undone(detector: EmergencyDetector, text: str) -> None:
    assert detector.check(text) is not None


@pytest.mark.parametrize(("reading", "harmless", "urgent"), EITHER_SIDE, ids=_name)
def test_the_same_picture_is_read_on_either_side_of_the_line(
    reader: LexicalReader, reading: str, harmless: str, urgent: str
) -> None:
    assert reader.read(harmless).says != "strong", reading
    assert reader.read(urgent).says == "strong", reading


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("suicidal", "I have been saving up his old tablets, there is a drawer full."),
        ("suicidal", "You can give my slot away, everyone will be better off."),
        ("suicidal", "got the rifle out on the table"),
        ("suicidal", "Passive SI for weeks"),
        ("suicidal", "i dont even want to be here no more"),
        ("suicidal", "sitting in the garage with the engine on"),
        ("suicidal", "I stopped my insulin on purpose"),
        ("suicidal", "what's wrong with being tired of living"),
        ("breathing", "RR 30, sats 88"),
        ("cauda_equina", "Retention, reduced perianal sensation"),
        ("bleeding", "Epistaxis for 45 minutes despite pressure, patient anticoagulated"),
        ("neck_artery", "Since ye did ma neck the room is birling"),
        ("chest_pain", "squeezin behind me ribs since noon"),
    ],
    ids=_name,
)
def test_passive_wishes_shorthand_and_dialect_are_suspected_at_least(
    reader: LexicalReader, category: str, text: str
) -> None:
    alarm = reader.read(text).alarm
    assert alarm is not None
    assert alarm.category == category


def test_the_evidence_is_the_clients_own_words(detector: EmergencyDetector) -> None:
    text = "Thanks for Monday! Now I’ve got CHST PAIN though."
    emergency = detector.check(text)
    assert emergency is not None
    assert emergency.evidence in text
    assert "CHST" in emergency.evidence


def test_a_message_is_rendered_with_both_numbers(detector: EmergencyDetector) -> None:
    emergency = detector.check("chest pain")
    assert emergency is not None
    rendered = emergency.render(emergency_number="999", practice_phone="01234 567890")
    assert "999" in rendered
    assert "01234 567890" in rendered
    assert "{" not in rendered


def test_thoughts_of_suicide_are_answered_kindly_and_not_with_the_handout(detector: EmergencyDetector) -> None:
    emergency = detector.check("I want to kill myself")
    assert emergency is not None
    assert "glad you told me" in emergency.message
    assert "handout" not in emergency.message


def test_a_figure_of_speech_about_suicide_asked_as_a_question_still_counts(detector: EmergencyDetector) -> None:
    assert detector.check("what if I kill myself") is not None
