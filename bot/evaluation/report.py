"""The report: one page, complete in itself, that shows where the assistant stands.

Arranges results for `report.html.j2` and the charts. It must not know how rows were judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bot.dialogue.message import KINDS
from bot.evaluation.charts import Bar, confidence_chart, coverage_chart, figures_chart, heat_map
from bot.evaluation.floors import Floor
from bot.evaluation.judging import HEADLINE, LESS_IS_BETTER, MARKS, SAFETY, Verdict
from bot.evaluation.results import Figure, Results, by_severity, confusions
from bot.evaluation.rows import NO_ALARM, SETS
from bot.handout import PASSAGES
from bot.nlu.thresholds import ANSWER

#: What each set asks, for a reader who does not know the files.
QUESTIONS: Final[Mapping[str, str]] = {
    "single": "A question of the handout is answered from the right passage",
    "not_in_handout": "A question the handout does not answer is said to be so",
    "compound": "A message with two or three parts gets every part answered",
    "follow_up": "A follow-up is read against what was said before",
    "emergency": "An emergency raises the alarm",
    "harmless": "A harmless message raises no alarm",
    "condition": "A health condition is told its list, or goes to the therapist",
    "escalation": "Who wants or needs the therapist gets a case",
    "other": "Small talk and what is out of scope are recognised",
    "screening": "The health screen clears nobody a therapist would want to see",
}
#: Confusions listed of a set.
LISTED: Final = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure that has a goal, for the top of the page."""

    figure: Figure
    floor: Floor
    meaning: str

    @property
    def state(self) -> str:
        """`reached`, `open` between floor and goal, or `below` the floor."""
        if self.floor.reached(self.figure):
            return "reached"
        return "open" if self.floor.kept(self.figure) else "below"


@dataclass(frozen=True, slots=True)
class Section:
    """What is told of one set."""

    name: str
    question: str
    rows: int
    figures: Sequence[Figure]
    confusions: Sequence[tuple[str, str, int]]
    cases: Sequence[Verdict]


def write_report(results: Results, floors: Mapping[str, Floor], path: Path) -> None:
    """Write the page; its folder is made if need be."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("report.html.j2").render(
        results=results,
        tiles=_tiles(results, floors),
        sections=[_section(results, name) for name in SETS if any(v.row.set == name for v in results.verdicts)],
        figures_chart=figures_chart(_bars(results, floors)),
        coverage_chart=coverage_chart(_outcomes(results.verdicts)),
        confidence_chart=confidence_chart(results.curve, ANSWER) if results.curve else None,
        passages_map=_passages_map(results.verdicts),
        kinds_map=_kinds_map(results.verdicts),
        marks=MARKS,
        safety=SAFETY,
        less_is_better=LESS_IS_BETTER,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _tiles(results: Results, floors: Mapping[str, Floor]) -> list[Tile]:
    return [
        Tile(figure, floor, MARKS[figure.mark])
        for name, floor in floors.items()
        if (figure := results.figure(name)) is not None and figure.count.of
    ]


def _bars(results: Results, floors: Mapping[str, Floor]) -> list[Bar]:
    names = [f"{name}.{mark}" for name, mark in HEADLINE.items()]
    names += [name for name in floors if name not in names and name.count(".") == 1]
    names.sort(key=lambda name: SETS.index(name.split(".")[0]))
    return [
        Bar(
            name=name.replace(".", ": ").replace("_", " "),
            whole=whole,
            plain=results.figure(f"{name}.plain"),
            hard=results.figure(f"{name}.hard"),
            goal=floors[name].goal if name in floors else None,
        )
        for name in names
        if (whole := results.figure(name)) is not None and whole.count.of
    ]


def _outcomes(verdicts: Sequence[Verdict]) -> dict[str, Counter[str]]:
    return {
        name: Counter(verdict.outcome for verdict in verdicts if verdict.row.set == name)
        for name in SETS
        if any(verdict.row.set == name for verdict in verdicts)
    }


def _passages_map(verdicts: Sequence[Verdict]) -> str | None:
    counts = Counter((v.row.expected[0].subject, v.got_subject) for v in verdicts if v.row.set == "single")
    if not counts:
        return None
    came = {column for _, column in counts}
    return heat_map(
        "passages",
        counts,
        [passage for passage in PASSAGES if any(row == passage for row, _ in counts)],
        [*PASSAGES, *(kind for kind in (*KINDS, "nothing") if kind in came)],
    )


def _kinds_map(verdicts: Sequence[Verdict]) -> str | None:
    # a compound has several kinds, and a screen has outcomes instead
    counts = Counter(
        (v.row.expected[0].kind, v.got_kind) for v in verdicts if v.row.set not in ("compound", "screening")
    )
    if not counts:
        return None
    kinds = (*KINDS, NO_ALARM, "nothing")
    return heat_map(
        "kinds",
        counts,
        [kind for kind in kinds if any(row == kind for row, _ in counts)],
        [kind for kind in kinds if any(kind in pair for pair in counts) and kind != NO_ALARM],
    )


def _section(results: Results, name: str) -> Section:
    of_set = [verdict for verdict in results.verdicts if verdict.row.set == name]
    return Section(
        name=name,
        question=QUESTIONS[name],
        rows=len(of_set),
        figures=[figure for figure in results.figures if figure.set == name and figure.count.of],
        confusions=confusions(of_set, name)[:LISTED],
        cases=by_severity(of_set),
    )
