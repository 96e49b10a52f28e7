"""Charts as elements of a page: no inline style, nothing that only eyes can read."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from bot.desk.charts import bars, columns


def drawn() -> list[Markup]:
    days = tuple(f"{day} Nov" for day in range(1, 31))
    return [
        columns("messages", "Messages: 30 & more.", days, (("Client", (1,) * 30), ("You", (2,) * 30))),
        bars("passages", "Passages.", ("discomfort <b>", "bruising"), (3, 0)),
    ]


@pytest.mark.parametrize("chart", drawn())
def test_a_chart_needs_no_style_of_its_own_and_is_named(chart: Markup) -> None:
    root = ElementTree.fromstring(chart)
    assert root.get("role") == "img"
    assert str(root.get("aria-label")).endswith(".")
    for element in root.iter():
        assert element.tag != "style"
        assert "style" not in element.attrib
        assert "#000" not in " ".join(element.attrib.values())


def test_series_have_the_classes_that_the_style_sheet_colours() -> None:
    stacked, single = drawn()
    assert 'class="fill-1"' in stacked
    assert 'class="fill-2"' in stacked
    assert 'class="fill-1"' in single
    assert "currentColor" in stacked


def test_a_name_is_shown_as_text() -> None:
    assert "discomfort &lt;b&gt;" in drawn()[1]


def test_two_charts_of_one_page_share_no_id() -> None:
    ids = [
        element.get("id") for chart in drawn() for element in ElementTree.fromstring(chart).iter() if element.get("id")
    ]
    assert len(ids) == len(set(ids))


def test_nothing_to_count_is_drawn_too() -> None:
    assert "<svg" in columns("none", "Nothing.", ("1 Nov",), (("Client", (0,)),))
