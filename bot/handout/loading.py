"""Read the content files and check them: every problem is reported at once, with file, line and what is allowed.

It knows the shape of the files and nothing about who says the texts.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Collection, Final, Iterable, Literal, Mapping, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.handout.model import (
    CONVERSATION,
    FOLLOW_UPS,
    OTHER_TOPIC,
    PASSAGE_FILES,
    PASSAGES,
    Condition,
    Passage,
    Said,
    SpecificText,
    Topic,
)
from bot.handout.terms import form_of

#: Hard limit for anything that a client reads; texts aim at 60 words or fewer.
MAX_WORDS: Final = 80
#: A button's title and a passage's title have to fit one line on a phone.
MAX_TITLE: Final = 40
#: A repeated mistake (a whole file in the wrong shape) is cut off here.
_MAX_PROBLEMS: Final = 50
#: Figures that a passage may carry, and what they are compared with.
_LIMITS: Final = ("days",)
_LISTS: Final = ("contraindications", "modified", "none")


class HandoutError(Exception):
    """The content files cannot be used. `problems` has a sentence each: file, line, what is wrong, what is allowed."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that the content files say, checked."""

    passages: Mapping[str, Passage]
    topics: Mapping[str, Topic]
    conditions: Mapping[str, Condition]
    conversation: Mapping[str, str]
    not_meant: tuple[str, ...]


@dataclass(slots=True)
class _Term:
    """A term and where it was written, kept to find duplicates across the files."""

    text: str
    file: Path
    line: int
    owner: str


@dataclass(slots=True)
class _Reader:
    """Walks the YAML nodes of one directory and collects problems instead of stopping at the first."""

    problems: list[str] = field(default_factory=list)

    def problem(self, file: Path, line: int, sentence: str) -> None:
        self.problems.append(f"{file.name}:{line}: {sentence}")

    def root(self, file: Path) -> Node | None:
        try:
            source = file.read_text(encoding="utf-8")
        except OSError as error:
            self.problems.append(f"{file.name}: the file cannot be read ({error.strerror}); the handout needs it.")
            return None
        except UnicodeDecodeError:
            self.problems.append(f"{file.name}: the file is not UTF-8 text; save it as UTF-8.")
            return None
        try:
            node = YAML(typ="safe").compose(source)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            self.problem(file, line, f"this is not valid YAML ({error.problem or error.context}).")
            return None
        if node is None:
            self.problem(file, 1, "the file is empty.")
        return node

    def mapping(
        self,
        file: Path,
        node: Node | None,
        where: str,
        allowed: Collection[str] | None,
        required: Collection[str] = (),
    ) -> dict[str, Node]:
        """The entries of a mapping. `allowed` None takes any key; unknown, missing and repeated keys are problems."""
        if node is None:
            return {}
        line = _line(node)
        if not isinstance(node, MappingNode):
            self.problem(file, line, f"{where} must be a list of `name: value` lines.")
            return {}
        entries: dict[str, Node] = {}
        for key_node, value in node.value:
            key = str(key_node.value)
            if allowed is not None and key not in allowed:
                close = difflib.get_close_matches(key, list(allowed), n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                self.problem(
                    file, _line(key_node), f"{key!r} is not known in {where}; allowed: {_listing(allowed)}.{hint}"
                )
            elif key in entries:
                self.problem(file, _line(key_node), f"{key!r} stands twice in {where}; keep one.")
            else:
                if isinstance(value, ScalarNode) and not value.value:
                    # The parser places an absent value where the next one starts.
                    value.start_mark = key_node.start_mark
                entries[key] = value
        for key in required:
            if key not in entries:
                self.problem(file, line, f"{where} has no {key!r}; add it.")
        return entries

    def text(
        self,
        file: Path,
        node: Node | None,
        where: str,
        placeholders: Collection[str] = (),
        max_characters: int | None = None,
    ) -> str:
        """A text for clients; "" if it is missing (a problem, or already one where its key is required)."""
        if node is None:
            return ""
        line = _line(node)
        if not isinstance(node, ScalarNode):
            self.problem(file, line, f"{where} must be a text.")
            return ""
        text = " ".join(str(node.value).split())
        if not text or (node.tag or "").endswith(":null"):
            self.problem(file, line, f"{where} is empty; write a text.")
            return ""
        count = len(text.split())
        if count > MAX_WORDS:
            self.problem(file, line, f"{where} has {count} words; {MAX_WORDS} is the most, 60 the aim.")
        if max_characters is not None and len(text) > max_characters:
            self.problem(file, line, f"{where} has {len(text)} characters; {max_characters} is the most.")
        try:
            used = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError:
            self.problem(file, line, f"{where} has an unpaired brace; braces may only stand around a placeholder.")
            return ""
        for name in used:
            if name not in placeholders:
                allowed = _listing("{" + known + "}" for known in sorted(placeholders)) or "none"
                self.problem(file, line, f"{where} uses the unknown placeholder {{{name}}}; allowed: {allowed}.")
        for name in sorted(set(placeholders) - set(used)):
            self.problem(file, line, f"{where} leaves out the placeholder {{{name}}}; use it.")
        return text

    def strings(self, file: Path, node: Node | None, where: str) -> list[tuple[str, int]]:
        """The items of a list of words with their lines."""
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            self.problem(file, _line(node), f"{where} must be a list in square brackets or of `- ` lines.")
            return []
        items = []
        for item in node.value:
            if isinstance(item, ScalarNode) and form_of(str(item.value)):
                items.append((" ".join(str(item.value).split()), _line(item)))
            else:
                self.problem(file, _line(item), f"{where} has an item without words; write a word or a phrase.")
        return items

    def number(self, file: Path, node: Node, where: str) -> int:
        value = str(node.value)
        if isinstance(node, ScalarNode) and re.fullmatch("[1-9][0-9]{0,3}", value):
            return int(value)
        self.problem(file, _line(node), f"{where} must be a whole number from 1 to 9999.")
        return 1

    def duplicates(self, terms: Iterable[_Term]) -> None:
        """Two terms with one form would leave it to chance which is found: the later one is a problem."""
        first: dict[tuple[str, ...], _Term] = {}
        for term in terms:
            seen = first.setdefault(form_of(term.text), term)
            if seen is not term:
                self.problem(
                    term.file,
                    term.line,
                    f"the term {term.text!r} of {term.owner} already stands in {seen.owner} "
                    f"({seen.file.name}:{seen.line}); keep one.",
                )


def load(directory: Path) -> Content:
    """Read and check the content files of a directory.

    Raises HandoutError with every problem found.
    """
    reader = _Reader()
    passages: dict[str, Passage] = {}
    conditions: dict[str, Condition] = {}
    named: list[_Term] = []
    for name, ids in PASSAGE_FILES.items():
        file = directory / f"{name}.yml"
        keys = ("passages", "conditions") if name == "contraindications" else ("passages",)
        top = reader.mapping(file, reader.root(file), "the file", keys, keys)
        nodes = reader.mapping(file, top.get("passages"), "passages", ids, ids)
        for passage, node in nodes.items():
            passages[passage] = _passage(reader, file, passage, node, named)
        if "conditions" in top:
            conditions = _conditions(reader, file, top["conditions"])
    topics, not_meant = _not_covered(reader, directory / "not_covered.yml", named)
    conversation = _conversation(reader, directory / "conversation.yml")
    if reader.problems:
        problems = reader.problems[:_MAX_PROBLEMS]
        if len(reader.problems) > _MAX_PROBLEMS:
            problems.append(f"… and {len(reader.problems) - _MAX_PROBLEMS} more.")
        raise HandoutError(problems)
    ordered = {passage: passages[passage] for passage in PASSAGES}
    return Content(ordered, topics, conditions, conversation, not_meant)


def _passage(reader: _Reader, file: Path, passage: str, node: Node, named: list[_Term]) -> Passage:
    keys = ("title", "question", "answer")
    entries = reader.mapping(file, node, passage, (*keys, "about", "limits", "specifics", "follow_ups"), keys)
    specifics: list[SpecificText] = []
    own: list[_Term] = []
    listed = entries.get("specifics")
    if listed is not None and not isinstance(listed, SequenceNode):
        reader.problem(file, _line(listed), f"specifics of {passage} must be a list of `- name:` entries.")
        listed = None
    for item in listed.value if listed is not None else ():
        specific, terms, also = _specific(reader, file, passage, item)
        specifics.append(specific)
        own.extend((*terms, *also))
        named.extend(terms)
    reader.duplicates(own)
    follow_ups = reader.mapping(file, entries.get("follow_ups"), f"follow_ups of {passage}", FOLLOW_UPS)
    limits = reader.mapping(file, entries.get("limits"), f"limits of {passage}", _LIMITS)
    return Passage(
        id=passage,
        title=reader.text(file, entries.get("title"), f"title of {passage}", max_characters=MAX_TITLE),
        question=reader.text(file, entries.get("question"), f"question of {passage}", max_characters=MAX_TITLE),
        answer=reader.text(file, entries.get("answer"), f"answer of {passage}"),
        about=tuple(text for text, _ in reader.strings(file, entries.get("about"), f"about of {passage}")),
        specifics=tuple(specifics),
        follow_ups={
            kind: _follow_up(reader, file, text, f"follow-up {kind} of {passage}") for kind, text in follow_ups.items()
        },
        limits={name: reader.number(file, value, f"limit {name} of {passage}") for name, value in limits.items()},
    )


def _follow_up(reader: _Reader, file: Path, node: Node, where: str) -> Said:
    """A text that answers, or one under `open:` that tells what the handout leaves open."""
    if not isinstance(node, MappingNode):
        return Said(reader.text(file, node, where))
    entries = reader.mapping(file, node, where, ("open",), ("open",))
    return Said(reader.text(file, entries.get("open"), where), answers=False)


def _specific(reader: _Reader, file: Path, passage: str, node: Node) -> tuple[SpecificText, list[_Term], list[_Term]]:
    keys = ("name", "terms", "also", "answer", "open")
    entries = reader.mapping(file, node, f"a specific of {passage}", keys, ("name",))
    name = reader.text(file, entries.get("name"), f"name of a specific of {passage}")
    where = f"{passage} ({name})"
    terms, also = (
        [_Term(text, file, line, where) for text, line in reader.strings(file, entries.get(key), f"{key} of {where}")]
        for key in ("terms", "also")
    )
    if entries and not terms and not also:
        reader.problem(file, _line(node), f"{where} has neither 'terms' nor 'also'; without words it is never found.")
    if entries and ("answer" in entries) == ("open" in entries):
        reader.problem(file, _line(node), f"{where} needs one of 'answer' and 'open' (what the handout leaves open).")
    key = "open" if "open" in entries else "answer"
    said = Said(reader.text(file, entries.get(key), f"{key} of {where}"), answers=key == "answer")
    specific = SpecificText(name, tuple(term.text for term in terms), tuple(term.text for term in also), said)
    return specific, terms, also


def _conditions(reader: _Reader, file: Path, node: Node) -> dict[str, Condition]:
    conditions = {}
    for group, entry in reader.mapping(file, node, "conditions", None).items():
        entries = reader.mapping(file, entry, group, ("name", "list"), ("name", "list"))
        name = reader.text(file, entries.get("name"), f"name of {group}")
        listed = entries.get("list")
        value = str(listed.value) if isinstance(listed, ScalarNode) else None
        passage: Literal["contraindications", "modified"] | None = None
        if value == "contraindications":
            passage = "contraindications"
        elif value == "modified":
            passage = "modified"
        elif listed is not None and value != "none":
            reader.problem(file, _line(listed), f"{value!r} is not a list of the handout; allowed: {_listing(_LISTS)}.")
        conditions[group] = Condition(group, name, passage)
    return conditions


def _not_covered(reader: _Reader, file: Path, named: Sequence[_Term]) -> tuple[dict[str, Topic], tuple[str, ...]]:
    top = reader.mapping(file, reader.root(file), "the file", ("topics", "not_meant"), ("topics",))
    topics: dict[str, Topic] = {}
    # A thing cannot be both named by the handout and not named by it; within the passages a term may serve two
    # (pizza before and pizza after), so only one term of each form goes into the comparison.
    unique = {form_of(term.text): term for term in reversed(named)}
    terms: list[_Term] = list(unique.values())
    required = (OTHER_TOPIC,) if "topics" in top else ()
    for topic, node in reader.mapping(file, top.get("topics"), "topics", None, required).items():
        entries = reader.mapping(file, node, topic, ("about", "text", "near", "near_text", "terms"), ("about",))
        own = reader.strings(file, entries.get("terms"), f"terms of {topic}")
        terms.extend(_Term(text, file, line, f"the topic {topic}") for text, line in own)
        near = _near(reader, file, topic, entries.get("near"))
        if "near_text" in entries and not near:
            line = _line(entries["near_text"])
            reader.problem(file, line, f"{topic} has a near_text but no 'near'; name its passage.")
        topics[topic] = Topic(
            id=topic,
            about=reader.text(file, entries.get("about"), f"about of {topic}"),
            text=reader.text(file, entries.get("text"), f"text of {topic}") or None,
            near=near,
            near_text=reader.text(file, entries.get("near_text"), f"near_text of {topic}") or None,
            terms=tuple(text for text, _ in own),
        )
    not_meant = reader.strings(file, top.get("not_meant"), "not_meant")
    terms.extend(_Term(text, file, line, "not_meant") for text, line in not_meant)
    reader.duplicates(terms)
    return topics, tuple(text for text, _ in not_meant)


def _near(reader: _Reader, file: Path, topic: str, node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    items = node.value if isinstance(node, SequenceNode) else [node]
    near = []
    for item in items:
        passage = str(item.value)
        if passage in PASSAGES:
            near.append(passage)
        else:
            reader.problem(
                file, _line(item), f"near of {topic}: {passage!r} is not a passage; allowed: {_listing(PASSAGES)}."
            )
    return tuple(near)


def _conversation(reader: _Reader, file: Path) -> dict[str, str]:
    sections = Counter(key.split(".")[0] for key in CONVERSATION)
    top = reader.mapping(file, reader.root(file), "the file", sections, sections)
    said = {}
    for section, node in top.items():
        names = [key.split(".", 1)[1] for key in CONVERSATION if key.startswith(f"{section}.")]
        for name, text in reader.mapping(file, node, section, names, names).items():
            key = f"{section}.{name}"
            longest = MAX_TITLE if section == "button" else None
            said[key] = reader.text(file, text, key, CONVERSATION[key], longest)
    return said


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _listing(items: Iterable[str]) -> str:
    return ", ".join(items)
