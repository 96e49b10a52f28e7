"""Bringing in the therapist: cases, their states, what is sent out, when an answer can be expected.

A case is written in the transaction of whatever caused it, before the client
is told. This package must not know channels, texts or how a decision is made.
"""

from bot.escalation.cases import (
    REASONS,
    THERAPISTS,
    CaseError,
    add_reason,
    client_wrote,
    in_therapists_hands,
    list_cases,
    open_case_of,
)
from bot.escalation.hours import expected_answer, waiting_since

__all__ = [
    "REASONS",
    "THERAPISTS",
    "CaseError",
    "add_reason",
    "client_wrote",
    "expected_answer",
    "in_therapists_hands",
    "list_cases",
    "open_case_of",
    "waiting_since",
]
