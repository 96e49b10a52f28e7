"""What a caller sends for a check: reading it, and refusing what cannot be taken.

Only form is judged here (which fields, which values); what follows from the
answers is the screen's business. A refusal names the field and what is allowed
there, and never repeats a value: it may hold a client's words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.screening import Rulebook
from bot.screening.model import VALUES
from bot.screening.reader import LONGEST_TEXT

LONGEST_REFERENCE = 200
LONGEST_FOLLOW_UP = 1_000
CONSENT_NEEDED = (
    "'consent' must be true: without the client's consent to storing health answers nothing is kept. "
    "The client can ask the practice directly instead."
)
_FIELDS = ("consent", "answers", "text", "reference")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class MalformedBody(ValueError):
    """The body is not a JSON object; the text says so."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """A field that cannot be taken, and what is allowed there."""

    field: str
    detail: str


class InvalidSubmission(ValueError):
    """One or more fields cannot be taken."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(errors[0].detail)
        self.errors = tuple(errors)


@dataclass(slots=True)
class Refusals:
    """Collects what is wrong, so that a caller reads everything at once."""

    errors: list[FieldError] = field(default_factory=list)

    def add(self, name: str, detail: str) -> None:
        """Note one field."""
        self.errors.append(FieldError(name, detail))

    def check(self) -> None:
        """Raise InvalidSubmission if anything was noted."""
        if self.errors:
            raise InvalidSubmission(self.errors)


@dataclass(frozen=True, slots=True)
class Submission:
    """What was sent, well-formed.

    Attributes:
        answers: linkId to ``yes``, ``no`` or ``unsure``.
        follow_ups: follow-up id to an option's value, or to free text.
        text: free words, or None where there are none.
        reference: the booking site's own opaque id.
    """

    answers: Mapping[str, str]
    follow_ups: Mapping[str, str]
    text: str | None
    reference: str | None


def parse(content: bytes) -> dict[str, Any]:
    """The JSON object in ``content``.

    Raises:
        MalformedBody: it is not a JSON object.
        InvalidSubmission: a field stands there twice with two values.
    """
    refusals = Refusals()

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found and found[name] != value:
                refusals.add(_shown(name), "This field was sent twice with two values. Send it once.")
            found[name] = value
        return found

    def refuse_constant(_name: str) -> None:
        raise ValueError

    try:
        value = json.loads(content, object_pairs_hook=unique, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedBody("The body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object.")
    refusals.check()
    return value


def read_submission(body: Mapping[str, Any], rulebook: Rulebook, adding: bool = False) -> Submission:
    """Read a plain JSON check (contract: Eligibility).

    Args:
        adding: the body adds to an earlier check, for which consent was given.

    Raises:
        InvalidSubmission: with every field that cannot be taken.
    """
    refusals = Refusals()
    for name in sorted(set(body) - set(_FIELDS)):
        refusals.add(_shown(name), f"This field is not known here; allowed are {', '.join(_FIELDS)}.")
    check_consent(body, refusals, adding)
    answers: dict[str, str] = {}
    follow_ups: dict[str, str] = {}
    given = body.get("answers", {})
    if isinstance(given, dict):
        for link_id, value in given.items():
            take_answer(rulebook, f"answers.{_shown(link_id)}", link_id, value, answers, follow_ups, refusals)
    else:
        refusals.add("answers", "'answers' must be an object of linkIds and yes, no or unsure.")
    text = take_text(body.get("text"), "text", refusals)
    reference = take_reference(body["reference"], "reference", refusals) if "reference" in body else None
    refusals.check()
    return Submission(answers, follow_ups, text, reference)


def check_consent(body: Mapping[str, Any], refusals: Refusals, adding: bool) -> None:
    """Note a missing or refused consent."""
    consent = body.get("consent")
    if consent is not True and not (adding and "consent" not in body):
        refusals.add("consent", CONSENT_NEEDED)


def take_answer(
    rulebook: Rulebook,
    name: str,
    link_id: str,
    value: object,
    answers: dict[str, str],
    follow_ups: dict[str, str],
    refusals: Refusals,
) -> None:
    """Sort one answer into ``answers`` or ``follow_ups``, or note why it cannot be taken."""
    if link_id in {item.id for item in rulebook.items}:
        if value in VALUES and isinstance(value, str):
            answers[link_id] = value
        else:
            words = " Send words as 'text'." if link_id == "other" else ""
            refusals.add(name, f"The answer to '{link_id}' must be one of yes, no, unsure.{words}")
        return
    try:
        _, follow_up = rulebook.follow_up(link_id)
    except KeyError:
        refusals.add(name, f"There is no such question; allowed are {', '.join(all_link_ids(rulebook))}.")
        return
    if follow_up.kind == "choice":
        allowed = [option.value for option in follow_up.options]
        if isinstance(value, str) and value in allowed:
            follow_ups[link_id] = value
        else:
            refusals.add(name, f"The answer to '{link_id}' must be one of {', '.join(allowed)}.")
        return
    words = tidy(value) if isinstance(value, str) else ""
    if words and isinstance(value, str) and len(value) <= LONGEST_FOLLOW_UP:
        follow_ups[link_id] = words
    else:
        refusals.add(name, f"The answer to '{link_id}' must be words, 1 to {LONGEST_FOLLOW_UP:,} characters.")


def take_text(value: object, name: str, refusals: Refusals) -> str | None:
    """The free words, None where there are none, or note why they cannot be taken."""
    if value is None:
        return None
    if not isinstance(value, str):
        refusals.add(name, f"'{name}' must be a string of up to {LONGEST_TEXT:,} characters.")
        return None
    if len(value) > LONGEST_TEXT:
        refusals.add(
            name,
            f"'{name}' may have up to {LONGEST_TEXT:,} characters; this one has {len(value):,}. Please shorten it.",
        )
        return None
    return tidy(value) or None


def take_reference(value: object, name: str, refusals: Refusals) -> str | None:
    """The booking site's reference, or note why it cannot be taken."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_REFERENCE or not value.isprintable():
        refusals.add(name, f"'{name}' must be 1 to {LONGEST_REFERENCE} printable characters.")
        return None
    return value


def tidy(text: str) -> str:
    """``text`` without control characters, lone surrogates and outer blanks; lines are kept."""
    kept = (c for c in text if c in "\r\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return "".join(kept).strip()


def all_link_ids(rulebook: Rulebook) -> list[str]:
    """Every question's id, follow-ups behind the question that they belong to."""
    return [name for item in rulebook.items for name in (item.id, *(follow_up.id for follow_up in item.follow_ups))]


def _shown(name: object) -> str:
    """A name as an error may show it: what looks like no name is not repeated."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "(unreadable name)"
