"""Errors of the screening package, told so that the person who edits a file can act.

Knows nothing of rules or vocabulary: it only carries a file, a line and a sentence.
"""

from __future__ import annotations

from pathlib import Path


class ScreeningFileError(ValueError):
    """A rules, vocabulary or weights file that cannot be used.

    The text is one sentence: what is wrong, where (``file:line``) and what is allowed.
    """

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        self.path = path
        self.line = line
        self.problem = problem
        place = path.name if line is None else f"{path.name}:{line}"
        super().__init__(f"{place}: {problem}")
