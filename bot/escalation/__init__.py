"""Bringing in the therapist: cases, their reasons, and when an answer can be expected.

A case is written in the transaction of whatever caused it, before the client
is told. This package must not know channels, texts or how a decision is made.
"""

from bot.escalation.cases import REASONS, add_reason, list_cases, open_case_of
from bot.escalation.hours import expected_answer

__all__ = ["REASONS", "add_reason", "expected_answer", "list_cases", "open_case_of"]
