"""Load held: `make load` lets simulated clients talk to an assistant of its own, and reports what became of them.

The clients are Locust's (tools/load), in a process and an environment of their own.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from bot.bench.errors import BenchError
from bot.bench.measuring import say
from bot.bench.results import CHARTS, PAGE, machine, with_part
from bot.bench.sides import Ours
from bot.settings import ROOT, settings

#: The report that the page shows.
KEPT = CHARTS / "load.json"
LOCUST = ROOT / ".tools" / "load" / "bin" / "locust"


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run it; the report goes to VAR_DIR/load/report.json and to the terminal."""
    parser = argparse.ArgumentParser(prog="python -m bot.bench.load", description="Talk to it as many at once.")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--publish", action="store_true", help="write the last report into docs/, measure nothing")
    parser.add_argument("--locust", type=Path, default=LOCUST, help="the program, of tools/load's environment")
    chosen = parser.parse_args(arguments)
    out = settings().var_dir / "load"
    out.mkdir(parents=True, exist_ok=True)
    try:
        if chosen.publish:
            publish(out / "report.json")
            return 0
        report = held(out, chosen.clients, chosen.seconds, chosen.locust)
    except BenchError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))
    return 0


def held(out: Path, clients: int, seconds: int, locust: Path) -> Dict[str, Any]:
    """Start an assistant, let the clients talk, and tell errors, latencies and the growth of memory.

    Raises:
        BenchError: the assistant or Locust did not run.
    """
    ours = Ours(out / "state")
    with ours.programs() as programs:
        programs.wait_for(ours.answers)
        before = programs.memory()
        say(f"{clients} clients for {seconds} s ...")
        ran = subprocess.run(
            [
                str(locust),
                *("--headless", "--only-summary", "--loglevel", "WARNING"),
                *("--locustfile", str(ROOT / "tools" / "load" / "locustfile.py"), "--host", ours.url),
                *("--users", str(clients), "--spawn-rate", "20", "--run-time", f"{seconds}s"),
                *("--csv", str(out / "clients")),
            ],
            check=False,
        )
        after = programs.memory()
    # 1 says that some request failed: that is in the report
    if ran.returncode not in (0, 1):
        raise BenchError(f"Locust ended with exit code {ran.returncode}; its last lines above say why.")
    return {"machine": machine(), "clients": clients, "seconds": seconds, **summary(out / "clients_stats.csv")} | {
        "memory_before_mb": before,
        "memory_after_mb": after,
    }


def told(report: Dict[str, Any]) -> str:
    """A report as a table for the page."""
    failed, messages = report["failed"], report["messages"]
    before, after = report["memory_before_mb"], report["memory_after_mb"]
    rows = {
        f"{report['clients']} clients for {report['seconds']} s": report["machine"],
        "messages answered, a second": f"{messages - failed:,}, {report['messages_a_second']:.3g}",
        "failed": f"{failed:,} of {messages:,} ({100 * failed / messages:.3g} %)",
        "median, p95, p99": ", ".join(f"{report[name]:.0f} ms" for name in ("median_ms", "p95_ms", "p99_ms")),
        "memory": f"{before:.0f} to {after:.0f} MB ({100 * (after / before - 1):+.0f} %)",
    }
    return "\n".join(["| load | held |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def read(path: Path) -> Dict[str, Any]:
    """Read a report.

    Raises:
        BenchError: there is none.
    """
    try:
        found: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"{path} holds no report of a load; run 'make load' first.") from error
    return found


def publish(path: Path) -> None:
    """Copy a report into the documentation.

    Raises:
        BenchError: there is none.
    """
    page = with_part(PAGE.read_text(encoding="utf-8"), "load", told(read(path)))
    KEPT.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")


def summary(path: Path) -> Dict[str, Any]:
    """What Locust counted for messages.

    Raises:
        BenchError: it counted none.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    if "/chat/messages" not in rows:
        raise BenchError("No client got as far as a message; the assistant's log is in VAR_DIR/load/state/log.txt.")
    said = rows["/chat/messages"]
    return {
        "messages": int(said["Request Count"]),
        "failed": int(said["Failure Count"]) + int(rows.get("given up", {}).get("Failure Count", 0)),
        "messages_a_second": round(float(said["Requests/s"]), 1),
        "median_ms": float(said["50%"]),
        "p95_ms": float(said["95%"]),
        "p99_ms": float(said["99%"]),
    }


if __name__ == "__main__":
    sys.exit(main())
