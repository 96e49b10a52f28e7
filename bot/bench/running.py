"""The command `python -m bot bench`: which parts are measured, and what is kept of an earlier run."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Final, Mapping, Optional, Sequence

from bot.bench import measuring, results
from bot.bench.errors import BenchError
from bot.bench.figures import figures_of
from bot.bench.measuring import QUICK, Plan
from bot.bench.messages import load_messages
from bot.bench.stock import EPOCHS, StockProject
from bot.settings import ROOT, settings

PARTS: Final = ("start", "messages", "answers", "growth", "page", "training")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure, print the table, write the results; 1 if something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bot bench", description="Measure the assistant beside stock Rasa.")
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="measure this part anew, keep the others' samples"
    )
    parser.add_argument(
        "--stock-model", type=Path, help="a stock model that was trained before, instead of training one (long)"
    )
    parser.add_argument(
        "--stock-epochs", type=int, default=EPOCHS, help=f"train the stock model this short instead of {EPOCHS} epochs"
    )
    parser.add_argument("--train-stock", action="store_true", help="only train the stock model of this data")
    parser.add_argument("--publish", action="store_true", help="write the last results into docs/, measure nothing")
    parser.add_argument("--out", type=Path, default=None, help="folder of the results (default: VAR_DIR/bench)")
    chosen = parser.parse_args(arguments)
    out: Path = (chosen.out or settings().var_dir / "bench").resolve()
    try:
        if chosen.publish:
            for path in results.publish(out / "results.json"):
                print(path)
            return 0
        project = StockProject(out, chosen.stock_epochs)
        if chosen.stock_model is not None:
            project.use(chosen.stock_model.resolve())
        elif not project.model.exists():
            measuring.say(f"Training stock Rasa in {project.folder}; this takes long, once for this data ...")
            project.train()
        if chosen.train_stock:
            return 0
        # in a process of its own, so that stock Rasa gets none of its settings
        subprocess.run([sys.executable, "-W", "ignore", "-m", "bot", "train"], cwd=ROOT, check=True)
        _measure(out, project, QUICK if chosen.quick else Plan(), tuple(chosen.only or PARTS))
    except BenchError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    found = results.read(out / "results.json")
    results.draw(found, out)
    print(results.table(found))
    print(f"\nResults  {out / 'results.json'}\nCharts   {out}")
    return 0


def _measure(out: Path, project: StockProject, plan: Plan, parts: Sequence[str]) -> None:
    load, _, _ = os.getloadavg()
    if load > 1:
        measuring.say(f"Other programs are busy here (load {load:.1f}): the figures will be worse than the machine's.")
    raw = _kept(out)
    with tempfile.TemporaryDirectory(dir=out, prefix="state-") as folder:
        state = Path(folder)
        work: Mapping[str, Callable[[], Dict[str, Any]]] = {
            "start": lambda: {"start": measuring.measure_start(state, project, plan)},
            "messages": lambda: measuring.measure_messages(state, project, plan, load_messages()),
            "answers": lambda: {"answers": measuring.measure_answers(state, project)},
            "growth": lambda: {"growth": measuring.measure_growth(state, plan, load_messages())},
            "page": lambda: {"page": measuring.measure_page(state, plan)},
            "training": lambda: {"training": measuring.measure_training(project, state)},
        }
        for part in parts:
            measuring.say(f"Measuring {part} ...")
            raw.update(work[part]())
            # kept at once: what was measured is not lost if a later part fails
            (out / "samples.json").write_text(json.dumps(raw), encoding="utf-8")
            results.write(results.machine(), figures_of(raw), out / "results.json")


def _kept(out: Path) -> Dict[str, Any]:
    try:
        kept: Dict[str, Any] = json.loads((out / "samples.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return kept
