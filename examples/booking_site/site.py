"""A booking site in a few dozen lines: it shows slots only to whoever has passed the health check.

    ASSISTANT_URL=http://localhost:5005 PORT=5006 python examples/booking_site/site.py

It embeds the check in a frame, takes the token that the frame hands over, and verifies it with the assistant's
public key. A direct visit, a used token and a forged one are refused. Needs PyJWT with cryptography.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict
from urllib.parse import parse_qs, urlsplit

import jwt

ASSISTANT = os.environ.get("ASSISTANT_URL", "http://localhost:5005").rstrip("/")
PORT = int(os.environ.get("PORT", "5006"))

CHECK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Book a session</title>
<h1>Book a session</h1><p>Please take the short health check first.</p>
<iframe id="check" title="Health check" width="100%%" height="700"></iframe>
<script>
  const assistant = %s;
  const frame = document.getElementById("check");
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== assistant || source !== frame.contentWindow || data.source !== "iastm-assistant") return;
    if (data.type === "resize") frame.height = data.height;
    if (data.type === "book") location.assign(`/slots?token=${encodeURIComponent(data.token)}`);
  });
  frame.src = `${assistant}/book?origin=${encodeURIComponent(location.origin)}`;
</script></html>"""
SLOTS = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Choose a time</title>
<h1>Choose a time</h1><ul><li>Monday, 10:00</li><li>Tuesday, 14:30</li><li>Friday, 9:15</li></ul></html>"""
REFUSED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Not yet</title>
<h1>Please take the check first</h1><p>%s <a href="/">To the health check</a></p></html>"""


class Doorkeeper:
    """Lets a token in once, if the assistant signed it for booking.

    Args:
        assistant: the assistant's address.
    """

    def __init__(self, assistant: str) -> None:
        self._keys = jwt.PyJWKClient(f"{assistant}/.well-known/jwks.json")
        # a real site keeps these in its database until they expire
        self._used: Dict[str, int] = {}

    def admit(self, token: str) -> None:
        """Take a token.

        Raises:
            jwt.PyJWTError: it is none of the assistant's, has expired, or was used before.
        """
        key = self._keys.get_signing_key_from_jwt(token).key
        claims: Dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["ES256"],
            audience="booking",
            issuer="iastm-assistant",
            options={"require": ["exp", "jti"]},
        )
        if claims["jti"] in self._used:
            raise jwt.InvalidTokenError("used before")
        self._used[claims["jti"]] = claims["exp"]


class Site(BaseHTTPRequestHandler):
    """`/` has the check, `/slots` the times."""

    doorkeeper = Doorkeeper(ASSISTANT)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/":
            self._answer(200, CHECK % json.dumps(ASSISTANT))
        elif address.path == "/slots":
            try:
                self.doorkeeper.admit(parse_qs(address.query).get("token", [""])[0])
            except jwt.PyJWTError:
                self._answer(403, REFUSED % "Booking opens once the check says so.")
            else:
                self._answer(200, SLOTS)
        else:
            self._answer(404, REFUSED % "There is nothing here.")

    def _answer(self, status: int, page: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        # the token in the address is nobody else's business
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: Any) -> None:
        """Addresses hold tokens: they are not logged."""


if __name__ == "__main__":
    print(f"The booking site is at http://localhost:{PORT}/, for the assistant at {ASSISTANT}.")
    ThreadingHTTPServer(("127.0.0.1", PORT), Site).serve_forever()
