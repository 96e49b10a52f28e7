"""The desk's pages as HTML, and the headers that keep them private.

Everything is escaped. This module must not know cases or decide anything; it
shows what it is given.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Optional

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sanic.response import HTTPResponse

from bot.desk import words
from bot.settings import Settings
from bot.store.models import case_label, utcnow

HERE = Path(__file__).parent
STATIC = HERE / "static"

# nothing from anywhere else, no script in a page, no frame, and nothing kept by the browser or on the way
PRIVATE = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Pages:
    """Renders the desk's templates."""

    def __init__(self, settings: Settings) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            words=words, practice=settings.practice_name, label=case_label, now=utcnow, zone=settings.timezone
        )
        self._templates.filters.update(
            when=partial(_when, zone=settings.timezone),
            ago=lambda moment: words.length(utcnow() - moment),
        )

    def show(self, template: str, status: int = 200, **values: Any) -> HTTPResponse:
        """A page.

        Args:
            template: its name without the ending.
        """
        text = self._templates.get_template(f"{template}.html").render(**values)
        # a line that only a condition of the template left behind
        text = re.sub(r"\n\s*\n+", "\n", text)
        return HTTPResponse(text, status=status, headers=dict(PRIVATE), content_type="text/html; charset=utf-8")


def _when(moment: Optional[datetime], zone: str) -> Markup:
    """A time in the practice's time zone, with the day unless it is today."""
    if moment is None:
        return Markup("")
    there = words.local(moment, zone)
    today = words.local(utcnow(), zone).date()
    if there.date() == today:
        told = f"{there:%H:%M}"
    elif there.year == today.year:
        told = f"{there.day} {there:%b}, {there:%H:%M}"
    else:
        told = f"{there.day} {there:%b %Y}, {there:%H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(f"{moment:%Y-%m-%dT%H:%M:%SZ}", told)
