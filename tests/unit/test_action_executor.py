"""Actions that the Rasa server runs itself."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Dict, Iterator, List

import pytest
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa_sdk.interfaces import ActionNotFoundException

from actions import skill
from bot.action_executor import ActionsHere
from bot.dialogue.assistant import Heard, Reply
from bot.dialogue.memory import Memory
from bot.dialogue.message import Message
from bot.settings import ROOT
from bot.shortcuts import trust_own_actions


class Echo:
    """Stands for the assistant: repeats what it heard, and tells in which thread."""

    def __init__(self) -> None:
        self.threads: List[str] = []

    def reply(self, heard: Heard, conversation_id: str, memory: Memory) -> Reply:
        self.threads.append(threading.current_thread().name)
        if heard.text == "fail":
            raise RuntimeError("words of a client")
        return Reply([Message(f"{conversation_id}: {heard.text}", "answer")], Memory(passages=["pain"]))


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Echo]:
    made = Echo()
    monkeypatch.setattr(skill, "assistant", lambda: made)
    stock = RemoteAction._validate_action_result
    trust_own_actions()
    yield made
    RemoteAction._validate_action_result = stock  # type: ignore[method-assign]


async def run(name: str, text: str) -> List[Any]:
    """What Rasa makes of an action's result."""
    domain = Domain.load(str(ROOT / "domain.yml"))
    tracker = DialogueStateTracker.from_events("c", [UserUttered(text, {"name": "smalltalk"})], domain.slots)
    action = RemoteAction(name, ActionsHere(enable_selective_domain=True))
    return await action.run(CollectingOutputChannel(), TemplatedNaturalLanguageGenerator({}), tracker, domain)


async def test_an_action_of_the_project_replies_to_the_latest_message(echo: Echo) -> None:
    said, memory, *_ = await run("action_answer", "does it hurt?")
    assert said.data["custom"]["text"] == "c: does it hurt?"
    assert isinstance(memory, SlotSet)
    assert memory.value["passages"] == ["pain"]


async def test_an_action_leaves_the_event_loop_to_others(echo: Echo) -> None:
    await run("action_answer", "does it hurt?")
    assert echo.threads[0] != threading.main_thread().name
    assert asyncio.get_running_loop().is_running()


async def test_an_action_that_fails_says_so_without_the_clients_words(
    echo: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    (said,) = await run("action_answer", "fail")
    assert said.data["custom"] == {"failed": True}
    assert "RuntimeError" in caplog.text
    assert "words of a client" not in caplog.text


async def test_an_action_that_no_module_has_is_refused(echo: Echo) -> None:
    call: Dict[str, Any] = {"next_action": "action_none", "sender_id": "c", "tracker": {}}
    with pytest.raises(ActionNotFoundException):
        await ActionsHere().request(json=call)


async def test_the_actions_are_there_as_long_as_the_process_is() -> None:
    here = ActionsHere()
    assert await here.state() == "ok"
    await here.close()
