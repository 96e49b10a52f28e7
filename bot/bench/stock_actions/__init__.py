"""The product's actions as stock Rasa would run them: `rasa run actions --actions bot.bench.stock_actions`.

The default pipeline reads one intent a message and leaves its key to the ResponseSelector. This gives that
key to the same actions as the one part of the message.
"""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

import actions.skills  # noqa: F401  (registered by being imported)
from actions.skill import Skill

_run = Skill.run


async def run(
    self: Skill, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
) -> List[Dict[str, Any]]:
    """Reply to the latest message, with the key that the ResponseSelector chose."""
    message = tracker.latest_message
    intent = message.get("intent") or {}
    chosen = ((message.get("response_selector") or {}).get("default") or {}).get("response") or {}
    key = str(chosen.get("intent_response_key") or "")
    name = str(intent.get("name") or "nlu_fallback")
    message["parts"] = [
        {
            "text": str(message.get("text") or ""),
            "intent": name,
            "response_key": key if key.startswith(f"{name}/") else name,
            "confidence": 1.0,
            "ranking": [],
        }
    ]
    return await _run(self, dispatcher, tracker, domain)


Skill.run = run  # type: ignore[method-assign]
