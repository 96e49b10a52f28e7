"""Answers from the handout: the passage, the specific thing asked about, the follow-up, or that it is not covered.

A Handout is immutable once loaded and safe to share between threads. It knows nothing of conversations: whoever calls
keeps track of what was said before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bot.handout import loading
from bot.handout.loading import Content
from bot.handout.model import (
    CONVERSATION,
    OTHER_TOPIC,
    Answer,
    Condition,
    Mention,
    NotCovered,
    NotNamed,
    Passage,
    Specific,
    SpecificText,
)
from bot.handout.terms import Match, TermIndex

CONTENT: Final = Path(__file__).parent / "content"

# A term stands for a specific of a passage, for a topic that is not covered, or for nothing (("", None)).
_Target = tuple[str, SpecificText | None]
_NOT_MEANT: Final[_Target] = ("", None)


class Handout:
    """The practice's handout and all texts of the assistant, as loaded from the content files."""

    def __init__(self, content: Content) -> None:
        self._content = content
        topics: list[tuple[str, _Target]] = [
            (term, (topic.id, None)) for topic in content.topics.values() for term in topic.terms
        ]
        not_meant: list[tuple[str, _Target]] = [(term, _NOT_MEANT) for term in content.not_meant]
        everywhere: list[tuple[str, _Target]] = [
            (term, (passage.id, specific))
            for passage in content.passages.values()
            for specific in passage.specifics
            for term in specific.terms
        ]
        self._everywhere: TermIndex[_Target] = TermIndex([*everywhere, *topics], exact=not_meant)
        self._about: TermIndex[str] = TermIndex(
            [], exact=[(word, passage.id) for passage in content.passages.values() for word in passage.about]
        )
        self._loosely: TermIndex[str] = TermIndex(
            [],
            exact=[
                (term, passage.id)
                for passage in content.passages.values()
                for specific in passage.specifics
                for term in specific.also
            ],
        )
        self._within: dict[str, TermIndex[_Target]] = {
            passage.id: TermIndex(
                [(term, (passage.id, specific)) for specific in passage.specifics for term in specific.terms],
                exact=[
                    *((term, (passage.id, specific)) for specific in passage.specifics for term in specific.also),
                    *not_meant,
                ],
            )
            for passage in content.passages.values()
        }

    @classmethod
    def load(cls, directory: Path | None = None) -> Handout:
        """Read and check the content files, by default those of this package.

        Raises HandoutError, which lists every problem with file and line.
        """
        return cls(loading.load(directory or CONTENT))

    @property
    def passages(self) -> tuple[Passage, ...]:
        """All passages in the handout's order."""
        return tuple(self._content.passages.values())

    def passage(self, passage: str) -> Passage:
        """The passage of this id. Raises KeyError for an id that is not in PASSAGES."""
        return self._content.passages[passage]

    def specific(self, passage: str, text: str) -> Specific | None:
        """The specific thing of this passage that the words name: the longest term, the first of equals."""
        found = self._specifics(passage, text)
        return max(found, key=lambda one: (len(one.term.split()), -one.start)) if found else None

    def answer(self, passage: str, text: str = "") -> Answer:
        """What to say from this passage. Where the words name exactly one specific thing, the answer is about that.

        With several, the passage's general answer covers them together.
        """
        found = {one.name: one for one in self._specifics(passage, text)}
        if any(one.anywhere for one in found.values()):
            # "a walk of about a mile" names walking; "mile" alone could mean a run
            found = {name: one for name, one in found.items() if one.anywhere}
        if len(found) == 1:
            (one,) = found.values()
            return Answer(one.answer, (passage,), one.answers)
        return Answer(self.passage(passage).answer, (passage,))

    def follow_up(self, passage: str, kind: str) -> Answer | None:
        """What the handout says or leaves open on "for how long?", "why?" … about this passage; None without a text.

        `kind` is one of FOLLOW_UPS. Without a text of the passage's own, `no_answer` has a general one.
        """
        said = self.passage(passage).follow_ups.get(kind)
        return Answer(said.text, (passage,), said.answers) if said else None

    def no_answer(self, passage: str, kind: str) -> Answer:
        """The general sentence for a follow-up that the handout does not answer for this passage."""
        return Answer(self.say(f"follow_up.{kind}", topic=self.passage(passage).title), (passage,), answers=False)

    def find_specifics(self, text: str) -> list[Mention]:
        """Everything in the text that the handout names, over all passages, in order.

        A word that two passages know (pizza before, pizza after) yields one mention each.
        """
        return [
            Mention(target, match.term, match.start, match.end)
            for match in self._everywhere.find(text)
            for target, specific in match.targets
            if specific is not None
        ]

    def find_not_named(self, text: str) -> list[NotNamed]:
        """Everyday activities and things in the text that the handout does not name, in order."""
        return [
            NotNamed(target, match.term, match.start, match.end)
            for match in self._everywhere.find(text)
            for target, specific in match.targets
            if specific is None and target
        ]

    def find_about(self, text: str) -> tuple[str, ...]:
        """Passages whose words for all of it ("drink", "water") stand in the text."""
        return tuple(dict.fromkeys(passage for match in self._about.find(text) for passage in match.targets))

    def find_loosely(self, text: str) -> tuple[str, ...]:
        """Passages with a specific that the words would name in a question about the passage ("run")."""
        return tuple(dict.fromkeys(passage for match in self._loosely.find(text) for passage in match.targets))

    def not_covered(self, topic: str, text: str = "") -> NotCovered:
        """What to say on a topic that the handout does not cover; an unknown topic is served as `other`.

        Where a topic lists several close passages ("how many days?") and the words name something in one of them, what
        that passage says on "for how long?" is the answer.
        """
        entry = self._content.topics.get(topic) or self._content.topics[OTHER_TOPIC]
        if len(entry.near) > 1:
            for mention in self.find_specifics(text):
                follow_up = self.follow_up(mention.passage, "how_long") if mention.passage in entry.near else None
                if follow_up:
                    return NotCovered(entry.id, entry.about, follow_up.text, follow_up.sources)
        sentence = entry.text or self.say("not_covered.sentence", about=entry.about)
        if entry.near_text:
            return NotCovered(entry.id, entry.about, f"{sentence} {entry.near_text}", entry.near)
        return NotCovered(entry.id, entry.about, sentence, ())

    @property
    def topics(self) -> tuple[str, ...]:
        """Ids of the topics that are known not to be covered."""
        return tuple(self._content.topics)

    def condition(self, group: str) -> Condition | None:
        """How a group of conditions is called and which list it is on; None for a group that the content lacks."""
        return self._content.conditions.get(group)

    def out_of_scope(self, kind: str) -> str:
        """One helpful sentence for a message that has nothing to do with the treatment; most kinds share one."""
        key = f"out_of_scope.{kind}"
        return self.say(key if key in CONVERSATION else "out_of_scope.default")

    def say(self, key: str, **values: str) -> str:
        """A text of conversation.yml with its placeholders filled in.

        Raises KeyError for an unknown key, and for a placeholder that is missing or one too many.
        """
        if key not in CONVERSATION:
            raise KeyError(f"No text is called {key!r}; bot/handout/model.py lists them all.")
        if values.keys() != CONVERSATION[key]:
            raise KeyError(f"The text {key!r} takes {sorted(CONVERSATION[key])}, but was given {sorted(values)}.")
        return self._content.conversation[key].format(**values)

    def _specifics(self, passage: str, text: str) -> list[Specific]:
        """Specifics of this passage in the text, but none inside a longer thing that is not its own ("heat pack")."""
        elsewhere = [
            (match.start, match.end)
            for match in self._everywhere.find(text)
            if all(target != passage or specific is None for target, specific in match.targets)
        ]
        return [
            Specific(
                passage,
                specific.name,
                match.term,
                specific.said.text,
                specific.said.answers,
                match.start,
                match.end,
                anywhere=match.term in specific.terms,
            )
            for match in self._within[passage].find(text)
            for specific in _specific_texts(match)
            if not any(
                start <= match.start and match.end <= end and end - start > match.end - match.start
                for start, end in elsewhere
            )
        ]


def _specific_texts(match: Match[_Target]) -> list[SpecificText]:
    return [specific for _, specific in match.targets if specific is not None]
