"""Answers from the handout: a passage, what it leaves open, or that it is silent.

This module decides which text of the handout fits a part of a message; the
texts are the handout's. It must not know screens, cases or storage.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import List, Optional, Sequence

from bot.dialogue import buttons
from bot.dialogue.memory import Memory
from bot.dialogue.message import Message, Part
from bot.handout import FOLLOW_UPS, PASSAGES, Answer, Handout, read_days

# things to leave out after a session; a message that names several means each of them
LEAVE_OUT = ("after_heat", "after_swimming", "after_exercise", "after_sun", "after_other_therapy")
# who asks for these wants to book, and the screen comes before that
BEFORE_BOOKING = ("booking",)
AFTER_EFFECTS = ("bruising", "tenderness")
#: Words that ask for an amount of time, which most passages leave open.
_ASKS_FOR_TIME = re.compile(
    r"\bhow (?:long|soon|quickly|early)\b|\bhow many (?:more )?(?:days?|hours?|hrs?|weeks?|nights?)\b"
    r"|\bhow much (?:time|longer)\b|\bwhen (?:can|could|may|am|will|is it|would it|should) (?:i|we|it|be|safe|ok)\b"
    r"|\b(?:until|till?) when\b|\b(?:days?|hours?|hrs?) (?:before|until|till?)\b|\b\d+ ?h(?:rs?|ours?)?\b.{0,20}\bor \d+"
    r"|\b(?:in|number of) (?:days|hours)\b|\b(?:days?|hours?)[ -]wise\b|\bby then\b|\bduration\b",
    re.IGNORECASE,
)
#: Follow-ups whose kind says what is asked; the others ask about whatever their words name.
_ABOUT_THE_LAST = ("how_long", "why", "already_did")


class Answering:
    """Turns a part of a message into what the handout says on it."""

    def __init__(self, handout: Handout) -> None:
        self._handout = handout

    def passage(self, part: Part, memory: Memory, already: Sequence[str] = ()) -> List[Message]:
        """Answer from the passage a part asks for.

        What the handout does not name is not given to the nearest rule, and
        other things of the same kind that the words name are answered too.

        Args:
            already: passages that this reply has answered from; not repeated.
        """
        messages: List[Message] = []
        open_time = self._open_time(part)
        if open_time is not None and part.topic not in already:
            memory.talked_about([part.topic])
            return [self._offering(open_time.text, open_time.sources, part.text, memory)]
        named = {mention.passage for mention in self._handout.find_specifics(part.text)}
        not_named = self._handout.find_not_named(part.text)
        passage = part.topic
        if not_named and passage not in named and passage in LEAVE_OUT:
            return self.silent(not_named[0].topic, part.text, memory)
        wanted = [passage]
        if passage in LEAVE_OUT:
            # "sauna or a swim?" asks two things; the first named comes first
            order = [m.passage for m in self._handout.find_specifics(part.text) if m.passage in LEAVE_OUT]
            wanted = list(dict.fromkeys([*order, passage] if passage not in order else order))
        for one in wanted:
            if one in already:
                continue
            answer = self._handout.answer(one, part.text)
            if answer.answers:
                messages.append(Message(answer.text, "answer", sources=answer.sources))
            else:
                messages.append(self._offering(answer.text, answer.sources, part.text, memory))
        memory.talked_about(wanted)
        if passage in LEAVE_OUT:
            for topic in dict.fromkeys(mention.topic for mention in not_named):
                messages.extend(self.silent(topic, part.text, memory))
        return messages

    def silent(self, topic: str, text: str, memory: Memory) -> List[Message]:
        """Say that the handout does not answer, what comes close, and offer the therapist."""
        found = self._handout.not_covered(topic, text)
        # "how many days until I can swim?": what comes after it is about swimming
        named = [mention.passage for mention in self._handout.find_specifics(text)]
        if found.sources or named:
            memory.talked_about(list(found.sources or named[:1]))
        memory.silent = topic
        if topic in BEFORE_BOOKING:
            memory.offered, memory.question = "screen", text
            screen, ask = buttons.start_screen(self._handout), buttons.pass_on(self._handout)
            return [Message(found.text, "not_in_handout", buttons=(screen, ask))]
        return [self._offering(found.text, found.sources, text, memory)]

    def follow_up(self, part: Part, memory: Memory) -> List[Message]:
        """Answer "for how long?", "why?" and the like about what was said last.

        A thing that the words bring up anew ("and the steam room?", "and a shower?") is
        answered as a question about that thing.
        """
        if part.topic not in _ABOUT_THE_LAST:
            anew = self._brought_up(part, memory)
            if anew is not None:
                return anew
        if memory.silent is not None and not self._handout.find_specifics(part.text):
            # "and just the one glass?" after a question about wine is still about wine
            return self.silent(memory.silent, part.text, memory)
        passage = self._meant(part, memory)
        if passage is None:
            return [
                Message(
                    self._handout.say("clarify.follow_up"),
                    "clarify",
                    buttons=tuple(buttons.about_passage(self._handout, p) for p in memory.passages[:2]),
                )
            ]
        kind = part.topic if part.topic in FOLLOW_UPS else "what_about"
        memory.talked_about([passage])
        found = self._handout.follow_up(passage, kind)
        if found is not None and found.answers:
            return [Message(found.text, "answer", sources=found.sources)]
        silence = found or self._handout.no_answer(passage, kind)
        return [self._offering(silence.text, silence.sources, part.text, memory)]

    def _brought_up(self, part: Part, memory: Memory) -> Optional[List[Message]]:
        """The answer about a thing that a follow-up names; None where it names none."""
        last = memory.passages[0] if memory.passages else None
        if last is not None and self._handout.specific(last, part.text) is not None:
            return self.passage(replace(part, key=f"handout/{last}"), memory)
        not_named = self._handout.find_not_named(part.text)
        if not_named:
            return self.silent(not_named[0].topic, part.text, memory)
        named = [mention.passage for mention in self._handout.find_specifics(part.text)]
        named.extend(self._handout.find_about(part.text))
        if not named:
            named.extend(self._handout.find_loosely(part.text))
        if not named:
            return None
        phase = last.partition("_")[0] if last is not None else ""
        passage = next((one for one in named if one.startswith(phase)), named[0])
        return self.passage(replace(part, key=f"handout/{passage}"), memory)

    def _open_time(self, part: Part) -> Optional[Answer]:
        """What the handout leaves open about time, where the words ask for it."""
        if not _ASKS_FOR_TIME.search(part.text):
            return None
        said = self._handout.follow_up(part.topic, "how_long")
        return said if said is not None and not said.answers else None

    def clarify(self, part: Part, memory: Memory) -> Optional[Message]:
        """Offer the two nearest readings as buttons, or None where no passage is near."""
        near = [
            key.partition("/")[2]
            for key, _ in part.ranking
            if key.startswith("handout/") and key.partition("/")[2] in PASSAGES
        ][:2]
        if not near:
            return None
        memory.question = part.text
        return Message(
            self._handout.say("clarify.intro"),
            "clarify",
            buttons=(
                *(buttons.about_passage(self._handout, passage) for passage in near),
                buttons.something_else(self._handout),
            ),
        )

    def beyond_normal(self, part: Part, today: date) -> bool:
        """Whether a part about an after-effect tells of more than the handout's days."""
        if part.topic not in AFTER_EFFECTS:
            return False
        days = read_days(part.text, today)
        limit = self._handout.passage(part.topic).limits.get("days")
        return days is not None and limit is not None and days > limit

    def effect_meant(self, part: Part, memory: Memory) -> Optional[str]:
        """Which passage says what is normal for the after-effect a part tells of, if one does."""
        named = [mention.passage for mention in self._handout.find_specifics(part.text)]
        near = [key.partition("/")[2] for key, _ in part.ranking]
        for passage in (*named, *near):
            if passage in AFTER_EFFECTS:
                return passage
        return None

    def _meant(self, part: Part, memory: Memory) -> Optional[str]:
        named = [mention.passage for mention in self._handout.find_specifics(part.text)]
        # a word that several passages know (pizza before, pizza after) means the one just talked about
        for passage in memory.passages:
            if passage in named:
                return passage
        if named:
            return named[0]
        return memory.passages[0] if memory.passages else None

    def _offering(self, text: str, sources: Sequence[str], words: str, memory: Memory) -> Message:
        memory.offered = "pass_on"
        memory.question = words
        return Message(
            f"{text} {self._handout.say('offer.pass_on')}",
            "not_in_handout",
            sources=tuple(sources),
            buttons=(buttons.pass_on(self._handout), buttons.no_thanks(self._handout)),
        )
