"""The file of results and what is made of it: the table in docs/performance.md and the charts beside it."""

from __future__ import annotations

import io
import json
import os
import platform
import re
from pathlib import Path
from typing import Any, Callable, Dict, Final, List, Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bot.bench.errors import BenchError
from bot.bench.figures import Figure
from bot.settings import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
KEPT: Final = ROOT / "docs" / "performance.json"
CHARTS: Final = ROOT / "docs" / "performance"

#: What a row of the table says, and the goal of its ratio (or of the figure itself, where it is one).
ROWS: Final[Mapping[str, tuple[str, str]]] = {
    "message_turn_1": ("a message, first of its conversation, median", "≤ .4"),
    "message_turn_1_p95": ("the same, p95", ""),
    "message_turn_1_p99": ("the same, p99", ""),
    "message_turn_50": ("a message at turn 50, median", ""),
    "message_turn_400": ("a message at turn 400, median", "≤ .05"),
    "own_growth": ("our message at turn 400 over turn 1", "≤ 1.3"),
    "stock_growth": ("stock Rasa's", ""),
    "throughput_1": ("messages a second, 1 client", ""),
    "throughput_8": ("messages a second, 8 clients", ""),
    "throughput_64": ("messages a second, 64 clients", "≥ 3"),
    "start": ("start, until the first answer", "≤ .45"),
    "train": ("training", "≤ .3"),
    "train_cpu": ("training, processor time", ""),
    "memory": ("memory of all processes", "≤ .7"),
    "encoding": ("the message encoded once, in turn with the messages", ""),
    "durable_commit": ("one durable commit, in turn with the messages", ""),
    "floors": ("our message over both", "≤ 4"),
    "encoding_alone": ("a message encoded once, one after the other", ""),
    "durable_commit_alone": ("one durable commit, one after the other", ""),
    "floors_alone": ("our message over both", "≤ 4"),
    "eligibility_check": ("an eligibility check over one encoding", ""),
    "eligibility_check_time": ("an eligibility check over HTTP, median", ""),
    "growth_database": ("our message with a million stored conversations, over none", ""),
    "growth_conversation": ("our message after 10,000 earlier ones, over the first", ""),
    "right_single": ("held-out questions answered from the right passage", ""),
    "right_not_in_handout": ("held-out questions that the handout leaves open, told so", ""),
    "page_transfer_before": ("the chat in a page: transfer before it is opened", "≤ 5 KB of script"),
    "page_transfer_after": ("the same, opened", ""),
    "page_first_greeting": ("from the tap to the greeting", ""),
    "page_main_thread_before": ("the page's main thread, before", ""),
    "page_main_thread_after": ("the same, opened", ""),
    "page_scroll_frame": ("a frame while 300 messages scroll, median", ""),
    "unanswered": ("messages without an answer", ""),
}

_BLUE, _GREY, _INK = "#0072b2", "#b8bec6", "#22303c"


def machine() -> str:
    """What it was measured on."""
    name = platform.processor() or platform.machine()
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        name = found[1] if found else name
    except OSError:
        pass
    return f"{platform.system()}, {name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def write(machine_name: str, figures: Sequence[Figure], path: Path) -> None:
    """Write the contract's file."""
    body = {"machine": machine_name, "figures": [figure.as_dict() for figure in figures]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Dict[str, Any]:
    """Read a file of results.

    Raises:
        BenchError: there is none, or it is not one.
    """
    try:
        found: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["figures"] = {figure["name"]: figure for figure in found["figures"]}
    except (OSError, ValueError, KeyError) as error:
        raise BenchError(f"{path} holds no results of a benchmark; run 'make bench' first.") from error
    return found


def table(results: Mapping[str, Any]) -> str:
    """The table of the page, in Markdown."""
    lines = [
        f"Measured on: {results['machine']}.",
        "",
        "| what | ours | stock Rasa | ratio (95 % interval) | goal |",
        "|---|---|---|---|---|",
    ]
    for name, (title, goal) in ROWS.items():
        figure = results["figures"].get(name)
        if figure is not None:
            lines.append(
                f"| {title} | {_side(figure, 'ours')} | {_side(figure, 'stock')} | {_ratio(figure)} | {goal} |"
            )
    return "\n".join(lines)


def _side(figure: Mapping[str, Any], side: str) -> str:
    value = figure[side]
    if value is None:
        return ""
    unit = {"x": " times", "floors": " times", "encodings": " times", "messages": ""}.get(
        figure["unit"], f" {figure['unit']}"
    )
    return f"{_number(value)}{unit}"


def _ratio(figure: Mapping[str, Any]) -> str:
    if figure["ratio"] is None or figure["stock"] is None:
        return "" if figure["low"] is None else f"({_number(figure['low'])} to {_number(figure['high'])})"
    interval = "" if figure["low"] is None else f" ({_number(figure['low'])} to {_number(figure['high'])})"
    return f"{_number(figure['ratio'])}{interval}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def with_table(page: str, results: Mapping[str, Any]) -> str:
    """The page's text with the table of these results in its place.

    Raises:
        BenchError: the place is not marked.
    """
    return with_part(page, "figures", table(results))


def with_part(page: str, name: str, text: str) -> str:
    """The page's text with `text` between the marks of that name.

    Raises:
        BenchError: the place is not marked.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise BenchError(f"{PAGE} does not mark the place of the {name} with '{begin}' and '{end}'.")
    return f"{before}{begin}\n{text}\n{end}{after}"


def publish(path: Path) -> List[Path]:
    """Copy results into the documentation: file, table and charts. Returns what was written.

    Raises:
        BenchError: there are no results.
    """
    results = read(path)
    page = with_table(PAGE.read_text(encoding="utf-8"), results)
    KEPT.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")
    return [KEPT, PAGE, *draw(results, CHARTS)]


def draw(results: Mapping[str, Any], folder: Path) -> List[Path]:
    """Draw the charts as SVG: one a figure that has two sides, and the stages of a message."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (title, _) in ROWS.items():
        figure = results["figures"].get(name)
        if figure is not None and figure["ours"] is not None and figure["stock"] is not None:
            written.append(_svg(folder / f"{name}.svg", 1.3, _bars(title, figure)))
    stages = {
        name[len("stage_") :]: figure["ours"]
        for name, figure in results["figures"].items()
        if name.startswith("stage_")
    }
    if stages:
        written.append(_svg(folder / "stages.svg", 0.9 + 0.32 * len(stages), _waterfall(stages)))
    return written


def _bars(title: str, figure: Mapping[str, Any]) -> Callable[[Axes], None]:
    def drawing(axes: Axes) -> None:
        values = [figure["ours"], figure["stock"]]
        axes.barh([0, 1], values, color=[_BLUE, _GREY], height=0.7)
        axes.set_yticks([0, 1])
        axes.set_yticklabels(["ours", "stock Rasa"])
        for place, value in enumerate(values):
            axes.text(value, place, f" {_number(value)} {figure['unit']}", va="center")
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlim(0, max(values) * 1.25)

    return drawing


def _waterfall(stages: Mapping[str, float]) -> Callable[[Axes], None]:
    def drawing(axes: Axes) -> None:
        start = 0.0
        for place, (name, value) in enumerate(stages.items()):
            axes.barh(place, value, left=start, color=_GREY if name == "rest" else _BLUE, height=0.7)
            axes.text(start + value, place, f" {value:.2f} ms", va="center")
            start += value
        axes.set_yticks(range(len(stages)))
        axes.set_yticklabels([name.replace("_", " ") for name in stages])
        axes.set_title("where a message spends its time, ms", loc="left", fontsize=10)
        axes.set_xlim(0, start * 1.2)

    return drawing


def _svg(path: Path, height: float, drawing: Callable[[Axes], None]) -> Path:
    style = {"svg.fonttype": "none", "svg.hashsalt": path.stem, "text.color": _INK, "font.size": 9}
    with matplotlib.rc_context(style):
        canvas = Canvas(figsize=(7, height))
        axes = canvas.add_subplot()
        drawing(axes)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        buffer = io.StringIO()
        # no date: the same results give the same file
        canvas.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    drawn = buffer.getvalue()
    path.write_text("\n".join(line.rstrip() for line in drawn.splitlines()) + "\n", encoding="utf-8")
    return path
