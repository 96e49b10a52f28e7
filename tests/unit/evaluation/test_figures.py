"""Figures, intervals, floors, and the files they are kept in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from bot.evaluation import EvaluationError, Results, check_floors, load_floors, read_results
from bot.evaluation.chat import Reply
from bot.evaluation.judging import judge
from bot.evaluation.results import by_severity, confusions, figures_of, write_results
from bot.evaluation.rows import Expectation, Row
from bot.evaluation.statistics import Count, upper_bound, wilson

HELD_OUT = Path(__file__).parents[2] / "eval"


def results() -> Results:
    """Four questions: two right, one wrong, one met with silence."""
    verdicts = []
    for number, reply in enumerate(("bruising", "bruising", "pain", None)):
        row = Row("single", f"single-{number}", "dot", number >= 2, ("a",), (Expectation("answer", ("bruising",)),))
        verdicts.append(judge(row, [Reply("answer", "Said.", (reply,)) if reply else Reply("fallback", "")]))
    return Results("a machine", {"model": "m"}, figures_of(verdicts), tuple(verdicts))


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # the worked examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(Count(hits, of)) == pytest.approx((low, high), abs=5e-5)


def test_no_error_in_299_cases_bounds_the_rate_at_one_per_cent() -> None:
    assert upper_bound(Count(0, 299))[1] == pytest.approx(0.01, abs=5e-5)
    assert upper_bound(Count(0, 298))[1] > 0.01


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_intervals_hold_their_share_and_stay_within_zero_and_one(case: tuple[int, int]) -> None:
    count = Count(*case)
    for low, high in (wilson(count), upper_bound(count)):
        assert 0 <= low <= count.share + 1e-12
        assert count.share - 1e-12 <= high <= 1
    if count.hits < count.of:
        assert upper_bound(count)[1] == pytest.approx(float(beta.ppf(0.95, count.hits + 1, count.of - count.hits)))


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(Count(0, 0)) == upper_bound(Count(0, 0)) == (0.0, 1.0)


def test_figures_count_all_rows_and_plain_and_hard_ones_apart() -> None:
    found = {figure.name: (figure.count.hits, figure.count.of) for figure in results().figures}
    assert found["single.correct"] == (2, 4)
    assert found["single.correct.plain"] == (2, 2)
    assert found["single.correct.hard"] == (0, 2)
    assert found["single.correct.bruising"] == (2, 4)
    assert found["single.answered_correctly"] == (2, 3)
    assert found["single.silent"] == (1, 4)
    assert found["single.wrong_passage"] == (1, 4)


def test_confusions_leave_out_what_was_right() -> None:
    assert confusions(results().verdicts, "single") == [
        ("answer bruising", "answer pain", 1),
        ("answer bruising", "fallback", 1),
    ]


def test_wrong_passages_come_before_silence() -> None:
    assert [verdict.got for verdict in by_severity(results().verdicts)] == ["answer pain", "fallback"]


def test_the_file_has_the_contracts_shape_and_no_more_in_a_figure(tmp_path: Path) -> None:
    write_results(results(), tmp_path / "new" / "results.json")
    body = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf-8"))
    assert body["machine"] == "a machine"
    assert body["figures"][0] == {
        "name": "single.correct",
        "unit": "share",
        "ours": 0.5,
        "stock": None,
        "ratio": None,
        "low": 0.15,
        "high": 0.85,
    }
    assert len(body["rows"]) == 4


def test_figures_are_the_same_after_being_written_and_read(tmp_path: Path) -> None:
    write_results(results(), tmp_path / "results.json")
    assert read_results(tmp_path / "results.json").figures == results().figures


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"counts": {"single": [1, 2]}, "machine": "", "assistant": {}}'])
def test_a_file_that_holds_no_results_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match="write them with `make eval`"):
        read_results(tmp_path / "results.json")


def floors(tmp_path: Path, **entries: object) -> Path:
    path = tmp_path / "floors.json"
    path.write_text(json.dumps({name.replace("__", "."): entry for name, entry in entries.items()}), encoding="utf-8")
    return path


def test_a_figure_below_its_floor_or_above_its_ceiling_is_told(tmp_path: Path) -> None:
    path = floors(
        tmp_path, single__correct={"at_least": 0.6, "goal": 0.9}, single__wrong_passage={"at_most": 0.2, "goal": 0}
    )
    assert check_floors(results(), load_floors(path)) == [
        "single.correct is 50.0% (2 of 4), below the agreed floor of 60.0%.",
        "single.wrong_passage is 25.0% (1 of 4), above the agreed ceiling of 20.0%.",
    ]


def test_a_figure_at_its_floor_is_enough(tmp_path: Path) -> None:
    assert check_floors(results(), load_floors(floors(tmp_path, single__correct={"at_least": 0.5, "goal": 0.9}))) == []


def test_a_floor_whose_figure_was_not_measured_does_not_hold(tmp_path: Path) -> None:
    missed = check_floors(results(), load_floors(floors(tmp_path, emergency__alarm={"at_least": 0.9, "goal": 0.99})))
    assert missed == ["emergency.alarm was not measured, and its floor is 90.0%."]


@pytest.mark.parametrize(
    ("name", "entry", "problem"),
    [
        ("single__right", {"at_least": 0.5, "goal": 0.9}, "a figure is named <set>.<mark>"),
        ("single", {"at_least": 0.5, "goal": 0.9}, "a figure is named <set>.<mark>"),
        ("single__correct", {"at_most": 0.5, "goal": 0.9}, "exactly the fields 'at_least' and 'goal'"),
        ("single__wrong", {"at_least": 0.5, "goal": 0.9}, "exactly the fields 'at_most' and 'goal'"),
        ("single__correct", {"at_least": 50, "goal": 0.9}, "shares between 0 and 1"),
        ("single__correct", 0.5, "exactly the fields"),
    ],
)
def test_a_faulty_floor_is_refused_by_name(tmp_path: Path, name: str, entry: object, problem: str) -> None:
    with pytest.raises(EvaluationError) as refused:
        load_floors(floors(tmp_path, **{name: entry}))
    assert f"floors.json: '{name.replace('__', '.')}'" in str(refused.value)
    assert problem in str(refused.value)


def test_the_projects_floors_are_usable_and_no_stricter_than_their_goals() -> None:
    for name, floor in load_floors(HELD_OUT / "floors.json").items():
        assert floor.limit >= floor.goal if floor.less_is_better else floor.limit <= floor.goal, name
