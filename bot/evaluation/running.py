"""Runs the evaluation: rows in, through the whole assistant, results out, printed and written.

The only module here that knows all others. `evaluate` is the entry for code, `main` for the command line.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tqdm import tqdm

from bot.evaluation.chat import Assistant
from bot.evaluation.errors import EvaluationError, NoReplyError
from bot.evaluation.floors import NAME as FLOORS
from bot.evaluation.floors import Floor, check_floors, load_floors
from bot.evaluation.judging import Verdict, judge, judge_screening
from bot.evaluation.report import write_report
from bot.evaluation.results import Results, figures_of, write_results
from bot.evaluation.rows import SETS, Row, load_rows, sample
from bot.evaluation.screen import ChatScreen, Screen
from bot.evaluation.server import running_assistant
from bot.evaluation.table import table
from bot.handout import Handout
from bot.screening import Rulebook
from bot.settings import ROOT, settings

AT_ONCE: Final = 4
HELD_OUT: Final = ROOT / "tests" / "eval"


def evaluate(url: str, sets: Path, out: Path, limit: int | None = None) -> Results:
    """Run the held-out rows through the assistant at `url`, print the table and write `out`.

    Args:
        url: where it answers, with its rate limits off.
        sets: the folder with the sets, and with the floors if there are any.
        out: the folder for results.json and report.html.
        limit: rows of each set, evenly spaced; None for all.

    Raises:
        EvaluationError: a set or the floors are faulty, or the assistant cannot be evaluated.
    """
    rows = sample(load_rows(sets), limit)
    floors = _floors(sets)
    with Assistant(url, AT_ONCE) as assistant:
        health = assistant.health()
        verdicts = tuple(_run(rows, assistant, ChatScreen(assistant, Handout.load(), Rulebook.load())))
    results = Results(
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        assistant={name: str(health.get(name, "")) for name in ("model", "rules_version")},
        figures=figures_of(verdicts),
        verdicts=verdicts,
    )
    print(table(results, floors))
    write_results(results, out / "results.json")
    write_report(results, floors, out / "report.html")
    return results


def _run(rows: Sequence[Row], assistant: Assistant, screen: Screen) -> Iterator[Verdict]:
    def one(row: Row) -> Verdict:
        return _screened(row, screen) if row.set == "screening" else _talked(row, assistant)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="evaluation")
    try:
        yield from _progress(rows, pool.map(one, rows))
    finally:
        pool.shutdown(cancel_futures=True)


def _talked(row: Row, assistant: Assistant) -> Verdict:
    try:
        conversation = assistant.open()
        for turn in row.turns:
            conversation.say(turn)
        return judge(row, conversation.last)
    except NoReplyError as error:
        return judge(row, (), failure=str(error))


def _screened(row: Row, screen: Screen) -> Verdict:
    try:
        return judge_screening(row, screen(row.turns[0]))
    except NoReplyError as error:
        return judge_screening(row, None, failure=str(error))


def _progress(rows: Sequence[Row], verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Pass the verdicts on: with a bar on a terminal, otherwise with a line when a set is done."""
    if sys.stderr.isatty():
        yield from tqdm(verdicts, total=len(rows), unit=" messages", leave=False)
        return
    left = {name: sum(row.set == name for row in rows) for name in SETS}
    for verdict in verdicts:
        yield verdict
        left[verdict.row.set] -= 1
        if not left[verdict.row.set]:
            print(f"{verdict.row.set} done", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 if it ran and every floor holds, 1 if a floor does not."""
    parser = argparse.ArgumentParser(
        prog="python -m bot eval", description="Measure the whole assistant on the held-out messages."
    )
    parser.add_argument("--url", help="an assistant that runs already, with RATE_LIMITS=off; default: start one")
    parser.add_argument("--sets", type=Path, default=HELD_OUT, help="folder of the sets (default: tests/eval)")
    parser.add_argument("--out", type=Path, default=None, help="folder of the results (default: VAR_DIR/eval)")
    parser.add_argument("--limit", type=_positive, default=None, help="rows of each set, evenly spaced; default: all")
    chosen = parser.parse_args(arguments)
    out: Path = chosen.out or settings().var_dir / "eval"
    try:
        # before anything is started: a fault in a set shows at once
        load_rows(chosen.sets)
        with _assistant(chosen.url, out) as url:
            results = evaluate(url, chosen.sets, out, chosen.limit)
        # a handful of rows proves nothing about a floor
        missed = check_floors(results, _floors(chosen.sets)) if chosen.limit is None else []
    except EvaluationError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"\nResults  {out / 'results.json'}\nReport   {out / 'report.html'}")
    for sentence in missed:
        print(sentence, file=sys.stderr)
    return 1 if missed else 0


def _floors(sets: Path) -> dict[str, Floor]:
    return load_floors(sets / FLOORS) if (sets / FLOORS).exists() else {}


@contextmanager
def _assistant(url: str | None, out: Path) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="evaluation-") as folder:
        print("Starting the assistant ...", file=sys.stderr, flush=True)
        with running_assistant(Path(folder), out / "server.log") as started:
            yield started


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1 on")
    return int(text)
