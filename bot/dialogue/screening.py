"""The contraindication screen in chat: the interview, told as messages.

The interview (`bot.screening.interview`) knows what comes next; this module
brings it the client's words and buttons, keeps it between turns, and lets a
question in between be answered before the open one is asked again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional

from bot.booking import BookingTokens
from bot.dialogue import buttons
from bot.dialogue.escalating import Escalating
from bot.dialogue.message import Button, Message, Part
from bot.dialogue.screens import (
    as_contract,
    earlier_words,
    keep,
    may_book,
    new_screen,
    open_screen,
    record_decision,
    refer,
    told_passages,
)
from bot.handout import Handout
from bot.nlu.thresholds import ANSWER
from bot.screening import LINK_IDS, Decision, Finding, Rulebook
from bot.screening.answers import Hint, read_answer
from bot.screening.interview import CONSENT, Interview, Question, Step
from bot.screening.reader import Reader
from bot.settings import Settings
from bot.store.models import Screen

if TYPE_CHECKING:
    from bot.dialogue.assistant import Turn

HINTS: Dict[str, Hint] = {"affirm": "affirm", "deny": "deny", "unsure": "unsure"}
# what a client may want in the middle of a screen; never read as an answer
OWN_BUSINESS = ("human", "complaint", "my_data", "emergency", "start_screen")
QUESTIONS = ("handout", "not_in_handout", "follow_up")
# without a question's form, only a very sure reading takes words away from the open question
SURELY_A_QUESTION = 0.85
ASKING = re.compile(
    r"\?\s*$|^\W*(?:can|could|may|should|shall|do|does|did|is|are|will|would|what|whats|when|where|why|how|who|which)\b",
    re.IGNORECASE,
)


class Screening:
    """Runs screens."""

    def __init__(
        self,
        handout: Handout,
        rulebook: Rulebook,
        reader: Reader,
        escalating: Escalating,
        tokens: BookingTokens,
        settings: Settings,
    ) -> None:
        self._handout = handout
        self._rulebook = rulebook
        self._reader = reader
        self._escalating = escalating
        self._tokens = tokens
        self._settings = settings
        self._commands: Dict[str, Callable[[Turn, Interview, Part], None]] = {
            "why_asked": self._why,
            "explain_question": self._explain,
            "go_back": self._back,
            "skip_question": self._skip,
            "stop_screen": self._stop,
            "correct_answer": self._correct,
        }

    def start(self, turn: Turn) -> None:
        """Begin with the question about consent, or go on with an open screen."""
        screen = open_screen(turn.session, turn.conversation_id)
        if screen is not None:
            turn.messages.append(Message(self._handout.say("screen.already_running"), "notice"))
            return
        interview = Interview.start(self._rulebook, self._reader)
        new_screen(turn.session, turn.conversation_id, interview.to_dict(), self._rulebook.version)

    def hear(self, turn: Turn) -> List[Part]:
        """Take what answers the open question; returns the parts that do not."""
        screen = open_screen(turn.session, turn.conversation_id)
        if screen is None:
            return turn.heard.parts
        interview = self._continue(turn, screen)
        if interview is None:
            return turn.heard.parts
        left: List[Part] = []
        for part in turn.heard.parts:
            if interview.current is None:
                left.append(part)
            elif part.intent in self._commands:
                self._commands[part.intent](turn, interview, part)
            elif part.intent in OWN_BUSINESS or self._is_question(interview, turn, part):
                left.append(part)
            else:
                self._answer(turn, interview, part, left)
        self._keep(turn, screen, interview)
        return left

    def press(self, turn: Turn, entities: Mapping[str, str], intent: str) -> bool:
        """Take a button of a screening question; a stale one has no effect."""
        screen = open_screen(turn.session, turn.conversation_id)
        interview = self._continue(turn, screen) if screen is not None else None
        if screen is None or interview is None or entities.get("screen") != screen.id:
            self._stale(turn)
            return True
        question, value = entities["question"], entities.get("value", "")
        current = interview.current
        if current is not None and current.id == question:
            self._told(turn, interview, interview.answer(value, turn.now))
            if question == CONSENT and interview.state == "question":
                self._read_earlier(turn, interview)
        elif question in interview.answers and value in ("yes", "no", "unsure"):
            # an earlier question's button is a correction, not an accident
            self._told(turn, interview, interview.correct(question, value, turn.now))
        else:
            self._stale(turn)
        self._keep(turn, screen, interview)
        return True

    def ask_again(self, turn: Turn) -> None:
        """Show the open question, if there is one, after everything else."""
        screen = open_screen(turn.session, turn.conversation_id)
        interview = self._continue(turn, screen) if screen is not None else None
        if screen is None or interview is None or interview.current is None:
            return
        turn.messages.append(self._question(screen, interview.current))

    def _answer(self, turn: Turn, interview: Interview, part: Part, left: List[Part]) -> None:
        consenting = interview.state == "consent"
        step = interview.answer(part.text, turn.now, HINTS.get(part.intent))
        if step.understood:
            self._told(turn, interview, step)
            if consenting and interview.state == "question":
                self._read_earlier(turn, interview)
        elif part.intent in HINTS:
            self._say(turn, "fallback.first", "fallback")
        else:
            left.append(part)

    def _is_question(self, interview: Interview, turn: Turn, part: Part) -> bool:
        """Whether a part asks something of its own instead of answering.

        Words in which the reader sees anything that counts always go to the screen.
        """
        if part.intent not in QUESTIONS or part.confidence < ANSWER:
            return False
        asks = ASKING.search(part.text) is not None
        sure = part.confidence >= SURELY_A_QUESTION and interview.state == "question" and interview.position != "other"
        if not asks and not sure:
            return False
        return self._reader.read(part.text, turn.now.date()).harmless

    def _told(self, turn: Turn, interview: Interview, step: Step) -> None:
        if step.decision is not None:
            self._decide(turn, step.decision)
        elif step.message is not None:
            turn.messages.append(Message(step.message, "notice", buttons=(buttons.person(self._handout),)))
        elif not step.understood:
            self._say(turn, "fallback.first", "fallback")

    def _decide(self, turn: Turn, decision: Decision) -> None:
        screen = open_screen(turn.session, turn.conversation_id)
        record = record_decision(turn.session, turn.conversation_id, decision, screen.id if screen else None)
        text = record.message = filled(decision, self._settings)
        token = self._tokens.issue(record.id, turn.now) if may_book(record, self._rulebook, turn.now) else None
        case = refer(turn.session, record, decision)
        if case is not None:
            text += " " + self._handout.say("screen.case", case=case.label, when=self._escalating.when(turn.now))
        told = as_contract(record, token)
        kind = "emergency" if decision.outcome == "urgent" else "decision"
        turn.messages.append(
            Message(
                text,
                kind,
                sources=tuple(told_passages(decision)),
                decision=told,
                case=told["case"],
            )
        )

    def _read_earlier(self, turn: Turn, interview: Interview) -> None:
        """What was said before the screen counts too: a later "no" does not unsay it."""
        found = [
            finding
            for words in earlier_words(turn.session, turn.conversation_id)
            for finding in self._reader.read(words, turn.now.date()).findings
            if finding.counts and finding.rule != "second_reader" and finding.condition in COUNTED_EARLIER
        ]
        if found:
            interview.findings["earlier"] = found

    def _why(self, turn: Turn, interview: Interview, part: Part) -> None:
        turn.messages.append(Message(interview.why(), "notice"))

    def _explain(self, turn: Turn, interview: Interview, part: Part) -> None:
        found = self._reader.read(part.text, turn.now.date()).findings
        # "what's a hematoma?" is explained whichever question is open
        named = [f.condition for f in found if f.condition in LINK_IDS]
        text = self._rulebook.item(named[0]).explain if named else interview.explain()
        turn.messages.append(Message(text, "notice"))

    def _back(self, turn: Turn, interview: Interview, part: Part) -> None:
        self._told(turn, interview, interview.back())

    def _skip(self, turn: Turn, interview: Interview, part: Part) -> None:
        self._told(turn, interview, interview.skip(turn.now))

    def _stop(self, turn: Turn, interview: Interview, part: Part) -> None:
        self._told(turn, interview, interview.stop())

    def _correct(self, turn: Turn, interview: Interview, part: Part) -> None:
        """Change the answer that the words name, or go back where they name none."""
        found = self._reader.read(part.text, turn.now.date()).findings
        named = [f.condition for f in found if f.condition in LINK_IDS and f.condition in interview.answers]
        if not named:
            # something that was said is wrong, and we cannot tell what: the therapist asks
            interview.findings.setdefault("correction", []).append(
                Finding("unclear", "unsure", "text", part.text, "practice.unlisted", "other", rule="correction")
            )
            self._told(turn, interview, interview.back())
            return
        item = self._rulebook.item(named[0])
        value = read_answer(part.text, item, self._reader, turn.now.date()).value
        self._told(turn, interview, interview.correct(item.id, value or "unsure", turn.now))

    def _continue(self, turn: Turn, screen: Screen) -> Optional[Interview]:
        if screen.rules_version != self._rulebook.version:
            # its questions may not exist any more: ask anew rather than mix two versions
            keep(screen, screen.state, "stopped")
            fresh = Interview.start(self._rulebook, self._reader)
            new_screen(turn.session, turn.conversation_id, fresh.to_dict(), self._rulebook.version)
            return None
        return Interview.from_dict(screen.state, self._rulebook, self._reader, turn.now)

    def _keep(self, turn: Turn, screen: Screen, interview: Interview) -> None:
        status = interview.state if interview.current is None else "open"
        keep(screen, interview.to_dict(), status)
        turn.session.flush()

    def _question(self, screen: Screen, question: Question) -> Message:
        intents = {"yes": "affirm", "no": "deny"}
        choices = [
            Button(
                title,
                buttons.payload(
                    intents.get(value, "unsure" if value == "unsure" else "affirm"),
                    question=question.id,
                    value=value,
                    screen=screen.id,
                ),
            )
            for title, value in question.options
        ]
        if question.id != CONSENT:
            choices.append(Button(self._handout.say("button.why"), buttons.payload("why_asked")))
        return Message(question.text, "question", buttons=tuple(choices))

    def _stale(self, turn: Turn) -> None:
        self._say(turn, "message.stale_button", "notice")

    def _say(self, turn: Turn, key: str, kind: str) -> None:
        turn.messages.append(Message(self._handout.say(key), kind))


# outside the screen "a bruise" or "my back hurts" is what one writes to a therapist
COUNTED_EARLIER = frozenset(LINK_IDS) - {"other"}


def filled(decision: Decision, settings: Settings) -> str:
    """The message of a decision with the practice's own numbers and names in it."""
    return decision.message.replace("{emergency_number}", settings.emergency_number).replace(
        "{practice_name}", settings.practice_name
    )
