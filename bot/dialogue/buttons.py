"""The buttons, each with the payload that it sends back.

A payload is an intent of the domain with entities, so that a button and words
that mean the same take the same way. At most 64 bytes: Telegram's limit.
"""

from __future__ import annotations

import json

from bot.dialogue.message import Button
from bot.handout import Handout


def payload(intent: str, **entities: str) -> str:
    """Rasa's notation of an intent with entities."""
    return f"/{intent}" + (json.dumps(entities, separators=(",", ":")) if entities else "")


def about_passage(handout: Handout, passage: str) -> Button:
    """Asks about a passage."""
    return Button(handout.passage(passage).question, payload("handout", passage=passage))


def start_screen(handout: Handout) -> Button:
    """Starts the health screen."""
    return Button(handout.say("button.start_screen"), payload("start_screen"))


def person(handout: Handout) -> Button:
    """Asks for the therapist."""
    return Button(handout.say("button.person"), payload("human"))


def pass_on(handout: Handout) -> Button:
    """Passes the last question on to the therapist."""
    return Button(handout.say("button.pass_on"), payload("human", about="question"))


def no_thanks(handout: Handout) -> Button:
    """Declines what was offered."""
    return Button(handout.say("button.no_thanks"), payload("deny", about="question"))


def copy(handout: Handout) -> Button:
    """Asks for a copy of what is kept."""
    return Button(handout.say("button.copy"), payload("my_data", about="export"))


def delete(handout: Handout) -> Button:
    """Asks to have it deleted; it is confirmed before anything goes."""
    return Button(handout.say("button.delete"), payload("my_data", about="delete"))


def delete_now(handout: Handout) -> Button:
    """Confirms that everything is to go."""
    return Button(handout.say("button.delete_now"), payload("my_data", about="delete_now"))


def keep(handout: Handout) -> Button:
    """Takes the wish to delete back."""
    return Button(handout.say("button.keep"), payload("my_data", about="keep"))


def something_else(handout: Handout) -> Button:
    """None of the readings that were offered."""
    return Button(handout.say("button.something_else"), payload("nlu_fallback"))
