"""Shortcuts through Rasa give what the long way gives."""

from __future__ import annotations

from typing import Iterator

import pytest
import rasa.core.policies.rule_policy
import rasa.core.processor
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.utils.common import all_subclasses

from bot.settings import ROOT
from bot.shortcuts import take_shortcuts


@pytest.fixture
def short() -> Iterator[None]:
    kept = (Event.resolve_by_type, Domain.is_empty, rasa.core.processor.copy, rasa.core.policies.rule_policy.copy)
    take_shortcuts()
    yield
    Event.resolve_by_type = staticmethod(kept[0])  # type: ignore[method-assign]
    Domain.is_empty = kept[1]  # type: ignore[method-assign]
    rasa.core.processor.copy, rasa.core.policies.rule_policy.copy = kept[2:]


@pytest.mark.usefixtures("short")
def test_every_type_of_event_is_found_as_rasa_finds_it() -> None:
    for kind in all_subclasses(Event):
        found = next(one for one in all_subclasses(Event) if one.type_name == kind.type_name)
        assert Event.resolve_by_type(kind.type_name) is found
    assert Event.resolve_by_type("nothing", default=Event) is Event
    with pytest.raises(ValueError, match="Unknown event"):
        Event.resolve_by_type("nothing")


@pytest.mark.usefixtures("short")
def test_an_empty_domain_is_still_told_from_one_that_is_not() -> None:
    empty, ours = Domain.empty(), Domain.load(str(ROOT / "domain.yml"))
    assert [empty.is_empty(), ours.is_empty(), empty.is_empty(), ours.is_empty()] == [True, False, True, False]


@pytest.mark.usefixtures("short")
def test_what_only_a_debug_line_shows_is_not_copied() -> None:
    events = [object()]
    assert rasa.core.processor.copy.deepcopy(events) is events
