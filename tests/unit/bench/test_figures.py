"""From samples to figures: known samples give known figures."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from bot.bench.figures import Figure, compared, figures_of
from bot.bench.figures import _median as median


def samples() -> Dict[str, Any]:
    """A run in which ours takes 10 ms at every turn and stock Rasa 40 ms, then 400."""

    def both(ours: float, stock: float, number: int = 40) -> Dict[str, Any]:
        return {"ours": [ours] * number, "stock": [stock] * number, "unanswered": {"ours": 0, "stock": 1}}

    return {
        "turn_1": both(0.010, 0.040),
        "turn_50": both(0.010, 0.080),
        "turn_400": both(0.010, 0.400),
        "stages": {"encoding": 0.004, "store": 0.003},
        "floor": {"encoding": [0.003] * 9, "commit": [0.001] * 9},
        "floor_alone": {"encoding": [0.002] * 9, "commit": [0.0005] * 9},
        "checks": [0.012] * 9,
        "answers": {"single": {"ours": [1, 1, 1, 0] * 10, "stock": [1, 0] * 20}},
        "growth": {
            **{"empty": [0.010] * 9, "full": [0.011] * 9, "long": [0.022] * 9},
            "unanswered": {"empty": 0, "full": 1, "long": 0},
        },
        "page": {"page_transfer_before": [3700.0] * 3, "page_first_greeting": [310.0] * 3},
        "clients_64": both(90.0, 30.0, 3),
        "start": {"ours": {"start": [10.0], "memory": [500.0]}, "stock": {"start": [40.0], "memory": [1000.0]}},
        "training": {
            "ours": {"seconds": 100.0, "cpu_seconds": 120.0},
            "stock": {"seconds": 1000.0, "cpu_seconds": 1500.0},
        },
    }


@pytest.fixture
def figures() -> Dict[str, Figure]:
    return {figure.name: figure for figure in figures_of(samples())}


def test_every_figure_of_the_contract_is_there(figures: Dict[str, Figure]) -> None:
    promised = "message_turn_1 message_turn_400 own_growth throughput_64 start train memory floors".split()
    assert set(promised) <= set(figures)


@pytest.mark.parametrize(
    ("name", "ratio"),
    [
        ("message_turn_1", 0.25),
        ("message_turn_400", 0.025),
        ("own_growth", 1.0),
        ("throughput_64", 3.0),
        ("start", 0.25),
        ("train", 0.1),
        ("memory", 0.5),
        ("floors", 2.5),
        ("floors_alone", 4.0),
        ("eligibility_check", 6.0),
        ("growth_database", 1.1),
        ("growth_conversation", 2.0),
        ("right_single", 1.5),
    ],
)
def test_ratios_are_ours_over_stock(figures: Dict[str, Figure], name: str, ratio: float) -> None:
    assert figures[name].ratio == pytest.approx(ratio)


def test_times_of_messages_are_in_milliseconds(figures: Dict[str, Figure]) -> None:
    assert (figures["message_turn_1"].ours, figures["message_turn_1"].stock) == (pytest.approx(10), pytest.approx(40))


def test_transfer_is_told_in_kilobytes_and_the_greeting_in_milliseconds(figures: Dict[str, Figure]) -> None:
    shown = [(figures[name].ours, figures[name].unit) for name in ("page_transfer_before", "page_first_greeting")]
    assert shown == [(pytest.approx(3.7), "KB"), (pytest.approx(310), "ms")]


def test_what_no_stage_explains_is_shown_as_the_rest(figures: Dict[str, Figure]) -> None:
    assert figures["stage_rest"].ours == pytest.approx(3)


def test_messages_without_an_answer_are_counted(figures: Dict[str, Figure]) -> None:
    assert (figures["unanswered"].ours, figures["unanswered"].stock) == (1, 4)


def test_the_interval_of_a_ratio_holds_it_and_narrows_with_more_samples() -> None:
    few = compared("x", "s", [1.0, 2.0, 3.0], [4.0, 5.0, 6.0], median)
    many = compared("x", "s", [1.0, 2.0, 3.0] * 40, [4.0, 5.0, 6.0] * 40, median)
    for figure in (few, many):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= 0.4 <= figure.high
    assert many.high - many.low < few.high - few.low  # type: ignore[operator]


def test_single_measurements_have_no_interval(figures: Dict[str, Figure]) -> None:
    assert (figures["start"].low, figures["start"].high) == (None, None)


def test_parts_that_were_not_measured_give_no_figures() -> None:
    assert figures_of({}) == []
