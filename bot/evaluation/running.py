"""Runs the evaluation: rows in, through the whole assistant, results out, printed and written.

The only module here that knows all others. `evaluate` is the entry for code, `main` for the command line.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tqdm import tqdm

from bot.evaluation.chat import Assistant, Measured
from bot.evaluation.confidence import curve
from bot.evaluation.errors import EvaluationError, NoReplyError
from bot.evaluation.floors import NAME as FLOORS
from bot.evaluation.floors import Floor, check_floors, load_floors
from bot.evaluation.judging import Verdict, judge, judge_screening
from bot.evaluation.report import write_report
from bot.evaluation.results import Results, figures_of, write_results
from bot.evaluation.rows import SETS, Row, load_rows, sample
from bot.evaluation.server import running_assistant
from bot.evaluation.table import table
from bot.nlu.reader import MessageReader
from bot.settings import ROOT, settings
from bot.training import model_file

AT_ONCE: Final = 4
#: What `--set` names: messages for the final figures, and messages by which thresholds and rules may be chosen.
FOLDERS: Final[Mapping[str, Path]] = {"eval": ROOT / "tests" / "eval", "validation": ROOT / "tests" / "validation"}


def evaluate(url: str, sets: Path, out: Path, limit: int | None = None, reader: MessageReader | None = None) -> Results:
    """Run the held-out rows through the assistant at `url`, print the table and write `out`.

    Args:
        url: where it answers, with its rate limits off.
        sets: the folder with the sets, and with the floors if there are any.
        out: the folder for results.json and report.html.
        limit: rows of each set, evenly spaced; None for all.
        reader: the language model alone, for the curve over its confidence; None for no curve.

    Raises:
        EvaluationError: a set or the floors are faulty, or the assistant cannot be evaluated.
    """
    rows = sample(load_rows(sets), limit)
    with Assistant(url, AT_ONCE) as assistant:
        results = measure(assistant, rows, AT_ONCE, reader)
    _tell(results, _floors(sets), out)
    return results


def measure(assistant: Measured, rows: Sequence[Row], at_once: int = 1, reader: MessageReader | None = None) -> Results:
    """Send rows to an assistant and judge what comes back.

    Args:
        at_once: conversations that are held at the same time.
        reader: the language model alone, for the curve over its confidence; None for no curve.

    Raises:
        EvaluationError: the assistant cannot be evaluated.
    """
    health = assistant.health()
    verdicts = tuple(_run(rows, assistant, at_once))
    return Results(
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        assistant={name: str(health.get(name, "")) for name in ("model", "rules_version")},
        figures=figures_of(verdicts),
        verdicts=verdicts,
        curve=curve(rows, reader) if reader is not None else (),
    )


def _tell(results: Results, floors: Mapping[str, Floor], out: Path) -> None:
    print(table(results, floors))
    write_results(results, out / "results.json")
    write_report(results, floors, out / "report.html")


def _run(rows: Sequence[Row], assistant: Measured, at_once: int) -> Iterator[Verdict]:
    def one(row: Row) -> Verdict:
        return _screened(row, assistant) if row.set == "screening" else _talked(row, assistant)

    pool = ThreadPoolExecutor(at_once, thread_name_prefix="evaluation")
    try:
        yield from _progress(rows, pool.map(one, rows))
    finally:
        pool.shutdown(cancel_futures=True)


def _talked(row: Row, assistant: Measured) -> Verdict:
    try:
        conversation = assistant.open()
        for turn in row.turns:
            conversation.say(turn)
        return judge(row, conversation.last)
    except NoReplyError as error:
        return judge(row, (), failure=str(error))


def _screened(row: Row, assistant: Measured) -> Verdict:
    try:
        return judge_screening(row, assistant.check(row.turns[0]))
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
    parser.add_argument(
        "--in-process", action="store_true", help="without a server: no HTTP, no Rasa rules, no start to wait for"
    )
    parser.add_argument("--set", choices=FOLDERS, default="eval", help="which messages (default: eval, the held-out)")
    parser.add_argument("--sets", type=Path, default=None, help="another folder of sets")
    parser.add_argument("--out", type=Path, default=None, help="folder of the results (default: VAR_DIR/eval)")
    parser.add_argument("--limit", type=_positive, default=None, help="rows of each set, evenly spaced; default: all")
    chosen = parser.parse_args(arguments)
    sets: Path = chosen.sets or FOLDERS[chosen.set]
    out: Path = chosen.out or settings().var_dir / "eval" / ("" if chosen.set == "eval" else chosen.set)
    try:
        # before anything is started: a fault in a set shows at once
        rows = sample(load_rows(sets), chosen.limit)
        if chosen.in_process:
            results = _in_process(rows)
            _tell(results, _floors(sets), out)
        else:
            with _assistant(chosen.url, out) as url:
                # an assistant elsewhere may have another model
                results = evaluate(url, sets, out, chosen.limit, _reader() if chosen.url is None else None)
        # a handful of rows proves nothing about a floor
        missed = check_floors(results, _floors(sets)) if chosen.limit is None else []
    except EvaluationError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"\nResults  {out / 'results.json'}\nReport   {out / 'report.html'}")
    for sentence in missed:
        print(sentence, file=sys.stderr)
    return 1 if missed else 0


def _floors(sets: Path) -> dict[str, Floor]:
    return load_floors(sets / FLOORS) if (sets / FLOORS).exists() else {}


def _in_process(rows: Sequence[Row]) -> Results:
    from bot.evaluation.inside import InsideAssistant

    with tempfile.TemporaryDirectory(prefix="evaluation-") as folder:
        return measure(InsideAssistant(Path(folder)), rows, reader=_reader())


def _reader() -> MessageReader:
    return MessageReader.from_model(model_file())


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
