"""The therapist's desk over HTTP: routes, log-in, cookies, forms, the event stream, problems as pages.

What the pages hold is `bot.channels.desk_pages`'; what may be done to a case is
`bot.dialogue.casework`'s. No path, address or word of a client gets into the log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import aclosing
from typing import Any, Awaitable, Callable, Optional
from urllib.parse import urlencode

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, redirect

from bot.channels.desk_pages import ACTIONS, PAGES, Action, Desk, Page, Visit, cases, desk, pages
from bot.channels.problems import Problem, as_problem
from bot.desk import queries
from bot.desk.account import LONGEST, LoggedIn, same
from bot.desk.errors import LoginRefused, TooManyAttempts, UnknownCase
from bot.escalation.cases import NoSuchCase
from bot.store import topics
from bot.web.desk import PRIVATE, STATIC

logger = logging.getLogger(__name__)

HOME = "/desk/"
LOGIN = "/desk/login"
SESSION = "desk_session"
DEVICE = "desk_device"
FORM = "desk_form"
DEVICE_SECONDS = 365 * 24 * 3600
FORM_SECONDS = 24 * 3600
# a stream that hears nothing looks by itself, and tells proxies that it is alive
LOOK_SECONDS = 10.0
# what a page that refreshes itself says: whether somebody can see it
REFRESH = "x-desk-refresh"

OLD_FORM = (
    "This form was not sent from the desk itself, or it is from an earlier log-in. "
    "Go back, reload the page and send it once more."
)
TITLES = {
    400: "This could not be read",
    403: "Not sent",
    404: "Nothing here",
    405: "Not like this",
    413: "Too long",
    429: "Too many attempts",
    503: "Not available right now",
}
SENTENCES = {
    400: "The page's form could not be read. Go back, reload the page and send it once more.",
    404: "There is nothing at this address of the desk.",
    405: "This address of the desk is reached from a form on a page.",
    413: "That was too long to be taken. Please send less at once.",
    500: "Something went wrong here. Nothing is lost; please try again in a moment.",
}


class DeskChannel(InputChannel):
    """Rasa input channel `desk`, mounted at the root of the public port."""

    @classmethod
    def name(cls) -> str:
        """Rasa's name of the channel."""
        return "desk"

    def url_prefix(self) -> str:
        """The leading slash mounts the channel at the root."""
        return "/"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes."""
        blueprint = Blueprint("desk")
        blueprint.exception(Exception)(_problem_page)
        blueprint.static("/desk/static", STATIC, name="files")
        blueprint.add_route(_login_page, LOGIN, methods=["GET"], name="login")
        blueprint.add_route(_log_in, LOGIN, methods=["POST"], name="log_in")
        blueprint.add_route(_log_out, "/desk/logout", methods=["POST"], name="log_out")
        blueprint.add_route(_events, "/desk/events", name="events")
        for path, page in PAGES.items():
            blueprint.add_route(_reading(page), path, methods=["GET"], name=page.__name__)
        for path, action in ACTIONS.items():
            blueprint.add_route(_writing(action), path, methods=["POST"], name=action.__name__)
        blueprint.add_route(_nothing, "/desk/<path:path>", methods=["GET", "POST"], name="nothing")
        return blueprint


def _reading(page: Page) -> Callable[..., Awaitable[HTTPResponse]]:
    async def show(request: Request, **parts: str) -> HTTPResponse:
        found = desk(request.app)
        refresh = request.headers.get(REFRESH)
        login = await asyncio.to_thread(_logged_in, found, request, refresh is None)
        if login is None and refresh is not None:
            raise Problem(401, "The log-in has ended.")
        if login is None:
            return _see(f"{LOGIN}?{urlencode({'next': request.path})}" if request.path != HOME else LOGIN)
        visit = Visit(found, request, login, refreshing=refresh is not None, seen=refresh != "hidden")
        return await asyncio.to_thread(page, visit, **parts)

    return show


def _writing(action: Action) -> Callable[..., Awaitable[HTTPResponse]]:
    async def take(request: Request, **parts: str) -> HTTPResponse:
        found = desk(request.app)
        _require_own_page(request)
        login = await asyncio.to_thread(_logged_in, found, request, True)
        if login is None:
            return _ask_password(
                found,
                request,
                401,
                told="You were logged out meanwhile. Please log in again.",
                draft=_draft(request),
            )
        if not same(str(request.form.get("csrf", "")), login.csrf):
            raise Problem(403, OLD_FORM)
        return await asyncio.to_thread(action, Visit(found, request, login), **parts)

    return take


async def _nothing(request: Request, path: str) -> HTTPResponse:
    # Sanic sends "/desk/" here and "/desk" to the list
    if not path and request.method == "GET":
        return await _reading(cases)(request)
    raise Problem(404, SENTENCES[404])


async def _login_page(request: Request) -> HTTPResponse:
    return _ask_password(desk(request.app), request, 200, next_page=_own_address(str(request.args.get("next", ""))))


async def _log_in(request: Request) -> HTTPResponse:
    found = desk(request.app)
    _require_own_page(request)
    next_page = _own_address(str(request.form.get("next", "")))
    planted = _cookie(request, FORM)
    if not planted or not same(str(request.form.get("csrf", "")), planted):
        return _ask_password(
            found, request, 403, "This page had been open for too long. Please try again.", next_page=next_page
        )
    try:
        admitted = await asyncio.to_thread(
            found.account.log_in,
            str(request.form.get("password", "")),
            request.remote_addr or request.ip,
            _cookie(request, DEVICE),
            _cookie(request, SESSION),
        )
    except LoginRefused as error:
        logger.warning("A log-in to the desk was refused: %s", type(error).__name__)
        wait = error.wait if isinstance(error, TooManyAttempts) else None
        refused = _ask_password(found, request, 401 if wait is None else 429, str(error), next_page=next_page)
        if wait is not None:
            refused.headers["Retry-After"] = str(wait)
        return refused
    logger.info("A browser logged in to the desk")
    answer = _see(next_page or HOME)
    _give(found, request, answer, SESSION, admitted.session, int(LONGEST.total_seconds()))
    _give(found, request, answer, DEVICE, admitted.device, DEVICE_SECONDS)
    _take_back(answer, FORM)
    return answer


async def _log_out(request: Request) -> HTTPResponse:
    found = desk(request.app)
    _require_own_page(request)
    token = _cookie(request, SESSION)
    login = await asyncio.to_thread(found.account.session, token)
    if login is not None and not same(str(request.form.get("csrf", "")), login.csrf):
        raise Problem(403, OLD_FORM)
    await asyncio.to_thread(found.account.log_out, token)
    answer = _see(LOGIN)
    _take_back(answer, SESSION)
    return answer


async def _events(request: Request) -> Optional[HTTPResponse]:
    """Tell a page that it may look different now; what is different it asks for itself."""
    found = desk(request.app)
    if await asyncio.to_thread(_logged_in, found, request, False) is None:
        raise Problem(401, "The desk is closed. Log in again.")
    stream = await request.respond(content_type="text/event-stream", headers={**PRIVATE, "X-Accel-Buffering": "no"})
    known = None
    async with aclosing(found.live.watch(topics.DESK, every=LOOK_SECONDS)) as changes:
        async for _ in changes:
            if await asyncio.to_thread(_logged_in, found, request, False) is None:
                await stream.send("event: closed\ndata: the log-in has ended\n\n")
                break
            current = await asyncio.to_thread(_version, found)
            await stream.send(": still here\n\n" if current == known else f"event: changed\ndata: {current}\n\n")
            known = current
    await stream.eof()
    return None


def _version(found: Desk) -> str:
    with found.database.reading() as session:
        return queries.version(session)


def _logged_in(found: Desk, request: Request, in_use: bool) -> Optional[LoggedIn]:
    return found.account.session(_cookie(request, SESSION), in_use)


def _cookie(request: Request, name: str) -> Optional[str]:
    # ours are ASCII; anything else is nobody's
    value = request.cookies.get(name)
    return value if value and value.isascii() else None


def _require_own_page(request: Request) -> None:
    """Refuse a form that another site sent; browsers say so themselves.

    Raises:
        Problem: 403.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, OLD_FORM)


def _ask_password(
    found: Desk,
    request: Request,
    status: int,
    problem: str = "",
    *,
    told: str = "",
    draft: str = "",
    next_page: str = "",
) -> HTTPResponse:
    token = _cookie(request, FORM) or secrets.token_urlsafe(32)
    answer = found.pages.show("login", status, csrf=token, problem=problem, told=told, draft=draft, next=next_page)
    _give(found, request, answer, FORM, token, FORM_SECONDS)
    return answer


def _own_address(address: str) -> str:
    """`address` if it is a page of the desk to come back to, else nothing: no other site is ever gone to."""
    own = address.startswith(HOME) and "\\" not in address and address not in (LOGIN, HOME) and "//" not in address
    return address if own else ""


def _see(address: str) -> HTTPResponse:
    return redirect(address, status=303, headers={"Cache-Control": "no-store"})


def _give(found: Desk, request: Request, answer: HTTPResponse, name: str, value: str, seconds: int) -> None:
    answer.cookies[name] = value
    answer.cookies[name]["path"] = "/desk"
    answer.cookies[name]["httponly"] = True
    # Strict would send a therapist who follows the link in a notification to the log-in page; no form takes GET
    answer.cookies[name]["samesite"] = "Lax" if name == SESSION else "Strict"
    answer.cookies[name]["max-age"] = seconds
    if found.secure or request.scheme == "https":
        answer.cookies[name]["secure"] = True


def _take_back(answer: HTTPResponse, name: str) -> None:
    answer.cookies[name] = ""
    answer.cookies[name]["path"] = "/desk"
    answer.cookies[name]["max-age"] = 0


async def _problem_page(request: Request, error: Exception) -> HTTPResponse:
    if isinstance(error, (UnknownCase, NoSuchCase)):
        problem = Problem(404, str(error))
    else:
        # a form whose bytes are no text is the sender's mistake
        problem = Problem(400, "") if isinstance(error, UnicodeError) else as_problem(error)
        if not isinstance(error, Problem):
            problem.detail = SENTENCES.get(problem.status, problem.detail)
    logger.warning("The desk refused a request with %s", problem.status)
    answer = pages(request.app).show(
        "problem",
        problem.status,
        title=TITLES.get(problem.status, "Something went wrong here"),
        sentence=problem.detail,
        draft=_draft(request) if request.method == "POST" else "",
        back=HOME,
        back_title="Back to the cases",
    )
    answer.headers.extend(problem.headers)
    return answer


def _draft(request: Request) -> str:
    try:
        return str(request.form.get("text") or request.form.get("note") or "")
    except Exception:
        # a form that cannot be read holds no draft; the page says what is wrong with it
        return ""
