"""The pages a browser sees. They hold no rules; the conversation is the chat API's."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, html

from bot.handout import Handout
from bot.settings import Settings

HERE = Path(__file__).parent

# the pages load nothing from anywhere else, and nobody frames them
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def add_pages(app: Sanic, settings: Settings, handout: Handout) -> None:
    """Serve the page at `/` and its files under `/static/`."""
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())
    titles = {passage.id: passage.title for passage in handout.passages}
    page = templates.get_template("index.html").render(settings=settings, titles=titles)

    @app.get("/")
    async def index(request: Request) -> HTTPResponse:
        return html(page, headers=SECURITY)

    app.static("/static", HERE / "static", name="static")
