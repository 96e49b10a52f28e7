"""The report's charts as SVG text, to be put into the page as it is.

Draws what it is given; it must not know rows or floors beyond the numbers. Colours are Okabe and Ito's, which
colour-blind readers tell apart, and no chart relies on colour alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bot.evaluation.confidence import Point
from bot.evaluation.results import Figure
from bot.evaluation.statistics import Count, wilson

BLUE, ORANGE, GREEN, GREY, RED, INK = "#0072b2", "#e69f00", "#009e73", "#b8bec6", "#d55e00", "#22303c"

_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the chart of figures: the whole set, its plain and its hard rows, and the goal if there is one."""

    name: str
    whole: Figure
    plain: Figure | None
    hard: Figure | None
    goal: float | None


def _svg(name: str, width: float, height: float, draw: Callable[[Axes], None]) -> str:
    # the salt keeps ids of several charts in one page apart, and the same results give the same page
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        canvas = Canvas(figsize=(width, height))
        draw(canvas.add_subplot())
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    drawn = buffer.getvalue()
    return drawn[drawn.index("<svg") :]


def figures_chart(bars: Sequence[Bar]) -> str:
    """Figures with their 95 % intervals: whole sets as bars, plain and hard rows as marks, goals as lines."""

    def draw(axes: Axes) -> None:
        for place, bar in enumerate(bars):
            whole = bar.whole
            axes.barh(place, whole.value, height=0.62, color=BLUE, alpha=0.35, label=None if place else "all messages")
            axes.plot([whole.low, whole.high], [place, place], color=BLUE, linewidth=2, solid_capstyle="butt")
            for figure, marker, colour, offset, label in (
                (bar.plain, "o", GREEN, -0.2, "plain messages"),
                (bar.hard, "D", ORANGE, 0.2, "hard messages"),
            ):
                if figure is not None and figure.count.of:
                    axes.plot([figure.low, figure.high], [place + offset] * 2, color=colour, linewidth=1)
                    named = None if place else label
                    axes.plot(figure.value, place + offset, marker, color=colour, markersize=4.5, label=named)
            if bar.goal is not None:
                named = None if place else "goal"
                axes.plot([bar.goal] * 2, [place - 0.42, place + 0.42], color=RED, linewidth=2, label=named)
            axes.text(1.02, place, f"{whole.value:.1%}   {whole.count.hits}/{whole.count.of}", va="center")
        axes.set_yticks(range(len(bars)))
        axes.set_yticklabels([bar.name for bar in bars])
        axes.invert_yaxis()
        _percent(axes)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncol=4, frameon=False)

    return _svg("figures", 8.2, 0.9 + 0.46 * len(bars), draw)


def coverage_chart(outcomes: Mapping[str, Mapping[str, int]]) -> str:
    """How each set was met: right, wrong, silent or failed, as shares of its rows."""
    colours = {"correct": GREEN, "silent": GREY, "wrong": RED, "failed": INK}

    def draw(axes: Axes) -> None:
        for place, counted in enumerate(outcomes.values()):
            total = sum(counted.values())
            start = 0.0
            for outcome, colour in colours.items():
                share = Count(counted.get(outcome, 0), total).share
                axes.barh(place, share, left=start, color=colour, height=0.66, label=None if place else outcome)
                if share >= 0.06:
                    light = "white" if outcome in ("correct", "wrong", "failed") else INK
                    axes.text(start + share / 2, place, f"{share:.0%}", ha="center", va="center", color=light)
                start += share
        axes.set_yticks(range(len(outcomes)))
        axes.set_yticklabels([name.replace("_", " ") for name in outcomes])
        axes.invert_yaxis()
        _percent(axes)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncol=4, frameon=False)

    return _svg("coverage", 8.2, 0.9 + 0.38 * len(outcomes), draw)


def confidence_chart(points: Sequence[Point], threshold: float) -> str:
    """Share of questions answered, and share of these read right, by the least confidence that is answered."""

    def draw(axes: Axes) -> None:
        answered = [point for point in points if point.right.of]
        where = [point.confidence for point in answered]
        axes.plot(where, [point.right.share for point in answered], color=GREEN, linewidth=2, label="right of these")
        bounds = [wilson(point.right) for point in answered]
        axes.fill_between(where, *zip(*bounds), color=GREEN, alpha=0.15, linewidth=0)
        axes.plot(where, [point.covered.share for point in answered], "--", color=BLUE, linewidth=2, label="answered")
        axes.axvline(threshold, color=RED, linewidth=1.5, label=f"answered from {threshold:.0%} on")
        axes.set_xlabel("least confidence that is answered")
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.set_xticklabels(["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
        axes.set_yticklabels(["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_ylim(0, 1.02)
        axes.grid(color=GREY, alpha=0.35, linewidth=0.6)
        axes.legend(loc="lower left", frameon=False)

    return _svg("confidence", 7.2, 3.6, draw)


def heat_map(name: str, counts: Mapping[tuple[str, str], int], rows: Sequence[str], columns: Sequence[str]) -> str:
    """What was expected (rows) against what came (columns): shares of each row by colour, counts as numbers."""
    totals = {row: sum(counts.get((row, column), 0) for column in columns) for row in rows}

    def draw(axes: Axes) -> None:
        shares = [[counts.get((row, column), 0) / max(1, totals[row]) for column in columns] for row in rows]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for y, row in enumerate(rows):
            for x, column in enumerate(columns):
                times = counts.get((row, column), 0)
                if times:
                    off = row != column
                    ink = "white" if shares[y][x] > 0.55 else (RED if off else INK)
                    axes.text(x, y, str(times), ha="center", va="center", color=ink, weight="bold" if off else "normal")
        axes.set_xticks(range(len(columns)))
        names = [column.replace("_", " ") for column in columns]
        axes.set_xticklabels(names, rotation=60, ha="left", rotation_mode="anchor")
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(rows)))
        axes.set_yticklabels([row.replace("_", " ") for row in rows])
        axes.set_ylabel("expected")
        axes.set_xlabel("came", labelpad=8)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)

    return _svg(name, 1.6 + 0.31 * len(columns), 1.2 + 0.27 * len(rows), draw)


def _percent(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xticklabels(["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="x", color=GREY, alpha=0.35, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
