"""Which other sites may embed the chat and the check (CORS and framing).

Whoever speaks to the API shows a bearer token and no cookie, so that reading from another origin gives a page
nothing that it did not have before. `ALLOWED_ORIGINS` narrows it for practices that want their site alone.
"""

from __future__ import annotations

import re
from typing import Dict, Optional, Tuple

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty

ANY = "*"
OPEN_PATHS = re.compile(r"/(?:widget\.js|widget/|chat/|eligibility/|\.well-known/|openapi\.json|health)")
METHODS = "GET, POST, DELETE, OPTIONS"
HEADERS = "Authorization, Check-Token, Content-Type, Idempotency-Key, Last-Event-ID"
EXPOSED = "Check-Token, Location, Retry-After"
A_DAY = "86400"


def cross_origin(path: str, origin: Optional[str], allowed: Tuple[str, ...]) -> Dict[str, str]:
    """The headers that let a page of `origin` read the answer to a request for `path`; none where it may not."""
    if not OPEN_PATHS.match(path):
        return {}
    if ANY in allowed:
        return {"Access-Control-Allow-Origin": ANY, "Access-Control-Expose-Headers": EXPOSED}
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": str(origin), "Access-Control-Expose-Headers": EXPOSED, "Vary": "Origin"}


def allow_origins(app: Sanic, allowed: Tuple[str, ...]) -> None:
    """Answer preflights, and mark every answer that another site may read."""

    @app.on_request
    async def preflight(request: Request) -> Optional[HTTPResponse]:
        if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
            return None
        granted = cross_origin(request.path, request.headers.get("origin"), allowed)
        if "Access-Control-Allow-Origin" not in granted:
            return None
        return empty(
            headers={
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": HEADERS,
                "Access-Control-Max-Age": A_DAY,
            }
        )

    @app.on_response
    async def mark(request: Request, response: HTTPResponse) -> None:
        for name, value in cross_origin(request.path, request.headers.get("origin"), allowed).items():
            if name == "Vary" and "Vary" in response.headers:
                value = f"{response.headers['Vary']}, {value}"
            response.headers[name] = value


def frame_ancestors(allowed: Tuple[str, ...]) -> str:
    """Who may show the booking page in a frame, as CSP writes it."""
    return ANY if ANY in allowed else " ".join(("'self'", *allowed))
