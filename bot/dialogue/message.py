"""A message as every channel shows it (contract: `Message`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

KINDS = (
    "answer",
    "not_in_handout",
    "condition",
    "question",
    "decision",
    "escalation",
    "emergency",
    "clarify",
    "smalltalk",
    "out_of_scope",
    "fallback",
    "notice",
)


@dataclass(frozen=True)
class Button:
    """A choice: what the client reads, and what comes back when it is taken."""

    title: str
    payload: str


@dataclass(frozen=True)
class Message:
    """One message of the assistant.

    Attributes:
        kind: one of `KINDS`.
        sources: ids of the passages that the text is grounded in.
        decision: the contract's Decision, when the message tells one.
        case: a case label such as `C-1042`, when the message is about one.
    """

    text: str
    kind: str
    sources: Tuple[str, ...] = ()
    buttons: Tuple[Button, ...] = ()
    decision: Optional[Mapping[str, Any]] = None
    case: Optional[str] = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of message '{self.kind}'; known: {', '.join(KINDS)}")

    def as_dict(self) -> Dict[str, Any]:
        """Plain values, as they travel from the action to the channel."""
        return {
            "text": self.text,
            "kind": self.kind,
            "sources": list(self.sources),
            "buttons": [{"title": b.title, "payload": b.payload} for b in self.buttons],
            "decision": dict(self.decision) if self.decision is not None else None,
            "case": self.case,
        }


@dataclass
class Part:
    """One part of a client's message, as the NLU read it.

    Attributes:
        intent: the intent's group, `handout` for instance.
        key: the full key, `handout/bruising` for instance.
        confidence: calibrated, 0 to 1.
        ranking: the nearest keys with their confidence, best first.
    """

    text: str
    intent: str
    key: str
    confidence: float = 1.0
    ranking: List[Tuple[str, float]] = field(default_factory=list)

    @property
    def topic(self) -> str:
        """What follows the slash of the key, empty where there is none."""
        return self.key.partition("/")[2]
