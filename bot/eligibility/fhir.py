"""The check in FHIR R4: its Questionnaire, and reading a QuestionnaireResponse.

Made from the rulebook, so that no question exists in one form only. A follow-up
is shown by its parent's answer alone (``enableWhen``); there are no expressions,
so nothing can be hidden by one that evaluates to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.eligibility.submission import (
    CONSENT_NEEDED,
    LONGEST_FOLLOW_UP,
    Refusals,
    Submission,
    take_answer,
    take_reference,
    take_text,
)
from bot.screening import Rulebook
from bot.screening.reader import LONGEST_TEXT
from bot.screening.rulebook import FollowUp, Item

CANONICAL = "urn:iastm-assistant:eligibility"
CONSENT_EXTENSION = "urn:iastm-assistant:consent"
# other names by which a response may call the questionnaire it was filled in from
_ALIASES = ("/eligibility/questionnaire", "Questionnaire/eligibility")
_STATUSES = ("in-progress", "completed", "amended")
_FREE_TEXT = "other"


def questionnaire(rulebook: Rulebook) -> dict[str, Any]:
    """The FHIR R4 Questionnaire of this rules version (https://hl7.org/fhir/R4/questionnaire.html)."""
    return {
        "resourceType": "Questionnaire",
        "id": "eligibility",
        "url": CANONICAL,
        "version": rulebook.version,
        "name": "Eligibility",
        "title": "Before you book: questions about your health",
        "status": "active",
        "experimental": False,
        "date": rulebook.since.isoformat(),
        "description": rulebook.interview["consent"],
        "subjectType": ["Patient"],
        "item": [_item(item, rulebook) for item in rulebook.items],
    }


def read_response(
    body: Mapping[str, Any], rulebook: Rulebook, consent: bool = False, adding: bool = False
) -> Submission:
    """Read a QuestionnaireResponse to that questionnaire.

    Args:
        consent: it was sent beside the resource.
        adding: the response adds to an earlier check, for which consent was given.

    Raises:
        InvalidSubmission: with every field that cannot be taken.
    """
    refusals = Refusals()
    if body.get("resourceType") != "QuestionnaireResponse":
        refusals.add("resourceType", "The resource must be a QuestionnaireResponse.")
        refusals.check()
    told = _consents(body)
    if told is False or not (told or consent or adding):
        refusals.add(
            "consent",
            f"{CONSENT_NEEDED} In a QuestionnaireResponse send it as the extension {CONSENT_EXTENSION} "
            "(valueBoolean), or with ?consent=true.",
        )
    if body.get("status") not in _STATUSES:
        refusals.add("status", f"'status' must be one of {', '.join(_STATUSES)}.")
    if "questionnaire" in body:
        _check_version(body["questionnaire"], rulebook, refusals)
    reader = _ResponseReader(rulebook, refusals)
    reader.read(body.get("item", []), "item")
    reference = _reference(body.get("identifier", {}), refusals)
    refusals.check()
    return Submission(reader.answers, reader.follow_ups, reader.text, reference)


def _reference(identifier: object, refusals: Refusals) -> str | None:
    if not isinstance(identifier, dict):
        refusals.add("identifier", "'identifier' must be an object with a 'value'.")
        return None
    if "value" not in identifier:
        return None
    return take_reference(identifier["value"], "identifier.value", refusals)


class _ResponseReader:
    """Walks the items of a response, wherever they are nested."""

    def __init__(self, rulebook: Rulebook, refusals: Refusals) -> None:
        self._rulebook = rulebook
        self._refusals = refusals
        self.answers: dict[str, str] = {}
        self.follow_ups: dict[str, str] = {}
        self.text: str | None = None

    def read(self, items: object, place: str) -> None:
        """Take the answers of a list of items."""
        if not isinstance(items, list):
            self._refusals.add(place, "'item' must be a list of items.")
            return
        for index, item in enumerate(items):
            self._item(item, f"{place}[{index}]")

    def _item(self, item: object, place: str) -> None:
        if not isinstance(item, dict) or not isinstance(item.get("linkId"), str):
            self._refusals.add(place, "An item must be an object with a linkId.")
            return
        given = item.get("answer", [])
        if not isinstance(given, list) or not all(isinstance(answer, dict) for answer in given):
            self._refusals.add(f"{place}.answer", "'answer' must be a list of objects.")
            return
        self._answers(item["linkId"], given, place)
        for nested, where in _nested(item, given, place):
            self.read(nested, where)

    def _answers(self, link_id: str, given: list[dict[str, Any]], place: str) -> None:
        kind = self._kind(link_id)
        if kind is None:
            # told by the reader of plain answers, which knows what is allowed
            take_answer(self._rulebook, f"{place}.linkId", link_id, None, {}, {}, self._refusals)
            return
        if len(given) > 1:
            self._refusals.add(f"{place}.answer", f"'{link_id}' takes one answer.")
        elif given:
            value = _value(given[0], kind)
            if value is None:
                allowed = "valueString" if kind == "text" else "valueCoding with a code"
                self._refusals.add(f"{place}.answer", f"The answer to '{link_id}' must be a {allowed}.")
            else:
                self._take(link_id, value, f"{place}.answer")

    def _take(self, link_id: str, value: str, name: str) -> None:
        if link_id == _FREE_TEXT:
            text = take_text(value, name, self._refusals)
            if self.text is not None and text != self.text:
                self._contradictory(link_id, name)
            self.text = text
            return
        answers: dict[str, str] = {}
        follow_ups: dict[str, str] = {}
        take_answer(self._rulebook, name, link_id, value, answers, follow_ups, self._refusals)
        for known, new in ((self.answers, answers), (self.follow_ups, follow_ups)):
            if any(known.get(key, taken) != taken for key, taken in new.items()):
                self._contradictory(link_id, name)
            known.update(new)

    def _contradictory(self, link_id: str, place: str) -> None:
        self._refusals.add(place, f"'{link_id}' was answered twice with two answers. Send one.")

    def _kind(self, link_id: str) -> str | None:
        """``choice`` or ``text``; None for an unknown question."""
        if link_id == _FREE_TEXT:
            return "text"
        for item in self._rulebook.items:
            if item.id == link_id:
                return "choice"
            for follow_up in item.follow_ups:
                if follow_up.id == link_id:
                    return follow_up.kind
        return None


def _item(item: Item, rulebook: Rulebook) -> dict[str, Any]:
    made: dict[str, Any] = {"linkId": item.id, "text": item.question, "required": True}
    if item.id == _FREE_TEXT:
        return {**made, "type": "text", "maxLength": LONGEST_TEXT}
    titles = rulebook.interview
    choices = [(value, titles[f"option_{value}"]) for value in ("yes", "no", "unsure")]
    return {
        **made,
        "type": "choice",
        "answerOption": [_option(value, title) for value, title in choices],
        "item": [_follow_up(item, follow_up) for follow_up in item.follow_ups],
    }


def _follow_up(item: Item, follow_up: FollowUp) -> dict[str, Any]:
    made: dict[str, Any] = {
        "linkId": follow_up.id,
        "text": follow_up.question,
        "enableWhen": [{"question": item.id, "operator": "=", "answerCoding": {"code": "yes"}}],
        "enableBehavior": "any",
    }
    if follow_up.kind == "text":
        return {**made, "type": "text", "maxLength": LONGEST_FOLLOW_UP}
    options = [_option(option.value, option.title) for option in follow_up.options]
    return {**made, "type": "choice", "required": True, "answerOption": options}


def _option(code: str, display: str) -> dict[str, Any]:
    return {"valueCoding": {"code": code, "display": display}}


def _consents(body: Mapping[str, Any]) -> bool | None:
    """What the resource itself says about consent; None where it says nothing."""
    if "consent" in body:
        return body["consent"] is True
    extensions = body.get("extension")
    for extension in extensions if isinstance(extensions, list) else []:
        if isinstance(extension, dict) and extension.get("url") == CONSENT_EXTENSION:
            return extension.get("valueBoolean") is True
    return None


def _check_version(value: object, rulebook: Rulebook, refusals: Refusals) -> None:
    allowed = f"The response must be to the questionnaire {CANONICAL}|{rulebook.version}."
    if not isinstance(value, str):
        refusals.add("questionnaire", allowed)
        return
    url, _, version = value.partition("|")
    known = url == CANONICAL or url.endswith(_ALIASES)
    if not known or version not in ("", rulebook.version):
        refusals.add("questionnaire", f"{allowed} Get it from /eligibility/questionnaire and ask again.")


def _nested(item: Mapping[str, Any], given: list[dict[str, Any]], place: str) -> Iterator[tuple[object, str]]:
    # FHIR nests below the answer; some forms nest below the item
    if "item" in item:
        yield item["item"], f"{place}.item"
    for index, answer in enumerate(given):
        if "item" in answer:
            yield answer["item"], f"{place}.answer[{index}].item"


def _value(answer: Mapping[str, Any], kind: str) -> str | None:
    if kind == "text":
        value = answer.get("valueString")
    else:
        coding = answer.get("valueCoding")
        value = coding.get("code") if isinstance(coding, dict) else None
    return value if isinstance(value, str) else None
