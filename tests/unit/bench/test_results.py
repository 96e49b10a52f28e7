"""The page of figures says what the file of figures says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.bench import BenchError, load, main
from bot.bench.figures import Figure
from bot.bench.load import told
from bot.bench.messages import Messages, load_messages
from bot.bench.results import KEPT, PAGE, draw, read, with_part, with_table, write
from bot.bench.stock import Trained, reckoned


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    figures = [
        Figure("message_turn_1", "ms", 12.3456, 40.0, 0.3086, 0.29, 0.33),
        Figure("own_growth", "x", 1.01, None, 1.01, 0.9, 1.1),
        Figure("stage_store", "ms", 3.0, None, None, None, None),
    ]
    write("a machine", figures, path)
    return path


def test_the_table_of_the_page_is_that_of_the_committed_results() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, read(KEPT)) == page


def test_the_load_of_the_page_is_that_of_the_committed_report() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_part(page, "load", told(load.read(load.KEPT))) == page


def test_a_report_of_a_load_tells_failures_as_a_share_and_the_growth_of_memory() -> None:
    report = {
        "machine": "a machine", "clients": 200, "seconds": 600, "messages": 12_000, "failed": 3,
        "messages_a_second": 20.0, "median_ms": 40.0, "p95_ms": 90.0, "p99_ms": 150.0,
        "memory_before_mb": 600.0, "memory_after_mb": 630.0,
    }  # fmt: skip
    text = told(report)
    assert "200 clients for 600 s" in text
    assert "3 of 12,000 (0.025 %)" in text
    assert "600 to 630 MB (+5 %)" in text


def test_every_option_in_the_page_exists(capsys: pytest.CaptureFixture[str]) -> None:
    import re

    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    assert all(option in known for option in re.findall(r"--\w[\w-]+", PAGE.read_text(encoding="utf-8")))


def test_a_row_shows_both_sides_the_ratio_and_its_interval(file: Path) -> None:
    page = with_table("before <!-- figures -->old<!-- end of figures --> after", read(file))
    assert "| a message, first of its conversation, median | 12.3 ms | 40 ms | 0.309 (0.29 to 0.33) | ≤ .4 |" in page
    assert "old" not in page


def test_a_page_without_a_place_for_the_table_is_refused(file: Path) -> None:
    with pytest.raises(BenchError, match="does not mark the place"):
        with_table("nothing here", read(file))


def test_there_is_a_chart_for_each_comparison_and_one_of_the_stages(file: Path, tmp_path: Path) -> None:
    names = {path.name for path in draw(read(file), tmp_path / "charts")}
    assert names == {"message_turn_1.svg", "stages.svg"}


def test_results_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="make bench"):
        read(tmp_path / "results.json")


def test_no_message_is_handed_out_twice_and_helpings_are_alike_in_length() -> None:
    messages = Messages([f"{'x' * length} {copy}" for length in range(50) for copy in range(4)])
    first, second = messages.take(50), messages.take(50)
    assert not set(first) & set(second)
    assert abs(sum(map(len, first)) - sum(map(len, second))) < 100


def test_messages_that_are_used_up_are_an_error() -> None:
    with pytest.raises(BenchError, match="needs 3 more messages and has 2"):
        Messages(["a", "b"]).take(3)


def test_there_are_enough_held_out_messages_for_a_whole_run() -> None:
    assert len(load_messages()) > 800


def test_a_short_training_is_reckoned_at_the_pace_of_its_later_epochs() -> None:
    log = (
        "Starting to train component 'DIETClassifier'.\r"
        "Epochs:  50%|##   | 1/2 [00:30<00:30, 30.0s/it]\rEpochs: 100%|####| 2/2 [00:40<00:00, 20.0s/it]"
    )
    cost = reckoned(Trained(seconds=60.0, cpu_seconds=90.0), log, epochs=2)
    assert cost == Trained(seconds=60 + 98 * 10, cpu_seconds=90 + 98 * 10 * 1.5)
