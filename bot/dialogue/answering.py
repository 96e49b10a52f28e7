"""Answers from the handout: a passage, what it leaves open, or that it is silent.

This module decides which text of the handout fits a part of a message; the
texts are the handout's. It must not know screens, cases or storage.
"""

from __future__ import annotations

from datetime import date
from typing import List, Optional, Sequence

from bot.dialogue import buttons
from bot.dialogue.memory import Memory
from bot.dialogue.message import Message, Part
from bot.handout import FOLLOW_UPS, PASSAGES, Handout, read_days

# things to leave out after a session; a message that names several means each of them
LEAVE_OUT = ("after_heat", "after_swimming", "after_exercise", "after_sun", "after_other_therapy")
# who asks for these wants to book, and the screen comes before that
BEFORE_BOOKING = ("booking",)
AFTER_EFFECTS = ("bruising", "tenderness")


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
        if found.sources:
            memory.talked_about(list(found.sources))
        if topic in BEFORE_BOOKING:
            memory.offered, memory.question = "screen", text
            screen, ask = buttons.start_screen(self._handout), buttons.pass_on(self._handout)
            return [Message(found.text, "not_in_handout", buttons=(screen, ask))]
        return [self._offering(found.text, found.sources, text, memory)]

    def follow_up(self, part: Part, memory: Memory) -> List[Message]:
        """Answer "for how long?", "why?" and the like about what was said last."""
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
