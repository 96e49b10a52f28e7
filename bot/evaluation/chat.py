"""The assistant as a client sees it: a conversation over HTTP (contract: Chat).

Knows the contract's paths and fields and nothing of the assistant's inside. Safe to share between threads; every
conversation is used by one thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from bot.evaluation.errors import EvaluationError, NoReplyError
from bot.screening import LINK_IDS

#: A reply that takes longer is none; far beyond any time budget of a message.
REPLY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A message of the assistant.

    Attributes:
        buttons: title to payload, in the order shown.
        outcome: the outcome of the decision that the message tells, if it tells one.
    """

    kind: str
    text: str
    sources: tuple[str, ...] = ()
    buttons: Mapping[str, str] = field(default_factory=dict)
    outcome: str | None = None
    case: str | None = None

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Reply:
        """Read the contract's `Message`.

        Raises:
            KeyError, TypeError: it has not the contract's shape.
        """
        return cls(
            kind=message["kind"],
            text=message["text"],
            sources=tuple(message["sources"]),
            buttons={button["title"]: button["payload"] for button in message["buttons"]},
            outcome=message["decision"]["outcome"] if message["decision"] else None,
            case=message["case"],
        )

    @property
    def label(self) -> str:
        """The kind and the first source: `answer bruising`."""
        return " ".join((self.kind, *self.sources[:1]))


class Talk(Protocol):
    """A conversation from its greeting on, wherever the assistant runs."""

    #: The replies to what was said last.
    last: tuple[Reply, ...]

    def say(self, text: str) -> tuple[Reply, ...]:
        """Send words; returns the replies. Raises NoReplyError where none came."""


class Measured(Protocol):
    """What can be evaluated: an assistant behind HTTP, or one in this process."""

    def health(self) -> Mapping[str, Any]:
        """Names the `model` and the `rules_version`."""

    def open(self) -> Talk:
        """Begin a new conversation."""

    def check(self, text: str) -> str:
        """The outcome of the health screen for a client who denies every listed condition and writes `text`."""


def all_denied(text: str) -> dict[str, Any]:
    """The body of a check (contract: Eligibility) whose truth is in the text alone."""
    return {"consent": True, "answers": {link: "no" for link in LINK_IDS if link != "other"}, "text": text}


class Assistant:
    """A running assistant at an address such as `http://127.0.0.1:5005`."""

    def __init__(self, url: str, at_once: int) -> None:
        self._http = httpx.Client(
            base_url=url, timeout=REPLY_SECONDS, limits=httpx.Limits(max_connections=at_once), trust_env=False
        )

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def health(self) -> Mapping[str, Any]:
        """The report of `/health`.

        Raises:
            EvaluationError: nothing answers there, or a part of it is not ready.
        """
        try:
            response = self._http.get("/health")
            report = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise EvaluationError(
                f"No assistant answers at {self._http.base_url}: start it with `RATE_LIMITS=off make run`, "
                "or leave out --url and it is started for you."
            ) from error
        if response.status_code != 200 or not isinstance(report, dict):
            raise EvaluationError(
                f"The assistant at {self._http.base_url} is not ready yet; wait until /health says ok."
            )
        return report

    def open(self) -> Conversation:
        """Begin a new conversation.

        Raises:
            NoReplyError: the server did not open one.
            EvaluationError: its rate limits are on.
        """
        return Conversation(self._http)

    def check(self, text: str) -> str:
        """The outcome of a check in which every listed condition is denied and `text` is added.

        Raises:
            NoReplyError: the server refused, failed or named no outcome.
            EvaluationError: its rate limits are on.
        """
        told = _post(self._http, "/eligibility/checks", all_denied(text), 201)
        outcome = told.get("outcome")
        if not isinstance(outcome, str):
            raise NoReplyError("/eligibility/checks: the decision has no outcome")
        return outcome


class Conversation:
    """One conversation, from its greeting on."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        opened = _post(http, "/chat/sessions", {}, 201)
        self._headers = {"Authorization": f"Bearer {opened.get('token')}"}
        self.last: tuple[Reply, ...] = _replies(opened)

    def say(self, text: str) -> tuple[Reply, ...]:
        """Send words; returns the replies, which can be none.

        Raises:
            NoReplyError: the server refused or failed.
            EvaluationError: its rate limits are on.
        """
        self.last = _replies(_post(self._http, "/chat/messages", {"text": text}, 200, self._headers))
        return self.last


def _post(
    http: httpx.Client, path: str, body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    try:
        response = http.post(path, json=body, headers=headers)
    except httpx.HTTPError as error:
        raise NoReplyError(f"{path}: {type(error).__name__}") from error
    if response.status_code == 429:
        raise EvaluationError(
            "The assistant limits how fast clients may write: start it with RATE_LIMITS=off for the evaluation."
        )
    if response.status_code != status:
        raise NoReplyError(f"{path}: HTTP {response.status_code}")
    try:
        value = response.json()
    except ValueError as error:
        raise NoReplyError(f"{path}: the reply is no JSON") from error
    if not isinstance(value, dict):
        raise NoReplyError(f"{path}: the reply is no JSON object")
    return value


def _replies(body: Mapping[str, Any]) -> tuple[Reply, ...]:
    try:
        return tuple(Reply.of(message) for message in body["messages"] if message["from"] == "assistant")
    except (KeyError, TypeError) as error:
        raise NoReplyError(f"a message has not the contract's shape: {error}") from error
