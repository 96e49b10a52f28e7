"""Takes the samples: both sides in turn, the same messages in the same order, after a warm-up.

Every function returns raw samples as plain values; what they mean is worked out in `figures`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Final, Iterable, Iterator, List, Sequence

import aiohttp

from bot.bench import growing, page
from bot.bench.errors import BenchError
from bot.bench.messages import FOLDER, Messages
from bot.bench.sides import Ours, Side, Stock
from bot.bench.stock import LOG, StockProject, timed
from bot.encoder import Encoder
from bot.evaluation.chat import Reply
from bot.evaluation.judging import judge
from bot.evaluation.rows import load_rows
from bot.screening import LINK_IDS
from bot.settings import ROOT
from bot.store.database import Database

Raw = Dict[str, Any]

SIDES: Final = ("ours", "stock")
WARM_UP: Final = 8
#: Turns of a long conversation, around which messages are timed.
TURNS: Final = (50, 400)
CLIENTS: Final = (1, 8, 64)
#: Held-out sets of questions on which both sides are judged.
JUDGED: Final = ("single", "not_in_handout")
#: Messages that a long conversation already has.
EARLIER: Final = 10_000


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        first: messages timed as the first of a conversation.
        later: messages timed around each of `TURNS`.
        rounds: of each number of clients.
        starts: times that each side is started.
        checks: eligibility checks.
        commits: durable commits, for the floor.
        stored: conversations in the database of the one who has many.
        visits: of a page that embeds the chat.
    """

    first: int = 100
    later: int = 40
    rounds: int = 5
    starts: int = 2
    checks: int = 60
    commits: int = 200
    stored: int = 1_000_000
    visits: int = 5


QUICK: Final = Plan(first=24, later=16, rounds=2, starts=1, checks=20, commits=60, visits=2)


def measure_start(folder: Path, project: StockProject, plan: Plan) -> Raw:
    """Seconds from nothing to the first answer, each side alone on the machine, and what it then holds."""
    found: Raw = {side: {"start": [], "memory": []} for side in SIDES}
    for number in range(plan.starts):
        for side in (Stock(folder / f"stock-{number}", project), Ours(folder / f"ours-{number}")):
            name = "stock" if isinstance(side, Stock) else "ours"
            # the other commands are those of `make run`: the database is made in the time that is measured
            programs = side.programs()
            with programs:
                found[name]["start"].append(programs.wait_for(side.answers))
                asyncio.run(_talk(side, 60))
                found[name]["memory"].append(programs.memory())
            say(f"start: {name} {found[name]['start'][-1]:.1f} s")
    return found


@contextmanager
def _answering(*sides: Side) -> Iterator[None]:
    """Sides that run beside each other, all of which answer when the block begins."""
    with ExitStack() as stack:
        # all are started before any is waited for
        for side, programs in [(side, stack.enter_context(side.programs())) for side in sides]:
            programs.wait_for(side.answers)
        yield


def measure_messages(folder: Path, project: StockProject, plan: Plan, messages: Messages) -> Raw:
    """Latency, throughput, checks and floors, both sides running beside each other."""
    ours, stock = Ours(folder / "ours"), Stock(folder / "stock", project)
    with _answering(stock, ours):
        return asyncio.run(_messages(ours, stock, plan, messages, folder))


def measure_answers(folder: Path, project: StockProject) -> Raw:
    """What each side gets right of the held-out questions: 1 or 0 for each, by set and side."""
    ours, stock = Ours(folder / "answers-ours"), Stock(folder / "answers-stock", project)
    with _answering(stock, ours):
        return asyncio.run(_answers({"ours": ours, "stock": stock}))


async def _answers(sides: Dict[str, Side]) -> Raw:
    found: Raw = {name: {side: [] for side in sides} for name in JUDGED}
    async with _http() as http:
        for row in load_rows(FOLDER):
            if row.set not in JUDGED:
                continue
            for name, side in sides.items():
                replies = [Reply.of(one) for one in await side.ask(http, await side.open(http), row.turns[0]) if one]
                found[row.set][name].append(int(judge(row, replies).outcome == "correct"))
    say("the held-out questions are judged")
    return found


def measure_growth(folder: Path, plan: Plan, messages: Messages) -> Raw:
    """The same messages to an assistant with an empty database and to one with a million conversations.

    In the full one also to a conversation with many earlier messages.
    """
    empty, full = Ours(folder / "empty"), Ours(folder / "full")
    with _answering(empty, full):
        return asyncio.run(_growth(empty, full, plan, messages))


async def _growth(empty: Ours, full: Ours, plan: Plan, messages: Messages) -> Raw:
    sides: Dict[str, Side] = {"empty": empty, "full": full}
    async with _http() as http:
        long = await full.open(http)
        await full.say(http, long, messages.take(1)[0])
        database = Database(full.database)
        growing.lengthen(database, growing.newest(database), EARLIER)
        growing.fill(database, plan.stored, say)
        database.engine.dispose()
        await _alternating(http, sides, messages.take(WARM_UP))
        found = await _alternating(http, sides, messages.take(plan.first))
        found["long"] = []
        found["unanswered"]["long"] = 0
        for text in messages.take(plan.first):
            await _one(http, full, long, text, "long", found)
    return found


def measure_page(folder: Path, plan: Plan) -> Raw:
    """What the chat costs a page that embeds it, by figure."""
    side = Ours(folder / "page")
    with _answering(side):
        return {name: list(samples) for name, samples in page.measure(side.url, plan.visits).items()}


async def _messages(ours: Ours, stock: Stock, plan: Plan, messages: Messages, folder: Path) -> Raw:
    sides: Dict[str, Side] = {"stock": stock, "ours": ours}
    found: Raw = {}
    async with _http() as http:
        await _alternating(http, sides, messages.take(WARM_UP))
        with Floor(folder) as floor:
            found["turn_1"] = await _alternating(http, sides, messages.take(plan.first), floor.sample)
            found["floor"] = floor.taken()
            say("messages at turn 1 are done")
            for text in messages.take(plan.commits):
                floor.sample(text)
            found["floor_alone"] = floor.taken()
        found["checks"] = await _checks(http, ours, messages.take(plan.checks))
        found.update(await _long_conversation(http, ours, stock, plan, messages))
        texts = messages.take(len(messages))
        for clients in CLIENTS:
            share = clients * 2 if clients > 1 else 10
            found[f"clients_{clients}"] = await _rounds(http, sides, clients, share, plan.rounds, texts)
            say(f"{clients} clients are done")
    return found


async def _alternating(
    http: aiohttp.ClientSession,
    sides: Dict[str, Side],
    texts: Sequence[str],
    beside: Callable[[str], None] = lambda text: None,
) -> Raw:
    """Each text as the first of a conversation on every side; `beside` gets its turn with each text too."""
    found = _nothing(sides)
    for text in texts:
        for name, side in sides.items():
            await _one(http, side, await side.open(http), text, name, found)
        beside(text)
    return found


def _nothing(sides: Iterable[str]) -> Raw:
    """No samples yet of any side, and no message without an answer."""
    return {name: [] for name in sides} | {"unanswered": dict.fromkeys(sides, 0)}


async def _one(http: aiohttp.ClientSession, side: Side, conversation: Any, text: str, name: str, found: Raw) -> None:
    started = time.perf_counter()
    answered = await side.say(http, conversation, text)
    found[name].append(time.perf_counter() - started)
    found["unanswered"][name] += not answered


async def _long_conversation(
    http: aiohttp.ClientSession, ours: Ours, stock: Stock, plan: Plan, messages: Messages
) -> Raw:
    """One conversation on each side; the messages around each of `TURNS` are timed, at the first with their stages."""
    sides: Dict[str, Side] = {"stock": stock, "ours": ours}
    timed_texts = {turn: messages.take(plan.later) for turn in TURNS}
    # what stands between may be said again: no later message is like it
    between = messages.take(40)
    conversations = {name: await side.open(http) for name, side in sides.items()}
    found: Raw = {}
    said = 0
    for turn, texts in timed_texts.items():
        while said < turn - len(texts) // 2:
            ignored = _nothing(sides)
            for name, side in sides.items():
                await _one(http, side, conversations[name], between[said % len(between)], name, ignored)
            said += 1
        now = _nothing(sides)
        before = await ours.stages(http)
        for text in texts:
            for name, side in sides.items():
                await _one(http, side, conversations[name], text, name, now)
            said += 1
        if turn == TURNS[0]:
            after = await ours.stages(http)
            found["stages"] = {name: (after[name] - before.get(name, 0.0)) / len(texts) for name in after}
        found[f"turn_{turn}"] = now
        say(f"messages at turn {turn} are done")
    return found


async def _rounds(
    http: aiohttp.ClientSession, sides: Dict[str, Side], clients: int, share: int, rounds: int, texts: Sequence[str]
) -> Raw:
    """Messages a second, a round at a time on each side; every client waits for its reply before it goes on."""
    found = _nothing(sides)
    for number in range(rounds):
        for name, side in sides.items():
            conversations = [await side.open(http) for _ in range(clients)]
            offset = number * share
            mine = [texts[(offset + place) % len(texts)] for place in range(share)]
            waiting = iter(mine)

            async def client(conversation: Any, side: Side = side, waiting: Any = waiting, name: str = name) -> None:
                for text in waiting:
                    found["unanswered"][name] += not await side.say(http, conversation, text)

            started = time.perf_counter()
            await asyncio.gather(*(client(conversation) for conversation in conversations))
            found[name].append(share / (time.perf_counter() - started))
    return found


async def _checks(http: aiohttp.ClientSession, ours: Ours, texts: Sequence[str]) -> List[float]:
    """Seconds of a whole check: every question answered, and free words to be read."""
    answers = dict.fromkeys(LINK_IDS[:-1], "no")
    taken = []
    for text in texts:
        started = time.perf_counter()
        body = {"consent": True, "answers": answers, "text": text}
        async with http.post(f"{ours.url}/eligibility/checks", json=body) as response:
            if response.status != 201:
                raise BenchError(
                    f"An eligibility check was answered with {response.status}; see {ours.folder}/log.txt."
                )
            await response.read()
        taken.append(time.perf_counter() - started)
    return taken


class Floor:
    """One encoding and one durable commit: less a message cannot cost."""

    def __init__(self, folder: Path) -> None:
        self._encoder = Encoder.load()
        self._encoder.encode(["a first one pays for the loading"])
        self._connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS rows (text TEXT)")
        self._samples = _no_floor()

    def sample(self, text: str) -> None:
        """Take the seconds of both once."""
        started = time.perf_counter()
        self._encoder.encode([text])
        encoded = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO rows VALUES (?)", ("x" * 500,))
        self._connection.execute("COMMIT")
        self._samples["encoding"].append(encoded - started)
        self._samples["commit"].append(time.perf_counter() - encoded)

    def taken(self) -> Dict[str, List[float]]:
        """The samples since the last time it was asked."""
        taken, self._samples = self._samples, _no_floor()
        return taken

    def __enter__(self) -> Floor:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _no_floor() -> Dict[str, List[float]]:
    return {"encoding": [], "commit": []}


async def _talk(side: Side, number: int) -> None:
    async with _http() as http:
        conversation = await side.open(http)
        for turn in range(number):
            await side.say(http, conversation, f"can I go swimming on day {turn}?")


def _http() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=120), trust_env=False
    )


def measure_training(project: StockProject, folder: Path) -> Raw:
    """What training costs on each side; stock Rasa's is kept with its model, for it takes long."""
    stock = project.trained()
    folder.mkdir(parents=True, exist_ok=True)
    ours = timed([sys.executable, "-W", "ignore", "-m", "bot", "train", "--force"], ROOT, folder / LOG, {})
    return {
        "ours": {"seconds": ours.seconds, "cpu_seconds": ours.cpu_seconds},
        "stock": {"seconds": stock.seconds, "cpu_seconds": stock.cpu_seconds} if stock else None,
    }


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)
