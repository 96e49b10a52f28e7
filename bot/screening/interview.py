"""The screen as a conversation: one question at a time, back, skip, correct, stop.

A pure state machine: it holds what was answered, says what to ask next, and becomes a
plain dictionary between turns. It asks the engine for the decision and reads words through
the reader; it knows neither the channel nor the dialogue around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from bot.screening.answers import Hint, read_answer
from bot.screening.decision import TEXT_ANSWER, AnswerError, decide
from bot.screening.follow_ups import read_follow_up
from bot.screening.model import Decision, Finding
from bot.screening.reader import Reader
from bot.screening.rulebook import FollowUp, Item, Rulebook

State = Literal["consent", "question", "follow_up", "decided", "declined", "stopped"]
CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Question:
    """What to show: a text and its buttons as (title, value)."""

    id: str
    text: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a turn.

    ``understood`` is False when the words did not answer the question: the dialogue may
    treat them as a question of the client's own and then show ``question`` again.
    ``message`` is set when there is no next question (declined, stopped, decided).
    """

    understood: bool
    question: Question | None
    message: str | None = None
    decision: Decision | None = None


@dataclass(slots=True)
class Interview:
    """One client's screen. Make one with ``start`` or ``from_dict``."""

    rulebook: Rulebook
    reader: Reader
    state: State = "consent"
    position: str = CONSENT
    answers: dict[str, str] = field(default_factory=dict)
    follow_ups: dict[str, str] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    decision: Decision | None = None

    @classmethod
    def start(cls, rulebook: Rulebook, reader: Reader) -> Interview:
        """A new screen, at the question about consent."""
        return cls(rulebook, reader)

    # -- what to show ---------------------------------------------------------------

    @property
    def current(self) -> Question | None:
        """The question that is open now, or None."""
        texts = self.rulebook.interview
        if self.state == "consent":
            return Question(CONSENT, texts["consent"], ((texts["consent_yes"], "yes"), (texts["consent_no"], "no")))
        if self.state == "question":
            item = self.rulebook.item(self.position)
            choices: tuple[tuple[str, str], ...] = (
                (texts["option_yes"], "yes"),
                (texts["option_no"], "no"),
                (texts["option_unsure"], "unsure"),
            )
            return Question(item.id, item.question, choices[1:] if item.id == "other" else choices)
        if self.state == "follow_up":
            _, follow_up = self.rulebook.follow_up(self.position)
            options = tuple((option.title, option.value) for option in follow_up.options)
            return Question(follow_up.id, follow_up.question, options or ((texts["option_unsure"], "unsure"),))
        return None

    def why(self) -> str:
        """Why the open question is asked."""
        if self.state == "follow_up":
            return self.rulebook.follow_up(self.position)[1].why
        if self.state == "question":
            return self.rulebook.item(self.position).why
        return self.rulebook.interview["consent"]

    def explain(self) -> str:
        """The open question in plainer words."""
        if self.state == "follow_up":
            return self.rulebook.follow_up(self.position)[0].explain
        if self.state == "question":
            return self.rulebook.item(self.position).explain
        return self.rulebook.interview["consent"]

    # -- what the client does -------------------------------------------------------

    def answer(self, text: str, now: datetime, hint: Hint | None = None) -> Step:
        """Take a button's value or free words as the answer to the open question."""
        if self.state == "consent":
            return self._consent(text, hint)
        if self.state == "question":
            return self._question(text, now, hint)
        if self.state == "follow_up":
            return self._follow_up(text, now)
        return self._again(False)

    def skip(self, now: datetime) -> Step:
        """Leave the question open; it counts as not sure."""
        if self.state == "consent":
            return self._again(False)
        if self.state == "follow_up":
            self.follow_ups[self.position] = "unsure"
            return self._advance(now)
        if self.state == "question":
            self.answers[self.position] = "unsure"
            return self._advance(now)
        return self._again(False)

    def back(self) -> Step:
        """Return to the question before; its answer is forgotten and asked again."""
        asked = self._asked()
        if self.state == "decided":
            target = asked[-1] if asked else None
        elif self.position in asked:
            index = asked.index(self.position)
            target = asked[index - 1] if index else None
        else:
            target = asked[-1] if asked else None
        if target is None or self.state in ("consent", "declined", "stopped"):
            return self._again(False)
        self.decision = None
        self._forget(target)
        self._go(target)
        return self._again(True)

    def stop(self) -> Step:
        """End without a decision; nothing that was said is kept."""
        if self.state in ("decided", "declined"):
            return self._again(False)
        self._clear()
        self.state = "stopped"
        return Step(True, None, self.rulebook.interview["stopped"])

    def correct(self, link_id: str, value: str, now: datetime) -> Step:
        """Change the answer to a question that was already asked.

        Raises:
            AnswerError: the question or the value does not exist.
        """
        try:
            item = self.rulebook.item(link_id)
        except KeyError:
            known = ", ".join(i.id for i in self.rulebook.items)
            raise AnswerError(link_id, f"'{link_id}' is not a question; allowed are {known}.") from None
        if value not in ("yes", "no", "unsure"):
            raise AnswerError(link_id, f"'{link_id}' cannot be answered so; allowed are yes, no, unsure.")
        if self.state in ("consent", "declined", "stopped"):
            return self._again(False)
        self.decision = None
        self._forget(item.id)
        self.answers[item.id] = value
        return self._advance(now)

    # -- storage --------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain data; ``from_dict`` makes the same interview of it."""
        return {
            "rules_version": self.rulebook.version,
            "state": self.state,
            "position": self.position,
            "answers": dict(self.answers),
            "follow_ups": dict(self.follow_ups),
            "findings": {key: [f.to_dict() for f in found] for key, found in self.findings.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], rulebook: Rulebook, reader: Reader, now: datetime) -> Interview:
        """Continue a stored interview. The decision, if there was one, is worked out again."""
        interview = cls(
            rulebook,
            reader,
            cast(State, data["state"]),
            str(data["position"]),
            {str(k): str(v) for k, v in data["answers"].items()},
            {str(k): str(v) for k, v in data["follow_ups"].items()},
            {str(k): [Finding.from_dict(f) for f in found] for k, found in data["findings"].items()},
        )
        if interview.state == "decided":
            interview.decision = interview._decide(now)
        return interview

    # -- inside ---------------------------------------------------------------------

    def _consent(self, text: str, hint: Hint | None) -> Step:
        word = text.strip().lower().strip("!. ")
        if word in ("yes", "y", "ok", "okay", "sure", "yes please", "fine", "yes, that's fine") or hint == "affirm":
            self._go(self.rulebook.items[0].id)
            return self._again(True)
        if word in ("no", "n", "nope", "no thanks", "no thank you") or hint == "deny":
            self._clear()
            self.state = "declined"
            return Step(True, None, self.rulebook.interview["declined"])
        return self._again(False)

    def _question(self, text: str, now: datetime, hint: Hint | None) -> Step:
        item = self.rulebook.item(self.position)
        if text in ("yes", "no", "unsure"):
            if item.id == "other" and text == "yes":
                # "Yes" alone says nothing yet: the question asks for words.
                return self._again(False)
            self.answers[item.id] = text
            return self._advance(now)
        reading = read_answer(text, item, self.reader, now.date(), hint)
        if reading.findings:
            self.findings.setdefault(item.id, []).extend(
                f for f in reading.findings if f not in self.findings.get(item.id, [])
            )
        if reading.value is None:
            # An alarming or excluding remark decides even when it answers nothing.
            decided = self._settled(now)
            return decided if decided is not None else self._again(False)
        self.answers[item.id] = reading.value
        if item.id == "other" and any(f.counts for f in reading.findings):
            self.answers[item.id] = TEXT_ANSWER
        return self._advance(now)

    def _follow_up(self, text: str, now: datetime) -> Step:
        item, follow_up = self.rulebook.follow_up(self.position)
        reading = self.reader.read(text, now.date(), alone=False) if follow_up.option(text) is None else None
        if reading is not None:
            self.findings.setdefault(follow_up.id, []).extend(self._of_follow_up(item, follow_up, reading.findings))
        if follow_up.kind == "text":
            self.follow_ups[follow_up.id] = text.strip() or "unsure"
            return self._advance(now)
        value = _option_of(follow_up, text) or read_follow_up(follow_up, text, self.rulebook)
        if value is None:
            decided = self._settled(now)
            return decided if decided is not None else self._again(False)
        self.follow_ups[follow_up.id] = value
        return self._advance(now)

    def _of_follow_up(self, item: Item, follow_up: FollowUp, found: tuple[Finding, ...]) -> list[Finding]:
        """Findings of a follow-up's words.

        The words explain the very condition that was just affirmed: what the second reader
        or the vague groups make of them adds nothing, named other conditions do.
        """
        vague = ("unclear", "unspecified", "medicine", "procedure", item.id)
        return [f for f in found if f.condition not in vague]

    def _advance(self, now: datetime) -> Step:
        upcoming = self._next()
        settled = self._settled(now) if upcoming is None or "." not in upcoming else None
        if settled is not None:
            return settled
        if upcoming is None:
            return self._finish(now)
        self._go(upcoming)
        return self._again(True)

    def _settled(self, now: datetime) -> Step | None:
        """A decision that further answers cannot change, once its own follow-up is known."""
        if self._decide(now).outcome in ("urgent", "not_eligible"):
            return self._finish(now)
        return None

    def _finish(self, now: datetime) -> Step:
        self.decision = self._decide(now)
        self.state = "decided"
        return Step(True, None, self.decision.message, self.decision)

    def _decide(self, now: datetime) -> Decision:
        found = [finding for part in self.findings.values() for finding in part]
        answers = dict(self.answers)
        # A free-text follow-up that says nothing we know still has its "yes" behind it.
        return decide(self.rulebook, answers, self.follow_ups, found, now)

    def _next(self) -> str | None:
        for item in self.rulebook.items:
            if item.id not in self.answers:
                return item.id
            if self.answers[item.id] == "yes":
                for follow_up in item.follow_ups:
                    if follow_up.id not in self.follow_ups:
                        return follow_up.id
        return None

    def _asked(self) -> list[str]:
        """Questions in the order in which they were shown, the open one included."""
        out: list[str] = []
        for item in self.rulebook.items:
            if item.id in self.answers or item.id == self.position:
                out.append(item.id)
            for follow_up in item.follow_ups:
                if follow_up.id in self.follow_ups or follow_up.id == self.position:
                    out.append(follow_up.id)
        return out

    def _forget(self, target: str) -> None:
        self.findings.pop(target, None)
        if "." in target:
            self.follow_ups.pop(target, None)
            return
        self.answers.pop(target, None)
        for follow_up in self.rulebook.item(target).follow_ups:
            self.follow_ups.pop(follow_up.id, None)
            self.findings.pop(follow_up.id, None)

    def _go(self, position: str) -> None:
        self.position = position
        self.state = "follow_up" if "." in position else "question"

    def _clear(self) -> None:
        self.answers.clear()
        self.follow_ups.clear()
        self.findings.clear()
        self.decision = None

    def _again(self, understood: bool) -> Step:
        message = None if self.decision is None else self.decision.message
        return Step(understood, self.current, message, self.decision)


def _option_of(follow_up: FollowUp, text: str) -> str | None:
    """The option meant by a button's value, its title, or plain words close to it."""
    word = text.strip().lower().strip(".! ")
    for option in follow_up.options:
        if word in (option.value, option.title.lower()):
            return option.value
    if word in (
        "unsure",
        "not sure",
        "don't know",
        "dont know",
        "i don't know",
        "no idea",
        "idk",
        "dunno",
        "i'm not sure",
    ):
        return "unsure"
    return None
