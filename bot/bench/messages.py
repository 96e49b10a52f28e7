"""What the benchmark says: held-out messages of clients, each once, so that no cache has seen it."""

from __future__ import annotations

import zlib
from typing import Final, List, Sequence

from bot.bench.errors import BenchError
from bot.evaluation.rows import load_rows
from bot.settings import ROOT

#: Emergencies, escalations and screens are left out: they would change the rest of a long conversation.
SETS: Final = ("single", "compound", "condition", "not_in_handout", "other", "harmless")
FOLDER: Final = ROOT / "tests" / "eval"


class Messages:
    """Hands out messages, none twice."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._left = sorted(texts, key=lambda text: (len(text), text))

    def __len__(self) -> int:
        return len(self._left)

    def take(self, number: int) -> List[str]:
        """So many messages, of all lengths: any two helpings are alike.

        Raises:
            BenchError: there are not so many left.
        """
        if number > len(self._left):
            raise BenchError(
                f"The benchmark needs {number} more messages and has {len(self._left)}; add held-out sets, or use --quick."
            )
        places = [place * len(self._left) // number for place in range(number)]
        taken = [self._left[place] for place in places]
        chosen = set(places)
        self._left = [text for place, text in enumerate(self._left) if place not in chosen]
        # lengths in no order, but the same at every run
        return sorted(taken, key=lambda text: zlib.crc32(text.encode()))


def load_messages() -> Messages:
    """All held-out messages that need no earlier turn."""
    return Messages(sorted({row.turns[0] for row in load_rows(FOLDER) if row.set in SETS and len(row.turns) == 1}))
