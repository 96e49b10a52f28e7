"""What was asked and not answered, grouped by meaning, so that the therapist can extend the handout.

Sentence vectors and average-linkage clustering: two groups become one while
their questions are close on average. It must not know where questions come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from bot.store.models import StoredMessage

UNANSWERED = ("not_in_handout", "fallback")
# the newest so many messages: their vectors take about a second the first time
MOST = 300
# mean cosine distance below which two groups are one; see docs/desk.md
CLOSE = 0.7

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class QuestionGroup:
    """Questions that mean about the same; `typical` is nearest to all of them, the others follow."""

    typical: str
    asked: int
    others: tuple[str, ...]


def unanswered(session: Session, since: datetime) -> list[str]:
    """What clients wrote that the handout did not answer, the newest first; buttons left out."""
    reply, asked = aliased(StoredMessage), aliased(StoredMessage)
    return list(
        session.scalars(
            select(asked.text)
            .join(reply, reply.reply_to == asked.seq)
            .where(
                reply.at >= since,
                reply.sender == "assistant",
                reply.kind.in_(UNANSWERED),
                asked.pressed.is_(False),
            )
            .order_by(reply.at.desc())
            .limit(MOST)
        )
    )


def grouped(texts: Sequence[str], encode: Encode) -> list[QuestionGroup]:
    """Group texts by meaning, the most asked first.

    Args:
        encode: one unit vector a text, in their order.
    """
    times = Counter(" ".join(text.split()) for text in texts)
    distinct = list(times)
    if not distinct:
        return []
    vectors = encode(distinct)
    members: dict[int, list[int]] = {}
    for place, group in enumerate(_clusters(vectors)):
        members.setdefault(group, []).append(place)
    groups = []
    for places in members.values():
        own = vectors[places]
        # the one whose questions are nearest on average
        order = [places[place] for place in np.argsort(-(own @ own.mean(axis=0)), kind="stable")]
        groups.append(
            QuestionGroup(
                typical=distinct[order[0]],
                asked=sum(times[distinct[place]] for place in places),
                others=tuple(distinct[place] for place in order[1:]),
            )
        )
    return sorted(groups, key=lambda group: -group.asked)


def _clusters(vectors: NDArray[np.float32]) -> list[int]:
    if len(vectors) == 1:
        return [0]
    clustering = AgglomerativeClustering(
        n_clusters=None, distance_threshold=CLOSE, affinity="cosine", linkage="average"
    )
    return [int(group) for group in clustering.fit_predict(vectors)]
