"""The webhook to the booking site, after the Standard Webhooks specification 1.0.0.

It says which decision was ruled on and how, with a fresh booking token where
the client may book; nothing about health. Source: standardwebhooks.com.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Mapping, Optional

import httpx
from standardwebhooks import Webhook

from bot.booking import BookingTokens
from bot.escalation.delivery import Item, Retry, Undeliverable

TIMEOUT_SECONDS = 15.0
# the receiver has gone for good
GONE = 410


class WebhookSender:
    """Sender of the outbox's kind `webhook`.

    Args:
        url: where the booking site listens.
        secret: the shared secret, `whsec_...`.
        seconds: how long an answer may take.
        clock: the moment, with a zone.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        tokens: BookingTokens,
        seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._url = url
        self._signer = Webhook(secret)
        self._tokens = tokens
        self._seconds = seconds
        self._clock = clock

    async def send(self, item: Item) -> None:
        """Post one event; any answer of 2xx is an arrival."""
        now = self._clock()
        body = json.dumps(self._event(item.payload, now), separators=(",", ":"))
        # the id is the same at every attempt, so that a repetition can be recognised
        name = item.key.replace(":", "_")
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(name, now, body),
        }
        try:
            # a connection of its own: a webhook is rare, and a stale connection is one more way to fail
            async with httpx.AsyncClient(timeout=self._seconds) as client:
                response = await client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise Retry(f"the booking site cannot be reached ({type(error).__name__})") from None
        if response.status_code == GONE:
            raise Undeliverable("the booking site takes no webhooks any more (410)")
        if not response.is_success:
            raise Retry(f"the booking site answered {response.status_code}", _asked(response, now))

    def _event(self, payload: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        approved = payload["ruling"] == "approved"
        return {
            "type": f"decision.{payload['ruling']}",
            "timestamp": now.isoformat(timespec="seconds"),
            "data": {
                "id": payload["id"],
                "reference": payload["reference"],
                "case": payload["case"],
                "token": self._tokens.issue(payload["decision"], now) if approved else None,
            },
        }


def _asked(response: httpx.Response, now: datetime) -> Optional[float]:
    """Seconds that `Retry-After` asks for; it may be a number or a date."""
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None
