"""The commands of the product: `python -m bot <command>`.

Each command is a few lines that call into the package that does the work, and
imports it only when it is asked for, so that no command pays for another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Optional, Sequence

from bot import logs
from bot.settings import ROOT, Settings, SettingsError, settings

if TYPE_CHECKING:
    from bot.store.database import Database


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("run", help="train if needed, migrate, start everything").set_defaults(work=run)
    commands.add_parser("prepare", help="check, train and migrate (run does it)").set_defaults(work=prepare)
    train = commands.add_parser("train", help="train the models of the current data")
    train.add_argument("--force", action="store_true", help="train even if nothing changed")
    train.set_defaults(work=train_models)
    commands.add_parser("check", help="say whether the database and Telegram work").set_defaults(work=check)
    commands.add_parser("migrate", help="bring the database to this version").set_defaults(work=migrate)
    commands.add_parser("password", help="make a new password for the desk").set_defaults(work=new_password)
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
    held = commands.add_parser("held", help="note that a session was held, so that the client is asked how it went")
    held.add_argument("name", help="a case's number such as C-1042, or a conversation's id")
    held.add_argument("day", nargs="?", help="the day as 2026-11-23; today if left out")
    held.set_defaults(work=note_session)
    screen = commands.add_parser("screen", help="show what the screen reads in a text")
    screen.add_argument("text")
    screen.set_defaults(work=explain_text)
    commands.add_parser("data", help="show the training data: coverage, near duplicates, learning curve").set_defaults(
        work=show_data
    )
    evaluation = commands.add_parser("eval", help="measure the running whole on the held-out sets", add_help=False)
    evaluation.set_defaults(work=evaluate)
    bench = commands.add_parser("bench", help="measure the assistant beside stock Rasa", add_help=False)
    bench.set_defaults(work=benchmark)
    commands.add_parser("serve", help="the Rasa server alone (run starts it)").set_defaults(work=serve)
    commands.add_parser("actions", help="an action server alone, for ACTION_SERVER=on and `rasa shell`").set_defaults(
        work=serve_actions
    )
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.work not in (evaluate, benchmark):
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

    configured = _configured()
    require_free(configured.host, configured.port)
    os.environ.update(QUIET)
    # in a process of its own, so that what it loads is not held for as long as the supervisor lives
    failed = subprocess.run([sys.executable, "-m", "bot", "prepare"], cwd=ROOT, check=False).returncode
    if failed:
        return failed
    print("Starting ...", flush=True)

    async def supervise() -> None:
        await Supervisor(configured, lambda line: print(line, flush=True)).run()

    asyncio.run(supervise())
    return 0


def prepare(_arguments: argparse.Namespace) -> int:
    """What has to be done before anything starts: check the texts and rules, train, migrate, open the desk."""
    from bot.training import train

    configured = _configured()
    _check_content()
    train()
    _open_desk(configured, _migrate(configured))
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


def check(_arguments: argparse.Namespace) -> int:
    """Say whether the database and Telegram work; 1 if something has to be done."""
    from bot.store.database import Database
    from bot.telegram.check import check as check_telegram

    configured = _configured()
    database = Database(configured.database.get_secret_value())
    database.check()
    print(f"Database  ok: {database.name}")
    report = asyncio.run(check_telegram(configured, database))
    for number, line in enumerate(report.lines):
        print(f"{'Telegram' if number == 0 else '':<8}  {line}")
    return 0 if report.well else 1


def new_password(_arguments: argparse.Namespace) -> int:
    """Make a new password for the desk, print it once, and log every browser out."""
    from bot.desk.account import Account
    from bot.desk.account import new_password as made

    configured = _configured()
    if configured.therapist_password.get_secret_value():
        raise SettingsError(
            "THERAPIST_PASSWORD is set and would be used again at the next start. Change it there, or empty it first."
        )
    password = made()
    Account(_migrate(configured)).use_password(password)
    print(f"The new password of the desk is {password} and is shown only this once. Every browser was logged out.")
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


def note_session(arguments: argparse.Namespace) -> int:
    """Check in with a client after a session, or ask whether that is welcome."""
    from bot import rights
    from bot.dialogue.checkins import Checkins
    from bot.dialogue.escalating import Escalating
    from bot.handout import Handout

    chosen, handout = _configured(), Handout.load()
    checkins = Checkins(handout, chosen, Escalating(handout, chosen))
    with _database().transaction() as session:
        found = rights.conversation_named(session, arguments.name)
        wanted = checkins.schedule(session, found, checkins.day_named(arguments.day))
    print("The client is asked how it went." if wanted else "The client does not want to be asked.")
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


def benchmark(arguments: argparse.Namespace) -> int:
    """Measure the assistant beside stock Rasa; figures go to VAR_DIR/bench."""
    from bot.bench import main as measure

    _configured()
    return measure(arguments.rest)


def serve(_arguments: argparse.Namespace) -> int:
    """The Rasa server alone."""
    from bot.supervisor import exit_with_parent

    configured = _configured()
    exit_with_parent()
    from bot.no_tensorflow import leave_out_tensorflow

    leave_out_tensorflow(ROOT / "config.yml")
    from bot.server import serve as serve_app

    serve_app(configured)
    return 0


def serve_actions(_arguments: argparse.Namespace) -> int:
    """The action server alone, on loopback."""
    from bot.supervisor import exit_with_parent

    configured = _configured()
    exit_with_parent()
    from bot.action_server import serve as serve_app

    serve_app(configured.actions_url)
    return 0


def _configured() -> Settings:
    configured = settings()
    logs.configure(configured.log_level)
    return configured


def _database() -> Database:
    from bot.store.database import Database

    return Database(_configured().database.get_secret_value())


def _migrate(configured: Settings) -> Database:
    from bot.store.database import Database

    database = Database(configured.database.get_secret_value())
    database.migrate()
    return database


def _open_desk(configured: Settings, database: Database) -> None:
    """Make sure that the therapist can log in; a password that is made here is printed here, once."""
    from bot.desk.account import Account

    account = Account(database)
    chosen = configured.therapist_password.get_secret_value()
    if chosen:
        account.use_password(chosen)
        return
    password = account.first_password()
    if password is not None:
        print(f"The therapist's desk is http://localhost:{configured.port}/desk/", flush=True)
        print(f"  Password  {password}", flush=True)
        print("  It is shown only this once; `python -m bot password` makes another.", flush=True)


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
