"""The Questionnaire is valid FHIR R4, hides nothing, and its responses are read as plain answers are."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from bot.eligibility.fhir import CANONICAL, CONSENT_EXTENSION, questionnaire, read_response
from bot.eligibility.submission import InvalidSubmission, Submission
from bot.screening.rulebook import LINK_IDS, Rulebook, default_rulebook

CONSENT = {"url": CONSENT_EXTENSION, "valueBoolean": True}


def coded(link_id: str, code: str, *nested: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"valueCoding": {"code": code}}
    return {"linkId": link_id, "answer": [{**answer, "item": list(nested)} if nested else answer]}


def worded(link_id: str, words: str) -> dict[str, Any]:
    return {"linkId": link_id, "answer": [{"valueString": words}]}


def response(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    made = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{CANONICAL}|{default_rulebook().version}",
        "status": "completed",
        "extension": [CONSENT],
        "item": list(items),
        **fields,
    }
    return {name: value for name, value in made.items() if value is not None}


def refused(body: dict[str, Any], rulebook: Rulebook) -> dict[str, str]:
    with pytest.raises(InvalidSubmission) as caught:
        read_response(body, rulebook)
    return {error.field: error.detail for error in caught.value.errors}


def test_the_questionnaire_is_valid_for_an_independent_library(rulebook: Rulebook) -> None:
    read = Questionnaire.parse_obj(questionnaire(rulebook))
    assert read.version == rulebook.version
    assert len(read.item) == len(LINK_IDS)


def test_the_questions_are_the_contracts_and_take_yes_no_or_unsure(rulebook: Rulebook) -> None:
    items = questionnaire(rulebook)["item"]
    assert [item["linkId"] for item in items] == list(LINK_IDS)
    for item in items[:-1]:
        assert item["type"] == "choice"
        assert [option["valueCoding"]["code"] for option in item["answerOption"]] == ["yes", "no", "unsure"]
    assert items[-1]["type"] == "text"


def test_only_a_follow_up_can_be_hidden_and_only_by_its_parents_answer(rulebook: Rulebook) -> None:
    for item in questionnaire(rulebook)["item"]:
        assert "enableWhen" not in item
        assert "extension" not in item
        for nested in item.get("item", []):
            assert nested["enableWhen"] == [
                {"question": item["linkId"], "operator": "=", "answerCoding": {"code": "yes"}}
            ]
            assert nested["enableBehavior"] == "any"
            assert "extension" not in nested
            assert nested["enableWhen"][0]["answerCoding"] in [
                {"code": option["valueCoding"]["code"]} for option in item["answerOption"]
            ]


def test_every_follow_up_of_the_rules_is_asked(rulebook: Rulebook) -> None:
    asked = {nested["linkId"] for item in questionnaire(rulebook)["item"] for nested in item.get("item", [])}
    assert asked == {follow_up.id for item in rulebook.items for follow_up in item.follow_ups}


def test_a_response_is_read_as_the_same_plain_answers_would_be(rulebook: Rulebook) -> None:
    body = response(
        coded(
            "recent_sutures", "yes", coded("recent_sutures.when", "over_limit"), worded("recent_sutures.where", "knee")
        ),
        coded("cancer", "no"),
        worded("other", "I like firm pressure"),
        identifier={"value": "booking-7"},
    )
    QuestionnaireResponse.parse_obj(body)
    assert read_response(body, rulebook) == Submission(
        {"recent_sutures": "yes", "cancer": "no"},
        {"recent_sutures.when": "over_limit", "recent_sutures.where": "knee"},
        "I like firm pressure",
        "booking-7",
    )


def test_follow_ups_are_found_below_the_item_too(rulebook: Rulebook) -> None:
    item = {**coded("hematoma", "yes"), "item": [coded("hematoma.now", "gone")]}
    assert read_response(response(item), rulebook).follow_ups == {"hematoma.now": "gone"}


@pytest.mark.parametrize("extension", [None, [], [{**CONSENT, "valueBoolean": False}], "yes", [{"url": "urn:other"}]])
def test_a_response_without_consent_is_refused_and_told_how_to_send_it(rulebook: Rulebook, extension: object) -> None:
    assert CONSENT_EXTENSION in refused(response(extension=extension), rulebook)["consent"]


def test_consent_can_be_sent_beside_the_resource_but_not_against_it(rulebook: Rulebook) -> None:
    assert read_response(response(extension=None), rulebook, consent=True).answers == {}
    against = response(extension=[{**CONSENT, "valueBoolean": False}])
    with pytest.raises(InvalidSubmission, match="consent"):
        read_response(against, rulebook, consent=True)


@pytest.mark.parametrize("named", [f"{CANONICAL}|0.9", f"{CANONICAL}|", "urn:another", 5, "https://x.example/form|1.1"])
def test_a_response_to_another_questionnaire_or_version_is_refused(rulebook: Rulebook, named: object) -> None:
    if named == f"{CANONICAL}|":
        assert read_response(response(questionnaire=named), rulebook)
        return
    assert f"{CANONICAL}|{rulebook.version}" in refused(response(questionnaire=named), rulebook)["questionnaire"]


@pytest.mark.parametrize("status", ["entered-in-error", "stopped", None, "done"])
def test_a_response_that_is_withdrawn_or_of_no_status_is_refused(rulebook: Rulebook, status: object) -> None:
    assert "completed" in refused(response(status=status), rulebook)["status"]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"linkId": "diabetes", "answer": []}, "item[0].linkId"),
        ({"linkId": "cancer", "answer": [{"valueBoolean": False}]}, "item[0].answer"),
        ({"linkId": "cancer", "answer": [{"valueString": "no"}]}, "item[0].answer"),
        ({"linkId": "cancer", "answer": [{"valueCoding": {"code": "nope"}}]}, "item[0].answer"),
        ({"linkId": "cancer", "answer": [{"valueCoding": {"display": "No"}}]}, "item[0].answer"),
        ({"linkId": "cancer", "answer": "no"}, "item[0].answer"),
        ({"linkId": "cancer", "answer": [{"valueCoding": {"code": c}} for c in ("yes", "no")]}, "item[0].answer"),
        ({"linkId": "other", "answer": [{"valueString": "x" * 4001}]}, "item[0].answer"),
        ({"linkId": "other", "answer": [{"valueCoding": {"code": "no"}}]}, "item[0].answer"),
        ({"answer": []}, "item[0]"),
        ("cancer", "item[0]"),
        ({"linkId": "cancer", "item": {"linkId": "hematoma"}}, "item[0].item"),
    ],
)
def test_an_answer_of_the_wrong_kind_names_its_place(rulebook: Rulebook, item: Any, field: str) -> None:
    assert field in refused(response(item), rulebook)


@pytest.mark.parametrize("second", ["yes", "unsure"])
def test_one_question_with_two_answers_is_refused(rulebook: Rulebook, second: str) -> None:
    told = refused(response(coded("cancer", "no"), coded("cancer", second)), rulebook)
    assert "twice" in told["item[1].answer"]


def test_another_resource_is_refused(rulebook: Rulebook) -> None:
    assert "resourceType" in refused({"resourceType": "Patient"}, rulebook)


@pytest.mark.parametrize("identifier", [None, "booking-7", ["booking-7"], {"value": None}, {"value": 7}, {"value": ""}])
def test_an_identifier_that_cannot_be_read_is_refused(rulebook: Rulebook, identifier: object) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        read_response({**response(coded("cancer", "no")), "identifier": identifier}, rulebook)
    assert caught.value.errors[0].field.startswith("identifier")


@pytest.mark.parametrize("asked", [None, 7, ["urn:iastm-assistant:eligibility"]])
def test_a_questionnaire_that_is_no_address_is_refused(rulebook: Rulebook, asked: object) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        read_response({**response(coded("cancer", "no")), "questionnaire": asked}, rulebook)
    assert caught.value.errors[0].field == "questionnaire"
