"""Rasa's tracker store, bounded: what a turn reads and writes has a fixed size.

Stock Rasa re-reads a conversation from its first event at every turn. Here a
conversation is one row: the slots and the last turns. The transcript that
people read is kept elsewhere (`StoredMessage`) and never needed for a turn.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SerializedTrackerAsText, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SessionStarted, SlotSet, UserUttered, deserialise_events
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.settings import settings
from bot.store.database import Database, upsert
from bot.store.models import TrackerState, utcnow

TURNS_KEPT = 1

_pending: ContextVar[Optional[Dict[str, Optional[str]]]] = ContextVar("pending_trackers", default=None)


@contextmanager
def deferred_saves(known: Mapping[str, Optional[str]]) -> Iterator[Dict[str, Optional[str]]]:
    """Collect tracker saves instead of writing them.

    The caller writes them with `write_trackers` in the transaction that also
    holds the replies, so that tracker and transcript never disagree.

    Args:
        known: states that the caller has read already; None for a conversation that
            has none yet.
    """
    states = dict(known)
    token = _pending.set(states)
    try:
        yield states
    finally:
        _pending.reset(token)


def write_trackers(session: Session, states: Mapping[str, Optional[str]]) -> None:
    """Write collected states (conversation id to serialised state)."""
    now = utcnow()
    upsert(
        session,
        TrackerState,
        [
            {"conversation_id": conversation_id, "state": state, "updated_at": now}
            for conversation_id, state in states.items()
            if state is not None
        ],
    )


def begin_tracker(session: Session, conversation_id: str) -> None:
    """Write the tracker of a conversation in which the assistant listens, as Rasa would at the first message."""
    now = time.time()
    events = (
        ActionExecuted(ACTION_SESSION_START_NAME, timestamp=now),
        SessionStarted(timestamp=now),
        ActionExecuted(ACTION_LISTEN_NAME, timestamp=now),
    )
    write_trackers(session, {conversation_id: _serialised(events)})


class BoundedTrackerStore(TrackerStore, SerializedTrackerAsText):
    """Keeps the slots and the last `TURNS_KEPT` turns of each conversation."""

    def __init__(
        self,
        domain: Optional[Domain],
        event_broker: Optional[EventBroker] = None,
        database: Optional[Database] = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("host", None)  # Rasa passes the endpoint's url, which settings replace
        super().__init__(domain, event_broker, **kwargs)
        self._database = database or Database.shared(settings().database.get_secret_value())

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write the bounded state, or hand it to the turn that is running."""
        await self.stream_events(tracker)
        states = {tracker.sender_id: _serialised(bounded(tracker))}
        pending = _pending.get()
        if pending is not None:
            pending.update(states)
            return
        with self._database.transaction() as session:
            write_trackers(session, states)

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The conversation's tracker, or None for a new conversation."""
        pending = _pending.get() or {}
        state = pending.get(sender_id)
        if sender_id not in pending:
            with self._database.reading() as session:
                row = session.get(TrackerState, sender_id)
                state = row.state if row else None
        if state is None:
            return None
        tracker = self.init_tracker(sender_id)
        for event in deserialise_events(json.loads(state)):
            tracker.update(event)
        return tracker

    async def keys(self) -> Iterable[str]:
        """All conversation ids."""
        with self._database.reading() as session:
            return list(session.scalars(select(TrackerState.conversation_id)))


def bounded(tracker: DialogueStateTracker) -> List[Event]:
    """The events that rebuild slots and the last turns of `tracker`.

    Slots come first, so that a rule which looks at them sees the same values as
    before; the last turns follow, beginning where the assistant listened.
    """
    events: List[Event] = list(tracker.events)
    starts = [i for i, event in enumerate(events) if isinstance(event, UserUttered)]
    first = starts[-TURNS_KEPT] if len(starts) > TURNS_KEPT else 0
    # slot values as they are now; replaying the kept turns ends in the same values
    slots: List[Event] = [
        SlotSet(name, slot.value) for name, slot in tracker.slots.items() if slot.value != slot.initial_value
    ]
    if first == 0:
        return events
    kept = [ActionExecuted(ACTION_LISTEN_NAME), *events[first:]]
    return [*slots, *kept]


def _serialised(events: Iterable[Event]) -> str:
    return json.dumps([event.as_dict() for event in events], separators=(",", ":"))
