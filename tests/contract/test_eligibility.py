"""The eligibility API of the contract, on the running server: shapes, refusals, access, retries."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Dict

import httpx
import jwt
import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from bot.eligibility.fhir import CANONICAL, CONSENT_EXTENSION
from bot.screening import LINK_IDS
from tests.conftest import API_KEY, Client, Running

DECISION = {
    "id", "outcome", "findings", "unanswered", "message", "rules_version", "decided_at", "valid_until", "token", "case"
}  # fmt: skip
FINDING = {"condition", "status", "origin", "evidence", "source"}
LISTED_NO = dict.fromkeys(LINK_IDS[:-1], "no")
ALL_NO = dict.fromkeys(LINK_IDS, "no")
BY_KEY = {"X-API-Key": API_KEY}


@pytest.fixture
def site(assistant: Running) -> httpx.Client:
    """A booking site's way to the API, without a key."""
    return httpx.Client(base_url=assistant.url, timeout=30)


def check(site: httpx.Client, body: Any = None, **headers: str) -> httpx.Response:
    return site.post("/eligibility/checks", json=body, headers=headers)


def made(site: httpx.Client, **body: Any) -> Dict[str, Any]:
    response = check(site, {"consent": True, **body})
    assert response.status_code == 201, response.text
    decision = response.json()
    assert set(decision) == DECISION
    assert all(set(finding) == FINDING for finding in decision["findings"])
    return decision


def problem(response: httpx.Response, status: int) -> Dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["detail"].endswith(".")
    return body


def filled(*items: Dict[str, Any], **fields: Any) -> bytes:
    """A QuestionnaireResponse with consent."""
    made = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": CANONICAL,
        "status": "completed",
        "extension": [{"url": CONSENT_EXTENSION, "valueBoolean": True}],
        "item": list(items),
        **fields,
    }
    return json.dumps(made).encode()


def fhir(site: httpx.Client, content: bytes, path: str = "/eligibility/checks") -> httpx.Response:
    return site.post(path, content=content, headers={"Content-Type": "application/fhir+json"})


def coded(link_id: str, code: str) -> Dict[str, Any]:
    return {"linkId": link_id, "answer": [{"valueCoding": {"code": code}}]}


def test_the_questionnaire_is_fhir(site: httpx.Client) -> None:
    response = site.get("/eligibility/questionnaire")
    assert response.headers["content-type"] == "application/fhir+json"
    assert [item.linkId for item in Questionnaire.parse_obj(response.json()).item] == list(LINK_IDS)


def test_no_to_everything_is_eligible_and_its_token_is_verified_with_the_published_key(
    assistant: Running, site: httpx.Client
) -> None:
    decision = made(site, answers=ALL_NO, reference="booking-7")
    assert decision["outcome"] == "eligible"
    assert decision["unanswered"] == []
    assert decision["case"] is None
    assert {finding["status"] for finding in decision["findings"]} == {"absent"}
    assert datetime.fromisoformat(decision["valid_until"].replace("Z", "+00:00")).tzinfo is not None
    key = jwt.PyJWKClient(f"{assistant.url}/.well-known/jwks.json").get_signing_key_from_jwt(decision["token"]).key
    claims = jwt.decode(
        decision["token"], key, algorithms=["ES256"], audience="booking", issuer="iastm-assistant",
        options={"require": ["exp", "jti", "iss", "aud"]},
    )  # fmt: skip
    assert set(claims) == {"iss", "aud", "sub", "jti", "iat", "exp"}


@pytest.mark.parametrize(
    ("answers", "text", "outcome"),
    [
        ({**ALL_NO, "osteomyelitis": "yes"}, None, "not_eligible"),
        ({**ALL_NO, "varicose_veins": "yes"}, None, "modified"),
        ({**ALL_NO, "cancer": "unsure"}, None, "review"),
        ({**ALL_NO, "other": "yes"}, None, "review"),
        (ALL_NO, "I take warfarin", "review"),
        (LISTED_NO, "I am 20 weeks pregnant", "review"),
        (LISTED_NO, "I sit at a desk all day", "eligible"),
        (LISTED_NO, "crushing chest pain and I can't breathe", "urgent"),
        (LISTED_NO, "кровь не сворачивается", "review"),
        (LISTED_NO, "I have can\u200bcer", "review"),
        (LISTED_NO, None, "incomplete"),
        ({}, "I sit at a desk all day", "incomplete"),
        ({}, "I have osteomyelitis", "not_eligible"),
    ],
)
def test_the_worst_that_is_known_decides(site: httpx.Client, answers: Any, text: Any, outcome: str) -> None:
    decision = made(site, answers=answers, **({"text": text} if text else {}))
    assert decision["outcome"] in ({outcome, "modified"} if "can\u200bcer" in str(text) else {outcome})
    assert (decision["case"] is None) == (outcome in ("eligible", "incomplete"))
    assert (decision["token"] is None) == (outcome != "eligible")


def test_a_questionnaire_response_is_decided_like_plain_answers(site: httpx.Client) -> None:
    response = fhir(
        site,
        filled(
            *(coded(link_id, "no") for link_id in LISTED_NO),
            {"linkId": "other", "answer": [{"valueString": "I sit at a desk all day"}]},
        ),
    )
    assert response.status_code == 201, response.text
    assert response.json()["outcome"] == "eligible"
    plain = site.post(
        "/eligibility/checks", content=filled(coded("hematoma", "yes")), headers={"Content-Type": "application/json"}
    )
    assert plain.json()["outcome"] == "not_eligible"


def test_later_answers_are_added_in_either_form(site: httpx.Client) -> None:
    first = made(site, answers={"cancer": "no"}, text="I sit at a desk all day")
    path = f"/eligibility/checks/{first['id']}/answers"
    response = fhir(site, filled(*(coded(link_id, "no") for link_id in LISTED_NO)), path)
    assert response.status_code == 201, response.text
    assert response.json()["outcome"] == "eligible"
    assert response.json()["id"] == first["id"]
    assert site.post(path, json={"text": "I forgot: I am pregnant"}).json()["outcome"] == "review"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"answers": ALL_NO}, "consent"),
        ({"consent": False, "answers": ALL_NO}, "consent"),
        ({"consent": True, "answers": {"diabetes": "no"}}, "answers.diabetes"),
        ({"consent": True, "answers": {"cancer": False}}, "answers.cancer"),
        ({"consent": True, "answers": {"cancer": "No"}}, "answers.cancer"),
        ({"consent": True, "answers": {"hematoma": "no", "hematoma.now": "gone"}}, "answers.hematoma.now"),
        ({"consent": True, "answers": ["no"]}, "answers"),
        ({"consent": True, "text": "x" * 4001}, "text"),
        ({"consent": True, "text": 5}, "text"),
        ({"consent": True, "reference": "x" * 201}, "reference"),
        ({"consent": True, "note": "x"}, "note"),
    ],
)
def test_what_cannot_be_taken_names_the_field(site: httpx.Client, body: Any, field: str) -> None:
    assert problem(check(site, body), 422)["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"extension": []}, "consent"),
        ({"questionnaire": f"{CANONICAL}|0.1"}, "questionnaire"),
        ({"item": [coded("cancer", "no"), coded("cancer", "yes")]}, "item[1].answer"),
        ({"item": [{"linkId": "cancer", "answer": [{"valueBoolean": False}]}]}, "item[0].answer"),
        ({"resourceType": "Patient"}, "resourceType"),
    ],
)
def test_a_response_that_cannot_be_taken_names_the_place(site: httpx.Client, fields: Any, field: str) -> None:
    assert problem(fhir(site, filled(**fields)), 422)["errors"][0]["field"] == field


def test_contradictory_answers_are_refused(site: httpx.Client) -> None:
    content = b'{"consent": true, "answers": {"cancer": "yes", "cancer": "no"}}'
    refused = problem(
        site.post("/eligibility/checks", content=content, headers={"Content-Type": "application/json"}), 422
    )
    assert refused["errors"][0]["field"] == "cancer"


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[]", b"null", b"[" * 10_000])
def test_a_body_that_is_no_json_object_is_malformed(site: httpx.Client, content: bytes) -> None:
    problem(site.post("/eligibility/checks", content=content, headers={"Content-Type": "application/json"}), 400)


def test_another_content_type_and_a_large_body_are_refused(site: httpx.Client) -> None:
    problem(site.post("/eligibility/checks", content=b"a=b", headers={"Content-Type": "text/plain"}), 415)
    large = b'{"consent": true, "text": "' + b"x" * 100_000 + b'"}'
    problem(site.post("/eligibility/checks", content=large, headers={"Content-Type": "application/json"}), 413)


def test_a_check_is_read_by_a_booking_sites_key_and_by_its_makers_token(site: httpx.Client) -> None:
    response = check(site, {"consent": True, "answers": ALL_NO})
    path = response.headers["location"]
    token = response.headers["check-token"]
    for headers in (
        BY_KEY,
        {"Authorization": f"Bearer {API_KEY}"},
        {"Authorization": f"Bearer {token}"},
        {"Check-Token": token},
    ):
        read = site.get(path, headers=headers)
        assert read.status_code == 200, read.text
        assert {**read.json(), "token": None} == {**response.json(), "token": None}
        assert read.headers["cache-control"] == "no-store"


def test_a_check_is_not_read_without_a_key_or_with_somebody_elses_token(site: httpx.Client, client: Client) -> None:
    path = check(site, {"consent": True, "answers": ALL_NO}).headers["location"]
    other = check(site, {"consent": True}).headers["check-token"]
    problem(site.get(path), 401)
    problem(site.get(path, headers={"X-API-Key": "not a key"}), 401)
    problem(site.get(path, headers={"Authorization": "Bearer x.y.z"}), 401)
    problem(site.get(path, headers={"Authorization": "Basic dXNlcjpwYXNz"}), 401)
    problem(site.get(path, headers={"Authorization": f"Bearer {other}"}), 403)
    problem(site.get(path, headers=client.headers), 403)
    problem(site.post(f"{path}/answers", json={"text": "x"}, headers={"Check-Token": other}), 403)


def test_an_unknown_check_is_not_found(site: httpx.Client) -> None:
    problem(site.get("/eligibility/checks/nothing", headers=BY_KEY), 404)
    problem(site.post("/eligibility/checks/nothing/answers", json={"text": "x"}), 404)


def test_a_chat_reads_the_checks_it_made_and_its_words_count(site: httpx.Client, client: Client) -> None:
    client.say("I take warfarin")
    response = site.post("/eligibility/checks", json={"consent": True, "answers": ALL_NO}, headers=client.headers)
    assert response.json()["outcome"] == "review"
    assert site.get(response.headers["location"], headers=client.headers).status_code == 200


def test_a_repeated_request_gets_the_first_answer(site: httpx.Client) -> None:
    body = {"consent": True, "answers": ALL_NO}
    first = check(site, body, **{"Idempotency-Key": "one-check"})
    again = check(site, body, **{"Idempotency-Key": "one-check"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    problem(check(site, {"consent": True}, **{"Idempotency-Key": "one-check"}), 409)
    problem(check(site, body, **{"Idempotency-Key": "a b"}), 422)


def test_no_answer_or_word_of_a_check_reaches_the_log(assistant: Running, site: httpx.Client) -> None:
    made(site, answers=LISTED_NO, text="my zygomatic implant from Ulaanbaatar", reference="reference-Quetzalcoatl")
    check(site, {"consent": True, "answers": {"zygomatic": "no"}, "text": "Ulaanbaatar"})
    log = assistant.output()
    assert not [word for word in ("zygomatic", "Ulaanbaatar", "Quetzalcoatl") if word in log]
