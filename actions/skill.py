"""What all actions share: the way from a tracker to the assistant and back."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.dialogue.assistant import Assistant, Heard, Reply, build_assistant
from bot.dialogue.failure import describe
from bot.dialogue.memory import Memory
from bot.settings import settings
from bot.threads import in_thread

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def assistant() -> Assistant:
    """The assistant of this process, built once."""
    return build_assistant(settings())


class Skill(Action, ABC):
    """An action that lets the assistant reply; subclasses say with which skill first."""

    @property
    @abstractmethod
    def skill(self) -> str:
        """The skill's word; abstract, so that the SDK does not register this class itself."""

    def name(self) -> str:
        """The name in the domain."""
        return f"action_{self.skill}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[Dict[str, Any]]:
        """Reply to the latest message."""
        try:
            reply = await in_thread(lambda: self._reply(tracker))
        except Exception as error:
            # the SDK would send the request, with the client's words, into the log
            logger.error("%s failed: %s", self.name(), describe(error))
            dispatcher.utter_message(json_message={"failed": True})
            return []
        for message in reply.messages:
            dispatcher.utter_message(json_message=message.as_dict())
        if reply.erase:
            dispatcher.utter_message(json_message={"erase": True})
        # one action a turn: named here, what comes next needs no prediction
        return [SlotSet("memory", reply.memory.to_slot()), FollowupAction("action_listen")]

    @staticmethod
    def _reply(tracker: Tracker) -> Reply:
        return assistant().reply(
            Heard.from_parse(tracker.latest_message),
            conversation_id=tracker.sender_id,
            memory=Memory.from_slot(tracker.get_slot("memory")),
        )
