"""The pages a browser sees: the demo practice, the booking page, and what the chat on a host page loads.

They hold no rules: the conversation is the chat API's, the questions and decisions are the screen's.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Dict, Optional

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, html
from sanic.response import json as json_response

from bot.channels.turn import MAX_TEXT
from bot.eligibility.fhir import questionnaire
from bot.handout import Handout
from bot.screening import Rulebook
from bot.settings import Settings
from bot.web.built import NOT_BUILT, Built
from bot.web.origins import ANY, allow_origins, frame_ancestors

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?|https?://\[[0-9a-fA-F:]+\](?::\d{1,5})?")
LANGUAGES = ("en", "es")


def security(framed_by: str) -> Dict[str, str]:
    """The headers of a page that loads nothing from anywhere else.

    Args:
        framed_by: who may show it in a frame, as CSP writes it.
    """
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            f"base-uri 'none'; form-action 'none'; frame-ancestors {framed_by}"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def practice(settings: Settings, handout: Handout, rulebook: Rulebook) -> Dict[str, Any]:
    """What chat and booking page know of the practice; nothing in it is secret."""
    return {
        "name": settings.practice_name[:1].upper() + settings.practice_name[1:],
        "phone": settings.practice_phone,
        "emergency_number": settings.emergency_number,
        "booking_url": settings.booking_url,
        "titles": {passage.id: passage.title for passage in handout.passages},
        "conditions": {item.id: item.condition for item in rulebook.items},
        "longest_message": MAX_TEXT,
    }


def check(rulebook: Rulebook) -> Dict[str, Any]:
    """The questions of the booking page: the Questionnaire, and beside it why each is asked."""
    why = {item.id: {"why": item.why, "explain": item.explain} for item in rulebook.items}
    follow_ups = {one.id: {"why": one.why} for item in rulebook.items for one in item.follow_ups}
    return {"questionnaire": questionnaire(rulebook), "reasons": {**why, **follow_ups}}


def add_pages(app: Sanic, settings: Settings, handout: Handout, rulebook: Rulebook) -> None:
    """Serve `/`, `/book`, `/widget.js` and what they load; let the allowed sites embed them."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    built = Built()
    if not built.exists:
        logger.warning("%s Chat and booking page are missing until then; the API works.", NOT_BUILT)
    known = practice(settings, handout, rulebook)
    home = templates.get_template("home.html").render(practice=known, hours=settings.practice_hours)
    allow_origins(app, settings.origins)

    @app.get("/")
    async def index(request: Request) -> HTTPResponse:
        return html(home, headers=security("'none'"))

    @app.get("/book")
    async def book(request: Request) -> HTTPResponse:
        language = request.args.get("lang", "")[:2]
        page = templates.get_template("book.html").render(
            practice=known,
            check=check(rulebook),
            files=built.entry("book"),
            origin=told_origin(request.args.get("origin"), settings),
            language=language if language in LANGUAGES else "en",
        )
        # the address may hold the booking site's reference
        return html(page, headers={**security(frame_ancestors(settings.origins)), "Cache-Control": "no-store"})

    @app.get("/widget.js")
    async def widget(request: Request) -> HTTPResponse:
        return built.response(request, "widget.js")

    @app.get("/widget/config.json")
    async def config(request: Request) -> HTTPResponse:
        return json_response(known, headers={"Cache-Control": "public, max-age=60"})

    @app.get("/widget/<name:[A-Za-z0-9-]+\\.js>")
    async def part(request: Request, name: str) -> HTTPResponse:
        return built.response(request, f"widget/{name}")

    app.static("/static", HERE / "static", name="static")


def told_origin(told: Optional[str], settings: Settings) -> str:
    """The origin that the booking page may tell its result to: the one that was stated, if it is allowed."""
    if not told or not ORIGIN.fullmatch(told):
        return ""
    return told if ANY in settings.origins or told in settings.origins else ""
