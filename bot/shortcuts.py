"""What Rasa works out anew at every message, worked out once.

Each shortcut gives what Rasa's own code gives (tests compare them); what each saves is in
docs/decisions/0007-time-of-a-message.md. This module must not know messages, actions or texts.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Dict, Final, Optional, Type

import rasa.core.policies.rule_policy
import rasa.core.processor
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event

_resolve: Final = Event.resolve_by_type
_is_empty: Final = Domain.is_empty


def take_shortcuts() -> None:
    """Let Rasa's processor, domain and events use them."""
    # walks through all classes of events, for each event that is read
    Event.resolve_by_type = staticmethod(lru_cache(maxsize=None)(_by_type))
    # builds an empty domain to compare with, at every message
    Domain.is_empty = _known_emptiness
    # copies what only a debug line shows, whether there is one or not
    for module in (rasa.core.processor, rasa.core.policies.rule_policy):
        module.copy = SimpleNamespace(deepcopy=lambda value: value)


def trust_own_actions() -> None:
    """Take what actions of this process return as it is.

    Rasa SDK has looked at it already, and what is not an event is still refused where it is read.
    """

    def trusted(_action: RemoteAction, _result: Dict[str, Any]) -> bool:
        return True

    RemoteAction._validate_action_result = trusted


def _by_type(type_name: str, default: Optional[Type[Event]] = None) -> Optional[Type[Event]]:
    return _resolve(type_name, default)


def _known_emptiness(domain: Domain) -> bool:
    # kept with the domain: its hash costs as much as the question
    found = domain.__dict__.get("known_emptiness")
    if found is None:
        found = domain.__dict__["known_emptiness"] = _is_empty(domain)
    return bool(found)
