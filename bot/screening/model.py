"""The words in which a screen is told: findings, statuses, outcomes, decisions.

Plain values, no behaviour beyond copying to dictionaries; knows neither rules nor text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

Status = Literal["present", "unsure", "absent", "past", "other_person", "hypothetical"]
Origin = Literal["answer", "text", "follow_up"]
Outcome = Literal["eligible", "modified", "review", "not_eligible", "urgent", "incomplete"]
Listing = Literal["contraindication", "modified", "other", "irrelevant", "urgent"]
Value = Literal["yes", "no", "unsure"]

STATUSES: tuple[Status, ...] = (
    "present",
    "unsure",
    "absent",
    "past",
    "other_person",
    "hypothetical",
)
LISTINGS: tuple[Listing, ...] = ("contraindication", "modified", "other", "irrelevant", "urgent")
VALUES: tuple[Value, ...] = ("yes", "no", "unsure")

SEVERITY: tuple[Outcome, ...] = ("eligible", "modified", "review", "not_eligible", "urgent")
"""Outcomes from best to worst; ``incomplete`` is outside the order (policy.md section 3)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was said about one condition.

    ``condition`` is a linkId of the questionnaire or the id of an unlisted condition.
    ``evidence`` is the client's own words (or the value of the answer).
    ``settled`` marks something that is over for long enough to change nothing.
    ``source`` is a passage id or a practice rule, ``rule`` the vocabulary group or rule id.
    """

    condition: str
    status: Status
    origin: Origin
    evidence: str
    source: str
    listing: Listing
    settled: bool = False
    rule: str = ""

    @property
    def counts(self) -> bool:
        """Whether the finding can change an outcome."""
        if self.listing == "irrelevant" or self.settled:
            return False
        return self.status in ("present", "unsure", "past")

    def to_dict(self) -> dict[str, Any]:
        """All fields, for storage; ``from_dict`` reads them back."""
        return {
            "condition": self.condition,
            "status": self.status,
            "origin": self.origin,
            "evidence": self.evidence,
            "source": self.source,
            "listing": self.listing,
            "settled": self.settled,
            "rule": self.rule,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """Read what ``to_dict`` wrote; raises KeyError for a missing field."""
        return cls(
            condition=str(data["condition"]),
            status=cast(Status, data["status"]),
            origin=cast(Origin, data["origin"]),
            evidence=str(data["evidence"]),
            source=str(data["source"]),
            listing=cast(Listing, data["listing"]),
            settled=bool(data.get("settled", False)),
            rule=str(data.get("rule", "")),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of a screen, with everything that led to it.

    ``notes`` are for the therapist. ``valid_until`` is None while the screen is incomplete
    and for ``urgent``: neither may be relied on later.
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    unanswered: tuple[str, ...]
    rules_fired: tuple[str, ...]
    rules_version: str
    decided_at: datetime
    valid_until: datetime | None
    message: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; times are RFC 3339."""
        return {
            "outcome": self.outcome,
            "findings": [finding.to_dict() for finding in self.findings],
            "unanswered": list(self.unanswered),
            "rules_fired": list(self.rules_fired),
            "rules_version": self.rules_version,
            "decided_at": self.decided_at.isoformat(),
            "valid_until": None if self.valid_until is None else self.valid_until.isoformat(),
            "message": self.message,
            "notes": list(self.notes),
        }
