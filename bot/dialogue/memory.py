"""What the assistant remembers from one turn to the next, in one Rasa slot."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, List, Mapping, Optional

KEPT_PASSAGES = 3


@dataclass
class Memory:
    """Short-term memory of a conversation.

    Attributes:
        passages: ids last talked about, newest first.
        silent: the topic that the handout was last said to be silent on, while nothing else was talked about since.
        offered: what a bare "yes" would accept: `pass_on`, `screen`, `delete` or nothing.
        question: the client's words that `pass_on` would pass on.
        failures: messages in a row that were not understood.
    """

    passages: List[str] = field(default_factory=list)
    silent: Optional[str] = None
    offered: Optional[str] = None
    question: str = ""
    failures: int = 0

    @classmethod
    def from_slot(cls, value: Optional[Mapping[str, Any]]) -> Memory:
        """Rebuild from a slot; what an older version kept and this one does not is dropped."""
        known = {name: value[name] for name in cls.__dataclass_fields__ if value and name in value}
        return cls(**known)

    def to_slot(self) -> Mapping[str, Any]:
        """Plain values for the slot."""
        return asdict(self)

    def talked_about(self, passages: List[str]) -> None:
        """Put passages in front, once each."""
        self.silent = None
        kept = [passage for passage in self.passages if passage not in passages]
        self.passages = [*reversed(passages), *kept][:KEPT_PASSAGES]
