"""Hears what the therapist decided: a webhook after the Standard Webhooks specification, verified.

    WEBHOOK_SECRET=whsec_... PORT=5007 python examples/webhook_receiver/receiver.py

Give the assistant the same WEBHOOK_SECRET, and WEBHOOK_URL=http://localhost:5007/. Needs standardwebhooks.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Set

from standardwebhooks import Webhook, WebhookVerificationError

PORT = int(os.environ.get("PORT", "5007"))
LONGEST = 64 * 1024


class Receiver(BaseHTTPRequestHandler):
    """Takes each event once."""

    secret = os.environ.get("WEBHOOK_SECRET", "")
    # a real site keeps these in its database: the same event may come again
    seen: ClassVar[Set[str]] = set()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        if length > LONGEST:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        try:
            # checks the signature, and that the event is not an old one sent again
            Webhook(self.secret).verify(body, {name.lower(): value for name, value in self.headers.items()})
        except WebhookVerificationError:
            self.send_error(401)
            return
        name = self.headers["webhook-id"]
        if name not in self.seen:
            self.seen.add(name)
            self.decided(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def decided(self, event: Any) -> None:
        """What a booking site does with it: open or close what was waiting under its own reference."""
        data = event["data"]
        may = "may book" if event["type"] == "decision.approved" else "talks to the practice first"
        print(f"{data['reference'] or data['id']}: the client {may} (case {data['case']})", flush=True)

    def log_message(self, *_: Any) -> None:
        """The event is printed instead."""


if __name__ == "__main__":
    print(f"Waiting for webhooks at http://localhost:{PORT}/.", flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
