"""The commands of the product: `python -m bot <command>`.

Each command is a few lines that call into the package that does the work, and
imports it only when it is asked for, so that no command pays for another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Optional, Sequence

import structlog

from bot.settings import Settings, SettingsError, settings

if TYPE_CHECKING:
    from bot.store.database import Database

logger = logging.getLogger(__name__)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("run", help="train if needed, migrate, start everything").set_defaults(work=run)
    train = commands.add_parser("train", help="train the models of the current data")
    train.add_argument("--force", action="store_true", help="train even if nothing changed")
    train.set_defaults(work=train_models)
    commands.add_parser("migrate", help="bring the database to this version").set_defaults(work=migrate)
    cases = commands.add_parser("cases", help="list the cases that wait for the therapist")
    cases.add_argument("--all", action="store_true", help="closed cases too")
    cases.set_defaults(work=list_open_cases)
    copy = commands.add_parser("export", help="print everything that is kept about a client, as JSON")
    copy.add_argument("name", help="a case's number such as C-1042, or a conversation's id")
    copy.set_defaults(work=export_conversation)
    erase = commands.add_parser("delete", help="delete everything that is kept about a client")
    erase.add_argument("name", help="a case's number such as C-1042, or a conversation's id")
    erase.set_defaults(work=delete_conversation)
    commands.add_parser("purge", help="delete what is older than RETENTION_DAYS").set_defaults(work=purge_old)
    screen = commands.add_parser("screen", help="show what the screen reads in a text")
    screen.add_argument("text")
    screen.set_defaults(work=explain_text)
    commands.add_parser("data", help="show the training data: coverage, near duplicates, learning curve").set_defaults(
        work=show_data
    )
    evaluation = commands.add_parser("eval", help="measure the running whole on the held-out sets", add_help=False)
    evaluation.set_defaults(work=evaluate)
    commands.add_parser("serve", help="the Rasa server alone (run starts it)").set_defaults(work=serve)
    commands.add_parser("actions", help="the action server alone (run starts it)").set_defaults(work=serve_actions)
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.work is not evaluate:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    chosen.rest = rest
    try:
        return int(chosen.work(chosen) or 0)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not _is_ours(error):
            raise
        print(f"Error: {error}", file=sys.stderr)
        return 1


def run(_arguments: argparse.Namespace) -> int:
    """Everything: train if needed, migrate, start, watch, stop."""
    from bot.supervisor import QUIET, Supervisor, require_free
    from bot.training import train

    configured = _configured()
    require_free(configured.host, configured.port)
    os.environ.update(QUIET)
    _check_content()
    train()
    _migrate(configured)
    print("Starting ...", flush=True)

    async def supervise() -> None:
        await Supervisor(configured, lambda line: print(line, flush=True)).run()

    asyncio.run(supervise())
    return 0


def train_models(arguments: argparse.Namespace) -> int:
    """Train the models of the current data, if they are not there."""
    from bot.supervisor import QUIET
    from bot.training import train

    os.environ.update(QUIET)
    _configured()
    train(force=arguments.force)
    return 0


def migrate(_arguments: argparse.Namespace) -> int:
    """Bring the database to this version."""
    configured = _configured()
    _migrate(configured)
    print("The database is up to date.")
    return 0


def list_open_cases(arguments: argparse.Namespace) -> int:
    """Print the cases, urgent first. No word of a client is printed."""
    from bot.escalation import list_cases

    with _database().reading() as session:
        cases = list_cases(session, include_closed=arguments.all)
    if not cases:
        print("No case is waiting.")
        return 0
    print(f"{'case':<8} {'priority':<9} {'status':<11} {'opened (UTC)':<17} reasons")
    for case in cases:
        reasons = ", ".join(dict.fromkeys(reason.reason for reason in case.reasons))
        print(f"{case.label:<8} {case.priority:<9} {case.status:<11} {case.opened_at:%Y-%m-%d %H:%M}  {reasons}")
    return 0


def export_conversation(arguments: argparse.Namespace) -> int:
    """Print all that is kept about one client."""
    from bot import rights

    with _database().transaction() as session:
        found = rights.conversation_named(session, arguments.name)
        copy = rights.export(session, found, "command")
    print(json.dumps(copy, ensure_ascii=False, indent=2))
    return 0


def delete_conversation(arguments: argparse.Namespace) -> int:
    """Delete all that is kept about one client."""
    from bot import rights

    database = _database()
    with database.transaction() as session:
        rights.forget(session, rights.conversation_named(session, arguments.name), "command")
    database.scrub()
    print("Deleted.")
    return 0


def purge_old(_arguments: argparse.Namespace) -> int:
    """Delete what is older than the retention period."""
    from bot import rights

    days = _configured().retention_days
    gone = rights.purge(_database(), days)
    print(f"{gone} conversations were older than {days} days and have been deleted.")
    return 0


def explain_text(arguments: argparse.Namespace) -> int:
    """Print findings, status and rules for a text."""
    from bot.dialogue.reading import load_detector, load_reader
    from bot.screening.explain import explain

    _configured()
    print(explain(arguments.text, load_reader(load_detector())))
    return 0


def show_data(_arguments: argparse.Namespace) -> int:
    """Print what the training data covers, repeats and still gains."""
    from bot.evaluation.data import main as show

    _configured()
    return show()


def evaluate(arguments: argparse.Namespace) -> int:
    """Start an assistant of its own and measure it; figures go to VAR_DIR/eval."""
    from bot.evaluation import main as measure
    from bot.supervisor import QUIET
    from bot.training import train

    os.environ.update(QUIET)
    _configured()
    train()
    return measure(arguments.rest)


def serve(_arguments: argparse.Namespace) -> int:
    """The Rasa server alone."""
    from bot.supervisor import exit_with_parent

    configured = _configured()
    exit_with_parent()
    from bot.server import serve as serve_app

    serve_app(configured, f"http://127.0.0.1:{_actions_port(configured)}")
    return 0


def serve_actions(_arguments: argparse.Namespace) -> int:
    """The action server alone, on loopback."""
    from bot.supervisor import exit_with_parent

    configured = _configured()
    exit_with_parent()
    from bot.action_server import serve as serve_app

    serve_app(_actions_port(configured))
    return 0


def _configured() -> Settings:
    configured = settings()
    logging.basicConfig(level=configured.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # old libraries warn of their own future at every start
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    # Rasa and its SDK write what clients say at their lower levels
    quiet = max(logging.WARNING, logging.getLogger().level) if configured.log_level != "DEBUG" else logging.DEBUG
    for name in ("rasa", "rasa_sdk", "sanic.access", "sanic.root", "alembic", "httpx", "matplotlib"):
        logging.getLogger(name).setLevel(quiet)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(quiet))
    return configured


def _actions_port(configured: Settings) -> int:
    return configured.actions_port or 5055


def _database() -> Database:
    from bot.store.database import Database

    return Database(_configured().database.get_secret_value())


def _migrate(configured: Settings) -> None:
    from bot.store.database import Database

    Database(configured.database.get_secret_value()).migrate()


def _check_content() -> None:
    from bot.emergency import EmergencyDetector
    from bot.handout import Handout
    from bot.screening import Rulebook

    Handout.load()
    Rulebook.load()
    EmergencyDetector.load(lexical_only=True)


def _is_ours(error: Exception) -> bool:
    """Whether the error's text is a sentence of ours, made to be read."""
    return isinstance(error, SettingsError) or type(error).__module__.startswith("bot.")
