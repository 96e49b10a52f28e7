"""What the handout's content is made of: passages, specifics, topics not covered, and the keys of all other texts.

Only shapes and names live here. It must not know where the texts come from or who says them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, Mapping, NamedTuple

#: The passages of the handout and the file that holds each, in the handout's order.
PASSAGE_FILES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "treatment": (
            "what_is_iastm",
            "gua_sha",
            "effectiveness",
            "science",
            "adhesion",
            "scar_tissue",
            "frequency",
        ),
        "sensations": ("pain", "bruising", "tenderness"),
        "before": ("before_eat", "before_hydrate", "before_schedule", "before_clothing"),
        "aftercare": (
            "after_rest",
            "after_eat",
            "after_fluids",
            "after_heat",
            "after_swimming",
            "after_exercise",
            "after_sun",
            "after_other_therapy",
        ),
        "contraindications": ("contraindications", "modified"),
    }
)

#: Ids of the 24 passages; they are what a message names in `sources`.
PASSAGES: Final[tuple[str, ...]] = tuple(passage for ids in PASSAGE_FILES.values() for passage in ids)

#: Kinds of follow-up question that a passage may have a text for.
FOLLOW_UPS: Final[tuple[str, ...]] = ("how_long", "why", "already_did", "same_for", "what_about")

#: The topic that serves every question for which the content has no topic of its own.
OTHER_TOPIC: Final = "other"

_NOTHING: Final[frozenset[str]] = frozenset()
_CASE: Final = frozenset({"case", "when"})
_TOPIC: Final = frozenset({"topic"})
_CONDITION: Final = frozenset({"condition"})

#: Every text of conversation.yml with the placeholders that its speaker fills in. A file with more or fewer keys, or
#: with another placeholder, is refused: the accepted vocabulary is this one.
CONVERSATION: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "greeting.first": frozenset({"practice_name"}),
        **{
            f"smalltalk.{kind}": _NOTHING for kind in ("greeting", "thanks", "goodbye", "ack", "identity", "capability")
        },
        **{
            f"out_of_scope.{kind}": _NOTHING
            for kind in ("default", "injection", "gibberish", "other_language", "spam", "flirting")
        },
        "clarify.intro": _NOTHING,
        "clarify.follow_up": _NOTHING,
        "fallback.first": _NOTHING,
        "not_covered.sentence": frozenset({"about"}),
        **{f"follow_up.{kind}": _TOPIC for kind in FOLLOW_UPS},
        "offer.pass_on": _NOTHING,
        "offer.declined": _NOTHING,
        **{
            f"button.{name}": _NOTHING
            for name in (
                "pass_on",
                "no_thanks",
                "start_screen",
                "person",
                "why",
                "something_else",
                "copy",
                "delete",
                "delete_now",
                "keep",
            )
        },
        **{
            f"passed_on.{reason}": _CASE
            for reason in ("question", "human", "complaint", "after_effect", "failed_twice", "added")
        },
        "passed_on.waiting": frozenset({"case", "since", "when"}),
        **{f"notice.{event}": frozenset({"case"}) for event in ("opened", "urgent", "answered", "deleted")},
        "notice.open": frozenset({"link"}),
        "notice.footer": _NOTHING,
        "takeover.started": _NOTHING,
        "takeover.ended": _NOTHING,
        "ruling.approved": _NOTHING,
        "ruling.approved_in_person": frozenset({"practice_name"}),
        "ruling.declined": _NOTHING,
        "after_effect.bruising": _NOTHING,
        "after_effect.tenderness": _NOTHING,
        "after_effect.other": _NOTHING,
        "condition.contraindication": _CONDITION,
        "condition.modified": _CONDITION,
        "condition.unlisted": _CONDITION,
        "condition.unnamed": _NOTHING,
        **{f"health_remark.{kind}": _NOTHING for kind in ("relative", "negated", "general", "curiosity", "figurative")},
        **{f"screen.{name}": _NOTHING for name in ("not_running", "already_running")},
        "screen.case": _CASE,
        "my_data.what_you_know": frozenset({"messages", "decisions", "cases", "days"}),
        "my_data.export": frozenset({"link"}),
        "my_data.delete_confirm": _NOTHING,
        "my_data.delete_confirm_open": frozenset({"case"}),
        "my_data.deleted": _NOTHING,
        "my_data.delete_kept": _NOTHING,
        "message.stale_button": _NOTHING,
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A text for the client and the ids of the passages that it comes from.

    `answers` is False where the text can only tell what the handout says and that it leaves the question open.
    """

    text: str
    sources: tuple[str, ...]
    answers: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """A text of the content, and whether it answers the question or tells that the handout leaves it open."""

    text: str
    answers: bool = True


@dataclass(frozen=True, slots=True)
class SpecificText:
    """One thing that a passage has an answer of its own for, as written in the content."""

    name: str
    terms: tuple[str, ...]
    #: Terms that name it only where the passage is already known ("run" is exercise in a question about exercise).
    also: tuple[str, ...]
    said: Said


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage of the handout with everything that is said from it."""

    id: str
    title: str
    question: str
    answer: str
    #: Words for all of it ("drink", "water"): in a short follow-up ("and drinks?") they turn to this passage.
    about: tuple[str, ...] = ()
    specifics: tuple[SpecificText, ...] = ()
    follow_ups: Mapping[str, Said] = field(default_factory=dict)
    #: Figures of the handout that a client's words are compared with: `days` on bruising.
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that the handout does not cover, as written in the content."""

    id: str
    about: str
    text: str | None = None
    near: tuple[str, ...] = ()
    near_text: str | None = None
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Specific:
    """The specific thing that a client names in `text[start:end]`; `term` is how the content spells it."""

    passage: str
    name: str
    term: str
    answer: str
    #: False where the handout leaves open what was asked about it.
    answers: bool
    start: int
    end: int
    #: Whether the words name it anywhere, not only in a question that is known to be about its passage.
    anywhere: bool = True


class Mention(NamedTuple):
    """A thing that the handout names, found at `text[start:end]`."""

    passage: str
    term: str
    start: int
    end: int


class NotNamed(NamedTuple):
    """An everyday thing that the handout does not name, at `text[start:end]`, with its topic in not_covered.yml."""

    topic: str
    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NotCovered:
    """What to say on a topic that the handout does not cover; `sources` names the close passage that the text uses."""

    topic: str
    about: str
    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A group of health conditions, how a text names it, and the passage whose list it is on (None: not listed)."""

    group: str
    name: str
    passage: Literal["contraindications", "modified"] | None
