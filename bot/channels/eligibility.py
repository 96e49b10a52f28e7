"""The eligibility API over HTTP (contract: Eligibility), and the API's own description.

Parsing, access and refusing are this module's work. It is mounted like a
channel, but no message reaches Rasa from here: the answers go straight to the
engine that also decides in chat.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot.channels.chat import KEY
from bot.channels.problems import Problem, as_problem, invalid
from bot.channels.service import Service, service
from bot.eligibility.fhir import questionnaire, read_response
from bot.eligibility.openapi import document
from bot.eligibility.service import Caller, CheckError, Conflict, ForeignCheck, UnknownCheck
from bot.eligibility.service import Request as Repeatable
from bot.eligibility.submission import (
    CONSENT_NEEDED,
    InvalidSubmission,
    MalformedBody,
    Submission,
    parse,
    read_submission,
)
from bot.threads import in_thread

JSON = "application/json"
FHIR = "application/fhir+json"
# answers about health are nobody's to keep on the way
PRIVATE = {"Cache-Control": "no-store"}
STATUS_OF: dict[type[CheckError], int] = {UnknownCheck: 404, ForeignCheck: 403, Conflict: 409}


class EligibilityChannel(InputChannel):
    """Rasa input channel `eligibility`, mounted at the root of the public port."""

    @classmethod
    def name(cls) -> str:
        """Rasa's name of the channel."""
        return "eligibility"

    def url_prefix(self) -> str:
        """The leading slash mounts the channel at the root."""
        return "/"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes."""
        blueprint = Blueprint("eligibility")

        @blueprint.exception(Exception)
        async def _problem(request: Request, error: Exception) -> HTTPResponse:
            return _as_problem(error).response()

        @blueprint.get("/eligibility/questionnaire")
        async def ask(request: Request) -> HTTPResponse:
            made = questionnaire(service(request.app).checks.rulebook)
            return HTTPResponse(json.dumps(made, ensure_ascii=False), content_type=FHIR)

        @blueprint.post("/eligibility/checks")
        async def make(request: Request) -> HTTPResponse:
            parts, caller, submission, repeatable = _received(request, adding=False)
            told = await in_thread(lambda: parts.checks.make(submission, caller, repeatable))
            return _made(parts, told)

        @blueprint.post("/eligibility/checks/<check_id:str>/answers")
        async def add(request: Request, check_id: str) -> HTTPResponse:
            parts, caller, submission, repeatable = _received(request, adding=True)
            told = await in_thread(lambda: parts.checks.add(check_id, submission, caller, repeatable))
            return _made(parts, told)

        @blueprint.get("/eligibility/checks/<check_id:str>")
        async def read(request: Request, check_id: str) -> HTTPResponse:
            parts = service(request.app)
            parts.limits.hit("checks_read", request.remote_addr or request.ip)
            caller = caller_of(parts, request)
            if not caller.known:
                raise Problem(
                    401,
                    "Send the API key as 'X-API-Key', or the token of whoever made the check as "
                    "'Authorization: Bearer <token>'.",
                )
            return json_response(await in_thread(lambda: parts.checks.read(check_id, caller)), headers=PRIVATE)

        @blueprint.get("/.well-known/jwks.json")
        async def jwks(request: Request) -> HTTPResponse:
            keys = service(request.app).checks.booking_tokens.jwks()
            return json_response(keys, headers={"Cache-Control": "public, max-age=300"})

        @blueprint.get("/openapi.json")
        async def openapi(request: Request) -> HTTPResponse:
            return json_response(document(service(request.app).checks.rulebook))

        return blueprint


def caller_of(parts: Service, request: Request) -> Caller:
    """Who asks. What was sent to prove it must hold; nothing sent is a client without a name.

    Raises:
        Problem: 401, for a key or token that is not valid here.
    """
    key = request.headers.get("x-api-key")
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = request.headers.get("check-token") or (bearer.strip() if scheme.lower() == "bearer" else "")
    if key is not None:
        name = parts.api_keys.name(key)
        if name is None:
            raise Problem(401, "This API key is not valid here. Ask the practice for one.")
        return Caller(f"key:{name}", partner=True)
    if not token:
        if scheme:
            raise Problem(401, "Send a key or token as 'Authorization: Bearer <token>'.")
        return Caller(f"address:{parts.check_tokens.anonymous(request.remote_addr or request.ip)}")
    name = parts.api_keys.name(token)
    if name is not None:
        return Caller(f"key:{name}", partner=True)
    check_id = parts.check_tokens.check(token)
    if check_id is not None:
        return Caller(f"check:{check_id}", check=check_id)
    try:
        conversation_id = parts.tokens.conversation(f"Bearer {token}")
    except Problem as error:
        raise Problem(401, "This key or token is not valid here, or has expired.") from error
    return Caller(f"chat:{conversation_id}", conversation=conversation_id)


def _received(request: Request, adding: bool) -> tuple[Service, Caller, Submission, Repeatable]:
    parts = service(request.app)
    caller = caller_of(parts, request)
    if caller.partner:
        parts.limits.hit("checks_by_key", caller.name)
    else:
        parts.limits.hit("checks", request.remote_addr or request.ip)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in (JSON, FHIR):
        raise Problem(415, f"Send the body as '{JSON}', or a QuestionnaireResponse as '{FHIR}'.")
    key = request.headers.get("idempotency-key")
    if key is not None and not KEY.fullmatch(key):
        raise invalid("Idempotency-Key", "Use 1 to 80 visible ASCII characters, a UUID for instance.")
    body = parse(request.body)
    rulebook = parts.checks.rulebook
    consent = _consents_in_address(request)
    if content_type == FHIR or "resourceType" in body:
        submission = read_response(body, rulebook, consent, adding)
    else:
        submission = read_submission(body, rulebook, adding)
    return parts, caller, submission, Repeatable(key, _digest(request.path, consent, body))


def _consents_in_address(request: Request) -> bool:
    """Whether consent was sent in the address, by a FHIR client that cannot add an extension.

    Raises:
        Problem: 422, for anything but consent.
    """
    told = request.args.getlist("consent")
    if any(value != "true" for value in told or ()):
        raise invalid("consent", CONSENT_NEEDED)
    return bool(told)


def _digest(path: str, consent: bool, body: dict[str, Any]) -> str:
    """Tells whether a repeated request says the same."""
    return hashlib.sha256(json.dumps([path, consent, body], sort_keys=True).encode()).hexdigest()


def _made(parts: Service, told: dict[str, Any]) -> HTTPResponse:
    headers = {
        **PRIVATE,
        "Location": f"/eligibility/checks/{told['id']}",
        "Check-Token": parts.check_tokens.issue(told["id"]),
    }
    return json_response(told, status=201, headers=headers)


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, InvalidSubmission):
        found = [{"field": one.field, "detail": one.detail} for one in error.errors]
        others = len(found) - 1
        more = f" There {'are' if others > 1 else 'is'} {others} more under 'errors'." if others else ""
        return Problem(422, str(error) + more, errors=found)
    if isinstance(error, MalformedBody):
        return Problem(400, str(error))
    if isinstance(error, CheckError):
        status = next(status for kind, status in STATUS_OF.items() if isinstance(error, kind))
        return Problem(status, str(error))
    return as_problem(error)
