"""One message heard, the replies to it.

The assistant takes the parts that the NLU read, in order, and lets a skill
answer each; an open screening question has the first word on what could be an
answer to it, and is asked again at the end. Everything that a turn writes
(screen, decision, case) is one transaction, committed before it returns.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional

from sqlalchemy.orm import Session

from bot.booking import BookingTokens, new_signing_key
from bot.dialogue import buttons
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.answering import Answering
from bot.dialogue.checkins import Checkins
from bot.dialogue.conditions import Conditions
from bot.dialogue.context import Context
from bot.dialogue.escalating import Escalating
from bot.dialogue.memory import Memory
from bot.dialogue.message import Message, Part
from bot.dialogue.my_data import OFFER as DELETE
from bot.dialogue.my_data import MyData
from bot.dialogue.reading import load_detector, load_reader
from bot.dialogue.screening import Screening
from bot.dialogue.screens import awaits_answer
from bot.handout import PASSAGES, Handout
from bot.nlu.thresholds import ANSWER, ANSWER_IF_CLEAR, CLARIFY, CLEAR_BY
from bot.rights import ExportTickets
from bot.screening import Rulebook
from bot.settings import Settings
from bot.store.database import Database
from bot.store.secrets import shared_secret

MAX_PARTS = 5
#: In a message's metadata: whether a question of the assistant waits for an answer, where the channel has looked.
AWAITED = "awaits_answer"
SCREEN_WORDS = ("why_asked", "explain_question", "go_back", "skip_question", "stop_screen", "correct_answer")


@dataclass
class Heard:
    """A client's message as the NLU read it.

    Attributes:
        text: the words, or the payload of a button.
        parts: at least one.
        entities: what a button carried.
        awaited: whether a question of the assistant waits for an answer; None where nobody has looked yet.
    """

    text: str
    parts: List[Part]
    entities: Dict[str, str] = field(default_factory=dict)
    awaited: Optional[bool] = None

    @classmethod
    def from_parse(cls, parse: Mapping[str, Any]) -> Heard:
        """Read Rasa's parse data of the latest message."""
        text = str(parse.get("text") or "")
        entities = {e["entity"]: str(e["value"]) for e in parse.get("entities") or []}
        parts = [
            Part(
                text=part["text"],
                intent=part["intent"],
                key=part["response_key"],
                confidence=float(part["confidence"]),
                ranking=[(r["name"], float(r["confidence"])) for r in part["ranking"]],
            )
            for part in parse.get("parts") or []
        ]
        if not parts:
            intent = str((parse.get("intent") or {}).get("name") or "nlu_fallback")
            parts = [Part(text=text, intent=intent, key=intent)]
        return cls(text, parts, entities, (parse.get("metadata") or {}).get(AWAITED))

    @property
    def pressed(self) -> bool:
        """Whether a button was pressed rather than words written."""
        return self.text.startswith("/")


@dataclass
class Reply:
    """What the assistant says and what it remembers.

    Attributes:
        erase: the client has confirmed that everything is to be deleted.
    """

    messages: List[Message]
    memory: Memory
    erase: bool = False


@dataclass
class Turn:
    """What the skills of one turn share.

    Attributes:
        begin: begins the transaction of the turn.
    """

    begin: Callable[[], Session]
    conversation_id: str
    heard: Heard
    memory: Memory
    now: datetime
    messages: List[Message] = field(default_factory=list)
    erase: bool = False
    begun: Optional[Session] = None

    @property
    def session(self) -> Session:
        """The turn's transaction, begun when a skill first needs it.

        Most answers write nothing, and must not stand in line with those that do.
        """
        if self.begun is None:
            self.begun = self.begin()
        return self.begun

    @property
    def told(self) -> List[str]:
        """Passages that this reply has answered from already."""
        return [source for message in self.messages if message.kind == "answer" for source in message.sources]


class Assistant:
    """Replies to messages."""

    def __init__(
        self,
        database: Database,
        handout: Handout,
        answering: Answering,
        conditions: Conditions,
        escalating: Escalating,
        screening: Screening,
        my_data: MyData,
        checkins: Checkins,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._database = database
        self._handout = handout
        self._answering = answering
        self._context = Context(handout)
        self._conditions = conditions
        self._escalating = escalating
        self._screening = screening
        self._data = my_data
        self._checkins = checkins
        self._clock = clock
        self._skills: Dict[str, Callable[[Turn, Part], None]] = {
            "handout": self._handout_question,
            "not_in_handout": self._not_in_handout,
            "follow_up": self._follow_up,
            "condition": self._condition,
            "health_remark": self._health_remark,
            "emergency": self._emergency,
            "after_effect": self._after_effect,
            "human": self._human,
            "complaint": self._complaint,
            "start_screen": self._start_screen,
            "affirm": self._affirm,
            "deny": self._deny,
            "unsure": self._unsure,
            "my_data": self._my_data,
            "smalltalk": self._smalltalk,
            "out_of_scope": self._out_of_scope,
            "nlu_fallback": self._not_understood,
            **dict.fromkeys(SCREEN_WORDS, self._outside_screen),
        }

    def reply(self, heard: Heard, conversation_id: str, memory: Memory) -> Reply:
        """Answer one message."""
        with ExitStack() as ending:
            turn = Turn(
                lambda: ending.enter_context(self._database.transaction()),
                conversation_id,
                heard,
                memory,
                self._clock(),
            )
            asked = self._asked(conversation_id) if heard.awaited is None else heard.awaited
            if not (heard.pressed and self._pressed(turn)):
                left = self._screening.hear(turn) if asked else heard.parts
                if asked and len(left) == 1 and self._checkins.hear(turn, left[0]):
                    left = []
                for part in self._ordered(left, memory):
                    read = self._context.weigh(part, memory)
                    self._skills[read.intent](turn, read)
                self._told_besides(turn)
            if not any(message.kind in ("fallback", "clarify") for message in turn.messages):
                memory.failures = 0
            if not turn.erase and (asked or turn.begun is not None):
                self._screening.ask_again(turn)
            return Reply(turn.messages, memory, turn.erase)

    def _asked(self, conversation_id: str) -> bool:
        """Whether a question of ours waits for an answer."""
        with self._database.reading() as session:
            return awaits_answer(session, conversation_id)

    def _ordered(self, parts: List[Part], memory: Memory) -> List[Part]:
        """The parts to answer: small talk beside a real question is left out, and a yes or no to nothing."""
        idle = ("smalltalk",) if memory.offered else ("smalltalk", "affirm", "deny")
        real = [part for part in parts if part.intent not in idle]
        return (real or parts)[:MAX_PARTS]

    def _told_besides(self, turn: Turn) -> None:
        """Notice a condition in words that no part holds ("I ask because of my metal hip")."""
        rest = turn.heard.text
        for part in turn.heard.parts:
            rest = rest.replace(part.text, " ", 1)
        asked = any(message.kind in ("answer", "not_in_handout") for message in turn.messages)
        if asked and any(character.isalpha() for character in rest):
            answers = len(turn.messages)
            self._conditions.notice(turn, Part(rest, "health_remark", "health_remark"))
            before = turn.heard.text[: max(0, turn.heard.text.find(turn.heard.parts[0].text))]
            if any(character.isalpha() for character in before):
                # what was said first is answered first
                turn.messages[:] = turn.messages[answers:] + turn.messages[:answers]

    def _pressed(self, turn: Turn) -> bool:
        """Handle a button that names what it is about; False if its intent says it all."""
        entities = turn.heard.entities
        intent = turn.heard.parts[0].intent
        if intent == "handout" and entities.get("passage") in PASSAGES:
            passage = entities["passage"]
            # a clarification keeps the client's words, so that the answer can be specific
            words = turn.memory.question if turn.memory.offered == "clarify" else ""
            self._forget_offer(turn)
            turn.messages.extend(self._answering.passage(Part(words, "handout", f"handout/{passage}"), turn.memory))
            return True
        if entities.get("about") == "checkin":
            self._checkins.press(turn, entities.get("value", ""))
            return True
        if intent == "my_data" and "about" in entities:
            self._data.answer(turn, entities["about"])
            return True
        if "question" in entities:
            return self._screening.press(turn, entities, intent)
        return False

    def _handout_question(self, turn: Turn, part: Part) -> None:
        if self._unsure_reading(turn, part):
            return
        self._conditions.notice(turn, part)
        if self._answering.beyond_normal(part, turn.now.date()):
            self._pass_on_after_effect(turn, part, about=part.topic)
            return
        self._forget_offer(turn)
        turn.messages.extend(self._answering.passage(part, turn.memory, turn.told))

    def _not_in_handout(self, turn: Turn, part: Part) -> None:
        if self._unsure_reading(turn, part):
            return
        self._conditions.notice(turn, part)
        turn.messages.extend(self._answering.silent(part.topic, part.text, turn.memory))

    def _follow_up(self, turn: Turn, part: Part) -> None:
        if self._conditions.notice(turn, part):
            # "and if I'm pregnant?" asks about the condition, not about what was said before
            return
        turn.messages.extend(self._answering.follow_up(part, turn.memory))

    def _condition(self, turn: Turn, part: Part) -> None:
        self._conditions.answer(turn, part)

    def _health_remark(self, turn: Turn, part: Part) -> None:
        self._conditions.remark(turn, part)

    def _emergency(self, turn: Turn, part: Part) -> None:
        self._conditions.alarm(turn, part)

    def _after_effect(self, turn: Turn, part: Part) -> None:
        self._pass_on_after_effect(turn, part, about=self._answering.effect_meant(part, turn.memory))

    def _pass_on_after_effect(self, turn: Turn, part: Part, about: Optional[str]) -> None:
        turn.messages.append(
            self._escalating.after_effect(turn.session, turn.conversation_id, about, turn.heard.text, turn.now)
        )

    def _human(self, turn: Turn, part: Part) -> None:
        memory = turn.memory
        if turn.heard.pressed and memory.question:
            self._pass_on(turn, "question", memory.question)
        else:
            self._pass_on(turn, "human", turn.heard.text if not turn.heard.pressed else "")

    def _complaint(self, turn: Turn, part: Part) -> None:
        self._pass_on(turn, "complaint", turn.heard.text)

    def _pass_on(self, turn: Turn, reason: str, words: str) -> None:
        self._forget_offer(turn)
        turn.messages.append(self._escalating.pass_on(turn.session, turn.conversation_id, reason, words, turn.now))

    def _start_screen(self, turn: Turn, part: Part) -> None:
        if self._unsure_reading(turn, part):
            return
        self._forget_offer(turn)
        self._screening.start(turn)

    def _affirm(self, turn: Turn, part: Part) -> None:
        offered = turn.memory.offered
        if offered == "pass_on":
            self._pass_on(turn, "question", turn.memory.question)
        elif offered == "screen":
            self._start_screen(turn, part)
        elif offered == DELETE:
            # nothing is deleted by a word that may have meant something else: the button confirms
            self._data.answer(turn, DELETE)
        else:
            self._say(turn, "smalltalk.ack", "smalltalk")

    def _deny(self, turn: Turn, part: Part) -> None:
        offered = turn.memory.offered
        if offered == DELETE:
            self._data.keep(turn)
            return
        self._forget_offer(turn)
        self._say(turn, "offer.declined" if offered == "pass_on" else "smalltalk.ack", "smalltalk")

    def _unsure(self, turn: Turn, part: Part) -> None:
        self._not_understood(turn, part)

    def _outside_screen(self, turn: Turn, part: Part) -> None:
        """A word of the screen with no screen open."""
        if part.intent in ("why_asked", "explain_question"):
            if turn.memory.passages:
                why = Part(part.text, "follow_up", "follow_up/why")
                turn.messages.extend(self._answering.follow_up(why, turn.memory))
            else:
                self._not_understood(turn, part)
            return
        turn.memory.offered = "screen"
        turn.messages.append(
            Message(
                self._handout.say("screen.not_running"),
                "notice",
                buttons=(buttons.start_screen(self._handout), buttons.no_thanks(self._handout)),
            )
        )

    def _my_data(self, turn: Turn, part: Part) -> None:
        self._data.answer(turn, part.topic)

    def _smalltalk(self, turn: Turn, part: Part) -> None:
        topic = part.topic or "ack"
        self._say(turn, f"smalltalk.{topic}", "smalltalk")

    def _out_of_scope(self, turn: Turn, part: Part) -> None:
        turn.messages.append(Message(self._handout.out_of_scope(part.topic), "out_of_scope"))

    def _unsure_reading(self, turn: Turn, part: Part) -> bool:
        """Ask back where the reading is not sure; True if that was done."""
        if part.confidence >= ANSWER or (part.confidence >= ANSWER_IF_CLEAR and _is_clear(part)):
            return False
        asked = self._answering.clarify(part, turn.memory) if part.confidence >= CLARIFY else None
        if asked is None or turn.memory.failures:
            self._not_understood(turn, part)
        else:
            turn.memory.failures += 1
            turn.messages.append(asked)
        return True

    def _not_understood(self, turn: Turn, part: Part) -> None:
        turn.memory.failures += 1
        if turn.memory.failures >= 2:
            turn.memory.failures = 0
            self._pass_on(turn, "not_understood", turn.heard.text)
            return
        turn.memory.question = turn.heard.text
        turn.messages.append(
            Message(
                self._handout.say("fallback.first"),
                "fallback",
                buttons=(buttons.person(self._handout),),
            )
        )

    def _say(self, turn: Turn, key: str, kind: str) -> None:
        turn.messages.append(Message(self._handout.say(key), kind))

    @staticmethod
    def _forget_offer(turn: Turn) -> None:
        turn.memory.offered = None
        turn.memory.question = ""


def _is_clear(part: Part) -> bool:
    """Whether the next best key of another group or passage is far behind."""
    others = [share for key, share in part.ranking if key != part.key and _apart(key, part)]
    return part.confidence >= CLEAR_BY * max(others, default=0.0)


def _apart(key: str, part: Part) -> bool:
    return part.intent == "handout" or not key.startswith(f"{part.intent}/")


def build_assistant(chosen: Settings) -> Assistant:
    """Wire the assistant of the custom actions together."""
    handout = Handout.load()
    rulebook = Rulebook.load()
    detector = load_detector()
    reader = load_reader(detector)
    database = Database.shared(chosen.database.get_secret_value())
    answering = Answering(handout)
    escalating = Escalating(handout, chosen)
    tokens = BookingTokens(shared_secret(database, "booking_tokens", new_signing_key))
    return Assistant(
        database=database,
        handout=handout,
        answering=answering,
        conditions=Conditions(handout, reader, AlarmReply(detector, rulebook, chosen)),
        escalating=escalating,
        screening=Screening(handout, rulebook, reader, escalating, tokens, chosen),
        checkins=Checkins(handout, chosen, escalating),
        my_data=MyData(handout, chosen, ExportTickets(shared_secret(database, "export_tickets"))),
    )
