"""The description of every public route: `openapi.yml`, with what the rules decide filled in.

Questions and their answers come from the rulebook, so that the description
cannot lag behind them. Pure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.eligibility.fhir import CANONICAL, CONSENT_EXTENSION
from bot.eligibility.submission import LONGEST_FOLLOW_UP
from bot.screening import Rulebook
from bot.screening.model import VALUES
from bot.screening.reader import LONGEST_TEXT
from bot.screening.rulebook import FollowUp

FILE = Path(__file__).parent / "openapi.yml"
# something to read in a value made of words
_WORDS = r"[^\s\x00-\x1f\x7f-\x9f]"


def document(rulebook: Rulebook) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    described: dict[str, Any] = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    described["info"]["version"] = rulebook.version
    schemas = described["components"]["schemas"]
    schemas["Answers"] = _answers(rulebook, alone=True)
    schemas["LaterAnswers"] = _answers(rulebook, alone=False)
    schemas["LinkId"] = {"type": "string", "enum": [item.id for item in rulebook.items]}
    schemas["QuestionnaireResponse"]["properties"]["questionnaire"]["enum"] = [
        CANONICAL,
        f"{CANONICAL}|{rulebook.version}",
    ]
    schemas["QuestionnaireResponse"]["properties"]["item"] = _items(rulebook)
    schemas["ConsentExtension"]["properties"]["url"] = {"const": CONSENT_EXTENSION}
    return described


def _answers(rulebook: Rulebook, alone: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    follows: dict[str, Any] = {}
    for item in rulebook.items:
        properties[item.id] = {"type": "string", "enum": list(VALUES), "description": item.question}
        for follow_up in item.follow_ups:
            properties[follow_up.id] = {**_follow_up(follow_up), "description": follow_up.question}
            follows[follow_up.id] = {"required": [item.id], "properties": {item.id: {"const": "yes"}}}
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    # added later, a follow-up may belong to a "yes" that was sent before
    return {**made, "dependentSchemas": follows} if alone else made


def _follow_up(follow_up: FollowUp) -> dict[str, Any]:
    if follow_up.kind == "choice":
        return {"type": "string", "enum": [option.value for option in follow_up.options]}
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_FOLLOW_UP, "pattern": _WORDS}


def _items(rulebook: Rulebook) -> dict[str, Any]:
    """One schema a question; follow-ups may be nested below the answer, as FHIR has it."""
    kinds = []
    for item in rulebook.items:
        if item.id == "other":
            kinds.append(_item(item.id, "valueString", {"type": "string", "maxLength": LONGEST_TEXT}))
            continue
        kinds.append(_item(item.id, "valueCoding", _object("code", {"type": "string", "enum": list(VALUES)})))
        for follow_up in item.follow_ups:
            told = _follow_up(follow_up)
            if follow_up.kind == "choice":
                kinds.append(_item(follow_up.id, "valueCoding", _object("code", told)))
            else:
                kinds.append(_item(follow_up.id, "valueString", told))
    return {"type": "array", "items": {"anyOf": kinds}}


def _item(link_id: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    answer = {"type": "array", "items": _object(kind, value), "maxItems": 1}
    return {
        "type": "object",
        "required": ["linkId"],
        "properties": {"linkId": {"type": "string", "const": link_id}, "answer": answer},
    }


def _object(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: value}}
