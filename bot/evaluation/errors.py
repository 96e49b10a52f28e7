"""The errors of this package; each message says what is wrong, where, and what to do."""

from __future__ import annotations


class EvaluationError(Exception):
    """The evaluation cannot be run: a set, a floor or the assistant itself is not usable."""


class NoReplyError(Exception):
    """One row got no usable reply; it is counted, and the evaluation goes on."""
