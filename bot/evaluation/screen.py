"""The health screen under evaluation: a text in, the outcome out.

`Screen` is all that the evaluation knows. `ChatScreen` goes through the screen in chat: yes to storing, no to every
listed condition by button, and the text as the answer to the last question, so that the truth is in the text alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.evaluation.chat import Assistant, Conversation
from bot.evaluation.errors import NoReplyError
from bot.handout import Handout
from bot.screening import LINK_IDS, Rulebook

#: Text to outcome (contract: Decision). Raises NoReplyError if the screen comes to no decision.
Screen = Callable[[str], str]

#: The questions with a yes and a no; the last of the questionnaire asks for free words.
_LISTED: Final = len(LINK_IDS) - 1
#: Questions after the text, at most: two follow-ups of every listed condition, and the same question again.
_FURTHER: Final = 2 * _LISTED + 1


class ChatScreen:
    """The screen as a client in chat goes through it."""

    def __init__(self, assistant: Assistant, handout: Handout, rulebook: Rulebook) -> None:
        self._assistant = assistant
        self._start = handout.say("button.start_screen")
        self._consent = rulebook.interview["consent_yes"]
        self._no = rulebook.interview["option_no"]
        follow_ups = (follow_up for item in rulebook.items for follow_up in item.follow_ups)
        unsure = (follow_up.option("unsure") for follow_up in follow_ups)
        self._unsure = {rulebook.interview["option_unsure"], *(option.title for option in unsure if option)}

    def __call__(self, text: str) -> str:
        """The outcome for a client who answers no to everything and then writes `text`.

        A follow-up is answered "not sure": nobody knows more than the text says. Where the same question is put again
        instead, because the text was not taken as its answer, the client has nothing to add and says no.

        Raises:
            NoReplyError: a button is missing, or there is no decision in the end.
        """
        conversation = self._assistant.open()
        conversation.press(self._start)
        conversation.press(self._consent)
        for _ in range(_LISTED):
            conversation.press(self._no)
            if outcome(conversation) is not None:
                raise NoReplyError("the screen decided before it asked for free words")
        asked = _questions(conversation)
        conversation.say(text)
        for _ in range(_FURTHER):
            decided = outcome(conversation)
            if decided is not None:
                return decided
            again = bool(asked & _questions(conversation))
            conversation.press(self._no if again else self._unsure_of(conversation))
        raise NoReplyError(f"the screen still asks after {_FURTHER} further questions")

    def _unsure_of(self, conversation: Conversation) -> str:
        return next((title for title in self._unsure if title.casefold() in conversation.offered), self._no)


def _questions(conversation: Conversation) -> set[str]:
    return {reply.text for reply in conversation.last if reply.kind == "question"}


def outcome(conversation: Conversation) -> str | None:
    """What the last replies decide; an alarm is `urgent` with or without a decision beside it."""
    if any(reply.kind == "emergency" for reply in conversation.last):
        return "urgent"
    decided = [reply.outcome for reply in conversation.last if reply.outcome not in (None, "incomplete")]
    return decided[-1] if decided else None
