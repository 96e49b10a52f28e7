"""Charts of the figures as SVG elements to be put into a page.

Drawn by matplotlib; colours and styles are then turned into classes and
attributes, so that the page's own style sheet colours them in light and dark
and no inline style is needed. It must not know what the numbers mean.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

SVG = "http://www.w3.org/2000/svg"
# stand for the style sheet's series colours (.fill-1 …); the ink is the page's own
SERIES = ("#000001", "#000002", "#000003", "#000004")
INK = "#000000"
# 5 inches are 360 points: a phone shows the text at the size it is drawn in
WIDTH = 5.0
MOST_LABELS = 5
# the width of a letter of a name, in inches, on average
LETTER = 0.085

_STYLE = {
    "svg.fonttype": "none",
    "font.size": 12,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
# matplotlib's settings are the whole process's
_DRAWING = threading.Lock()


@lru_cache(maxsize=64)
def columns(name: str, alt: str, labels: tuple[str, ...], series: tuple[tuple[str, tuple[int, ...]], ...]) -> Markup:
    """Columns, one a label, stacked where there are several series.

    Args:
        name: tells the charts of one page apart.
        alt: what the chart shows, in words.
        series: a name with one number a label.
    """

    def draw(axes: Axes) -> None:
        places = range(len(labels))
        below = [0] * len(labels)
        for colour, (title, values) in zip(SERIES, series):
            above = [one + more for one, more in zip(below, values)]
            # all columns of a series are one shape: a rectangle each takes matplotlib ten times as long
            corners = [
                [(place - 0.4, low), (place - 0.4, high), (place + 0.4, high), (place + 0.4, low)]
                for place, low, high in zip(places, below, above)
            ]
            axes.add_patch(
                PathPatch(Path.make_compound_path(*map(_closed, corners)), facecolor=colour, linewidth=0, label=title)
            )
            below = above
        step = -(-len(labels) // MOST_LABELS)
        axes.set_xlim(-0.6, len(labels) - 0.4)
        axes.set_xticks(places[::step])
        axes.set_xticklabels(labels[::step])
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(0, max([*below, 1]) * 1.08)
        axes.grid(axis="y", color=INK, alpha=0.18, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.tick_params(axis="x", pad=6)
        if len(series) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=len(series), frameon=False, borderaxespad=0.2)

    return _svg(name, alt, 2.6, draw)


@lru_cache(maxsize=64)
def bars(name: str, alt: str, labels: tuple[str, ...], values: tuple[int, ...]) -> Markup:
    """Bars from the left, the number at the end of each."""

    def draw(axes: Axes) -> None:
        # room for the names within the width, so that a phone need not shrink the whole
        axes.figure.subplots_adjust(left=min(0.6, max(map(len, labels)) * LETTER / WIDTH), right=0.98)
        places = range(len(labels))
        axes.barh(places, values, color=SERIES[0], height=0.62)
        for place, value in zip(places, values):
            axes.text(value, place, f" {value:,}", va="center")
        axes.set_yticks(places)
        axes.set_yticklabels(labels)
        axes.invert_yaxis()
        axes.set_xlim(0, max([*values, 1]) * 1.12)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(length=0)

    return _svg(name, alt, 0.5 + 0.34 * len(labels), draw)


def _closed(corners: Sequence[tuple[float, float]]) -> Path:
    return Path([*corners, corners[0]], closed=True)


def _svg(name: str, alt: str, height: float, draw: Callable[[Axes], None]) -> Markup:
    with _DRAWING, matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height))
        draw(figure.add_subplot())
        written = io.StringIO()
        figure.savefig(written, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    drawn = written.getvalue()
    root = ElementTree.fromstring(drawn[drawn.index("<svg") :])
    _without_styles(root)
    for attribute in ("width", "height"):
        del root.attrib[attribute]
    root.set("role", "img")
    root.set("aria-label", alt)
    text = ElementTree.tostring(root, encoding="unicode", default_namespace=None)
    # the page's parser knows the namespace by itself
    return Markup(re.sub(r"<(/?)ns\d+:", r"<\1", re.sub(r' xmlns:ns\d+="[^"]*"', "", text)))


def _without_styles(root: ElementTree.Element) -> None:
    """Turn inline styles into classes and attributes, and drop what pages do not need."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        if element.tag == f"{{{SVG}}}g":
            # matplotlib numbers its groups anew in every chart; a page has each id once
            element.attrib.pop("id", None)
        declared = element.attrib.pop("style", "")
        classes = []
        for declaration in filter(None, (one.strip() for one in declared.split(";"))):
            key, _, value = (part.strip() for part in declaration.partition(":"))
            if key in ("fill", "stroke") and value in SERIES:
                classes.append(f"{key}-{SERIES.index(value) + 1}")
            elif key in ("fill", "stroke") and value == INK:
                element.set(key, "currentColor")
            elif key == "font":
                # the family is the page's
                element.set("font-size", value.split("px")[0].split()[-1])
            else:
                element.set(key, value)
        if element.tag == f"{{{SVG}}}text" and "fill" not in element.attrib:
            element.set("fill", "currentColor")
        if classes:
            element.set("class", " ".join(classes))
