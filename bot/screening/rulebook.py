"""The rules of the screen: questions, follow-ups, settings and messages, read from YAML.

Checked on load, so that a slip in the file is told with its line instead of being felt by
a client. Knows nothing of answers (that is ``decision``) and nothing of reading text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from bot.screening.model import SEVERITY, Listing, Outcome
from bot.screening.vocabulary import LISTED, PASSAGE_SOURCES
from bot.screening.yamlfile import Node

RULES_FILE = Path(__file__).parent / "rules.yml"
LINK_IDS: tuple[str, ...] = (*LISTED, "other")
"""The questionnaire's linkIds in their order (contract.md)."""
LONGEST_TEXT_WORDS = 80
MESSAGES = (*SEVERITY, "modified_bookable", "incomplete")
"""Outcomes as told; the second reading of ``modified`` where the practice lets it book."""
INTERVIEW_TEXTS = (
    "consent",
    "consent_yes",
    "consent_no",
    "declined",
    "stopped",
    "option_yes",
    "option_no",
    "option_unsure",
)
SETTINGS = ("recent_sutures_weeks", "pressure_measured_months", "validity_days", "modified_may_book")
RULE_SOURCES = (
    *PASSAGE_SOURCES,
    "practice.unlisted",
    "practice.recent_sutures",
    "practice.pressure_measured",
    "practice.validity",
    "practice.modified_may_book",
)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a follow-up and what it makes of the item's outcome."""

    value: str
    title: str
    outcome: Outcome
    note: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question asked after a "yes"; ``options`` is empty for free text.

    ``limit`` is the setting by which an answer in words is read, "-" where there is none.
    """

    id: str
    question: str
    why: str
    kind: Literal["choice", "text"]
    options: tuple[Option, ...]
    limit: str = "-"

    def option(self, value: str) -> Option | None:
        """The option of that value, or None."""
        return next((option for option in self.options if option.value == value), None)


@dataclass(frozen=True, slots=True)
class Item:
    """One of the eleven questions. ``id`` is the linkId."""

    id: str
    listing: Listing
    source: str
    since: date
    on_yes: Outcome
    condition: str
    question: str
    why: str
    explain: str
    follow_ups: tuple[FollowUp, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A limit that is the practice's own."""

    id: str
    value: float
    unit: str
    source: str
    since: date
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the changelog."""

    version: str
    on: date
    text: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything ``rules.yml`` says."""

    version: str
    since: date
    changelog: tuple[Change, ...]
    settings: Mapping[str, Setting]
    items: tuple[Item, ...]
    messages: Mapping[str, str]
    interview: Mapping[str, str]

    @classmethod
    def load(cls, path: Path | None = None) -> Rulebook:
        """Read and check a rules file; raises ScreeningFileError with file and line."""
        top = Node.file(path or RULES_FILE)
        top.only({"version", "since", "changelog", "settings", "items", "messages", "interview"})
        version = top.text("version")
        changelog = tuple(_change(node) for node in top.nodes("changelog", "changelog entry"))
        if not changelog or changelog[0].version != version:
            raise top.fail("changelog", f"the first changelog entry must be for version {version}.")
        settings = {s.id: s for s in (_setting(node) for node in top.nodes("settings", "setting"))}
        missing = [name for name in SETTINGS if name not in settings]
        if missing:
            raise top.fail("settings", f"setting '{missing[0]}' is missing; needed are {', '.join(SETTINGS)}.")
        values = {f"{{{setting.id}}}": f"{setting.value:g}" for setting in settings.values()}
        settings = {name: replace(s, text=_filled(s.text, values)) for name, s in settings.items()}
        nodes = top.nodes("items", "item")
        items = tuple(_item(node, values) for node in nodes)
        if tuple(item.id for item in items) != LINK_IDS:
            raise top.fail("items", f"items must be exactly, in this order: {', '.join(LINK_IDS)}.")
        messages = top.node("messages", "messages")
        messages.only(MESSAGES)
        interview = top.node("interview", "interview")
        interview.only(INTERVIEW_TEXTS)
        return cls(
            version=version,
            since=top.date("since"),
            changelog=changelog,
            settings=settings,
            items=items,
            messages={key: messages.text(key, max_words=LONGEST_TEXT_WORDS) for key in MESSAGES},
            interview={key: interview.text(key, max_words=LONGEST_TEXT_WORDS) for key in INTERVIEW_TEXTS},
        )

    def item(self, link_id: str) -> Item:
        """The item of that linkId; raises KeyError."""
        for item in self.items:
            if item.id == link_id:
                return item
        raise KeyError(link_id)

    def follow_up(self, follow_up_id: str) -> tuple[Item, FollowUp]:
        """A follow-up with its item; raises KeyError."""
        for item in self.items:
            for follow_up in item.follow_ups:
                if follow_up.id == follow_up_id:
                    return item, follow_up
        raise KeyError(follow_up_id)

    def may_book(self, outcome: str) -> bool:
        """Whether the practice lets a client with this outcome book online without being asked."""
        return outcome == "eligible" or (outcome == "modified" and self.modified_may_book)

    def message(self, outcome: Outcome) -> str:
        """What the client is told; names of places that the caller fills in are left."""
        key = "modified_bookable" if outcome == "modified" and self.modified_may_book else outcome
        return _filled(self.messages[key], {"{validity_days}": str(self.validity_days)})

    @property
    def validity_days(self) -> int:
        """Days for which a decision may be relied on."""
        return int(self.settings["validity_days"].value)

    @property
    def modified_may_book(self) -> bool:
        """Whether the practice lets ``modified`` book online."""
        return bool(self.settings["modified_may_book"].value)


def _change(node: Node) -> Change:
    node.only({"version", "date", "change"})
    return Change(node.text("version"), node.date("date"), node.text("change"))


def _setting(node: Node) -> Setting:
    node.only({"id", "value", "low", "high", "unit", "since", "source", "text"})
    name = node.choice("id", SETTINGS)
    low = node.number("low", 0, 10_000)
    high = node.number("high", low, 10_000)
    return Setting(
        name,
        node.number("value", low, high),
        node.text("unit"),
        node.choice("source", RULE_SOURCES),
        node.date("since"),
        node.text("text", max_words=LONGEST_TEXT_WORDS),
    )


_ITEM_KEYS = ("id", "list", "source", "since", "on_yes", "condition", "question", "why", "explain", "follow_ups")
_ON_YES: dict[str, Outcome] = {"contraindication": "not_eligible", "modified": "modified", "other": "review"}


def _filled(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the practice's numbers in place of ``{setting}``: they are written once."""
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _item(node: Node, values: Mapping[str, str]) -> Item:
    node.only(_ITEM_KEYS)
    link_id = node.choice("id", LINK_IDS)
    listing = node.choice("list", _ON_YES)
    on_yes = node.choice("on_yes", SEVERITY)
    if on_yes != _ON_YES[listing]:
        raise node.fail("on_yes", f"'{on_yes}' does not fit list '{listing}'; allowed is {_ON_YES[listing]}.")
    return Item(
        id=link_id,
        listing=cast(Listing, listing),
        source=node.choice("source", RULE_SOURCES),
        since=node.date("since"),
        on_yes=_ON_YES[listing],
        condition=node.text("condition", max_words=12),
        question=node.text("question", max_words=LONGEST_TEXT_WORDS),
        why=node.text("why", max_words=LONGEST_TEXT_WORDS),
        explain=node.text("explain", max_words=LONGEST_TEXT_WORDS),
        follow_ups=tuple(_follow_up(n, link_id, values) for n in node.nodes("follow_ups", "follow-up")),
    )


def _follow_up(node: Node, link_id: str, values: Mapping[str, str]) -> FollowUp:
    node.only({"id", "question", "why", "type", "limit", "options"})
    follow_up_id = node.text("id")
    if not follow_up_id.startswith(link_id + "."):
        raise node.fail("id", f"'{follow_up_id}' must start with '{link_id}.'.")
    kind = node.choice("type", ("choice", "text"))
    options: list[Option] = []
    for option in node.nodes("options", "option"):
        option.only({"value", "title", "outcome", "note"})
        outcome = option.choice("outcome", SEVERITY)
        if outcome == "eligible" and (link_id != "uncontrolled_hypertension" or "note" not in option.data):
            raise option.fail(
                "outcome",
                "only controlled blood pressure may lead to eligible, and only with a note; allowed is review.",
            )
        options.append(
            Option(
                option.text("value"),
                _filled(option.text("title", max_words=8), values),
                cast(Outcome, outcome),
                option.text("note", default="-"),
            )
        )
    if (kind == "choice") != bool(options):
        raise node.fail(
            "type",
            f"follow-up '{follow_up_id}' of type {kind} must {'have' if kind == 'choice' else 'not have'} options.",
        )
    if kind == "choice" and not any(o.value == "unsure" and o.outcome == "review" for o in options):
        raise node.fail("options", f"follow-up '{follow_up_id}' needs an option 'unsure' that leads to review.")
    return FollowUp(
        follow_up_id,
        _filled(node.text("question", max_words=LONGEST_TEXT_WORDS), values),
        node.text("why", max_words=LONGEST_TEXT_WORDS),
        cast(Literal["choice", "text"], kind),
        tuple(options),
        node.choice("limit", SETTINGS, default="-") if "limit" in node.data else "-",
    )


@lru_cache(maxsize=1)
def default_rulebook() -> Rulebook:
    """The rules that ship with the package, loaded once."""
    return Rulebook.load()
