"""The results as a table for the terminal: set by set, figures with intervals, then the worst confusions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bot.evaluation.floors import Floor
from bot.evaluation.results import BY_DIFFICULTY, Figure, Results, confusions
from bot.evaluation.rows import SETS

#: Confusions shown of a set; the report has all.
WORST: Final = 5
#: Sets whose groups are too many and too small for the terminal; the report has them.
_MANY_GROUPS: Final = ("single", "emergency")


def table(results: Results, floors: Mapping[str, Floor]) -> str:
    """All sets that were measured, as text of about 100 columns."""
    return "\n".join(line for name in SETS for line in _set(results, floors, name))


def _set(results: Results, floors: Mapping[str, Floor], name: str) -> Iterator[str]:
    figures = [figure for figure in results.figures if figure.set == name and figure.count.of]
    if not figures:
        return
    rows = next(figure.count.of for figure in figures if figure.mark == "failed" and not figure.part)
    yield f"\n{f'{name} ({rows} messages)':<36} share  count     95 % interval     plain    hard"
    for figure in figures:
        if _shown(figure):
            plain, hard = (results.figure(f"{figure.name}.{part}") for part in BY_DIFFICULTY)
            yield _line(figure, plain, hard, floors.get(figure.name))
    worst = confusions(results.verdicts, name)[:WORST]
    if worst:
        yield "  worst confusions: expected -> got"
        yield from (f"    {times:>3} x  {expected} -> {got}" for expected, got, times in worst)


def _shown(figure: Figure) -> bool:
    if figure.mark == "failed":
        return bool(figure.count.hits) and not figure.part
    return not figure.part or (figure.part not in BY_DIFFICULTY and figure.set not in _MANY_GROUPS)


def _line(figure: Figure, plain: Figure | None, hard: Figure | None, floor: Floor | None) -> str:
    name = f"    {figure.part}" if figure.part else f"  {figure.mark}"
    counted = f"{figure.count.hits}/{figure.count.of}"
    interval = f"{figure.low:.1%} to {figure.high:.1%}"
    line = f"{name:<34} {figure.value:>7.1%}  {counted:<8}  {interval:<16}"
    if not figure.part:
        line += f"{_share(plain)}{_share(hard)}"
    if floor is not None:
        line += f"   goal {floor.goal:.0%}{'' if floor.reached(figure) else ' (not reached)'}"
    return line.rstrip()


def _share(figure: Figure | None) -> str:
    return f"{figure.value:>7.1%} " if figure is not None and figure.count.of else f"{'-':>7} "
