"""Grouping open questions, with vectors that are made for it."""

from __future__ import annotations

from datetime import datetime
from typing import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.desk.questions import QuestionGroup, grouped, unanswered
from bot.store.database import Database
from bot.store.models import Conversation, StoredMessage

AT = datetime(2026, 11, 23, 12, 0)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """What is about money points one way, what is about parking another."""
    rows = [(1.0, 0.1 * len(text) / 100) if "cost" in text or "price" in text else (0.0, 1.0) for text in texts]
    vectors = np.asarray(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_questions_of_one_meaning_are_one_group_the_most_asked_first() -> None:
    asked = ["what does it cost", "where do I park", "the price?", "what does  it cost"]
    first, second = grouped(asked, encode)
    assert first.asked == 3
    assert {first.typical, *first.others} == {"what does it cost", "the price?"}
    assert second == QuestionGroup("where do I park", 1, ())


@pytest.mark.parametrize(("asked", "groups"), [([], 0), (["the price?"], 1)])
def test_none_and_one_are_groups_too(asked: Sequence[str], groups: int) -> None:
    assert len(grouped(asked, encode)) == groups


def test_only_what_was_not_answered_counts_and_no_button(database: Database) -> None:
    with database.transaction() as session:
        session.add(Conversation(id="c", channel="chat"))
        session.flush()
        turns = [
            ("what does it cost", "not_in_handout", False),
            ("does it hurt", "answer", False),
            ("blah", "fallback", False),
            ("Something else", "fallback", True),
        ]
        for number, (text, kind, pressed) in enumerate(turns):
            for sender, said, of in (("client", text, "notice"), ("assistant", "reply", kind)):
                session.add(
                    StoredMessage(
                        seq=2 * number + (1 if sender == "client" else 2),
                        id=f"{sender}{number}",
                        conversation_id="c",
                        sender=sender,
                        at=AT,
                        text=said,
                        kind=of,
                        sources=[],
                        buttons=[],
                        pressed=pressed and sender == "client",
                        reply_to=2 * number + 1 if sender == "assistant" else None,
                    )
                )
    with database.reading() as session:
        assert sorted(unanswered(session, AT)) == ["blah", "what does it cost"]
        assert unanswered(session, datetime(2027, 1, 1)) == []
