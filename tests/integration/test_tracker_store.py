"""Rasa's tracker in our database, on real SQLite: bounded, and true to what matters."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa.core.actions.action import ActionSessionStart
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.store.database import Database
from bot.store.tracker_store import (
    TURNS_KEPT,
    BoundedTrackerStore,
    begin_tracker,
    bounded,
    deferred_saves,
    write_trackers,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.load(str(ROOT / "domain.yml"))


@pytest.fixture
def store(tmp_path: Path, domain: Domain) -> BoundedTrackerStore:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.migrate()
    return BoundedTrackerStore(domain, database=database)


def take_turn(tracker: DialogueStateTracker, number: int) -> None:
    tracker.update(UserUttered(f"message {number}", intent={"name": "handout"}))
    tracker.update(ActionExecuted("action_answer"))
    tracker.update(BotUttered(f"answer {number}"))
    tracker.update(SlotSet("memory", {"passages": [f"passage {number}"]}))
    tracker.update(ActionExecuted(ACTION_LISTEN_NAME))


async def test_a_new_conversation_has_no_tracker(store: BoundedTrackerStore) -> None:
    assert await store.retrieve("nobody") is None


async def test_a_tracker_that_begins_with_its_conversation_is_one_that_rasa_would_have_begun(
    store: BoundedTrackerStore, domain: Domain
) -> None:
    by_rasa = await store.get_or_create_tracker("rasa", append_action_listen=False)
    begin = ActionSessionStart()
    events = await begin.run(CollectingOutputChannel(), TemplatedNaturalLanguageGenerator({}), by_rasa, domain)
    for event in (ActionExecuted(begin.name()), *events):
        by_rasa.update(event, domain)
    with store._database.transaction() as session:
        begin_tracker(session, "c")
    begun = await store.retrieve("c")
    assert begun is not None
    assert list(begun.events) == list(by_rasa.events)
    assert begun.latest_action_name == by_rasa.latest_action_name == ACTION_LISTEN_NAME


async def test_a_conversation_of_400_turns_is_as_small_as_one_of_ten(store: BoundedTrackerStore) -> None:
    tracker = await store.get_or_create_tracker("c")
    sizes = {}
    for number in range(1, 401):
        take_turn(tracker, number)
        await store.save(tracker)
        tracker = await store.retrieve("c")
        sizes[number] = len(bounded(tracker))
    assert sizes[400] == sizes[10]
    assert len(list(tracker.events)) < 10 * TURNS_KEPT


async def test_slots_and_the_last_turn_survive_the_bound(store: BoundedTrackerStore) -> None:
    tracker = await store.get_or_create_tracker("c")
    for number in range(1, 51):
        take_turn(tracker, number)
    await store.save(tracker)
    found = await store.retrieve("c")
    assert found is not None
    assert found.get_slot("memory") == {"passages": ["passage 50"]}
    assert found.latest_message is not None
    assert found.latest_message.text == "message 50"
    assert found.latest_action_name == ACTION_LISTEN_NAME


async def test_a_deferred_save_is_seen_in_its_turn_and_written_with_the_replies(store: BoundedTrackerStore) -> None:
    with deferred_saves({}) as states:
        tracker = await store.get_or_create_tracker("c")
        take_turn(tracker, 1)
        await store.save(tracker)
        assert await store.retrieve("c") is not None
    assert await store.retrieve("c") is None, "a turn that failed leaves no tracker behind"
    with store._database.transaction() as session:
        write_trackers(session, states)
    assert await store.retrieve("c") is not None
