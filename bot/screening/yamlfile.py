"""YAML files with line numbers: small checked readers for the rules and the vocabulary.

Knows no key of any file: callers name the keys they allow.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from bot.screening.errors import ScreeningFileError


def load_yaml(path: Path) -> CommentedMap:
    """The mapping in ``path``; raises ScreeningFileError when there is none."""
    try:
        data = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScreeningFileError(path, None, f"cannot be read ({error.strerror}).") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        problem = f"is not YAML ({error.problem or error.context})."
        raise ScreeningFileError(path, line, problem) from error
    if not isinstance(data, CommentedMap):
        raise ScreeningFileError(path, 1, "must be a mapping of keys to values.")
    return data


class Node:
    """A mapping of a YAML file which reads its keys with a check and a place."""

    def __init__(self, path: Path, data: object, line: int, what: str) -> None:
        self.path = path
        self.line = line
        self.what = what
        if not isinstance(data, CommentedMap):
            raise ScreeningFileError(path, line, f"{what} must be a mapping of keys to values.")
        self.data = data

    @classmethod
    def file(cls, path: Path) -> Node:
        """The top mapping of a file."""
        return cls(path, load_yaml(path), 1, "the file")

    def line_of(self, key: str) -> int:
        """Line of ``key`` (1-based), or of the mapping when the key is missing."""
        if key in self.data:
            return int(self.data.lc.key(key)[0]) + 1
        return self.line

    def fail(self, key: str, problem: str) -> ScreeningFileError:
        """An error at the line of ``key``."""
        return ScreeningFileError(self.path, self.line_of(key), problem)

    def only(self, allowed: Collection[str]) -> None:
        """Refuse every key that is not in ``allowed``, naming those that are."""
        for key in self.data:
            if key not in allowed:
                known = ", ".join(sorted(allowed))
                raise self.fail(str(key), f"unknown key '{key}' in {self.what}; allowed are {known}.")

    def text(self, key: str, default: str | None = None, max_words: int | None = None) -> str:
        """A non-empty string, at most ``max_words`` words long."""
        if key not in self.data:
            if default is not None:
                return default
            raise self.fail(key, f"{self.what} has no '{key}'; add a text.")
        value = self.data[key]
        if not isinstance(value, str) or not value.strip():
            raise self.fail(key, f"'{key}' in {self.what} must be a text that is not empty.")
        words = len(value.split())
        if max_words is not None and words > max_words:
            raise self.fail(key, f"'{key}' in {self.what} has {words} words; at most {max_words} are allowed.")
        return " ".join(value.split())

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """A string out of ``allowed``."""
        value = self.text(key, default)
        if value not in allowed:
            known = ", ".join(sorted(allowed))
            raise self.fail(key, f"'{value}' is not a known {key} in {self.what}; allowed are {known}.")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        """A number from ``low`` to ``high``."""
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise self.fail(key, f"'{key}' in {self.what} must be a number from {low:g} to {high:g}.")
        return float(value)

    def date(self, key: str) -> date:
        """A date as YYYY-MM-DD."""
        value = self.data.get(key)
        if not isinstance(value, date):
            raise self.fail(key, f"'{key}' in {self.what} must be a date such as 2026-01-31.")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of non-empty strings; missing means empty."""
        value = self.data.get(key, [])
        if not isinstance(value, (list, CommentedSeq)):
            raise self.fail(key, f"'{key}' in {self.what} must be a list.")
        out: list[str] = []
        for index, item in enumerate(value):
            if not isinstance(item, str) or not item.strip():
                line = value.lc.item(index)[0] + 1 if isinstance(value, CommentedSeq) else self.line
                raise ScreeningFileError(
                    self.path, line, f"entry {index + 1} of '{key}' in {self.what} must be a quoted text, not {item!r}."
                )
            out.append(item)
        return out

    def nodes(self, key: str, what: str) -> list[Node]:
        """A list of mappings; each is called ``what`` plus its id in errors."""
        value: Any = self.data.get(key, [])
        if not isinstance(value, (list, CommentedSeq)):
            raise self.fail(key, f"'{key}' in {self.what} must be a list.")
        out: list[Node] = []
        for index, item in enumerate(value):
            line = value.lc.item(index)[0] + 1 if isinstance(value, CommentedSeq) else self.line
            name = item.get("id", index + 1) if isinstance(item, CommentedMap) else index + 1
            out.append(Node(self.path, item, line, f"{what} {name}"))
        return out

    def node(self, key: str, what: str) -> Node:
        """A mapping below ``key``."""
        if key not in self.data:
            raise self.fail(key, f"{self.what} has no '{key}'.")
        return Node(self.path, self.data[key], self.line_of(key), what)
