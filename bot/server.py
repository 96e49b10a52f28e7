"""The Rasa server process: Rasa's agent and our channels on the public port.

Unlike `rasa run` it serves the pages too, answers /health while the model is
still loading, and takes its ports from the settings.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from functools import partial
from typing import Any, Dict, Optional
from urllib.parse import unquote, urlsplit

import structlog
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent, load_agent
from rasa.core.channels.channel import register
from rasa.core.processor import MessageProcessor
from rasa.core.utils import AvailableEndpoints
from rasa.utils.endpoints import EndpointConfig
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from actions.skill import assistant
from bot import logs
from bot.action_client import ActionServer, check_responses_with_a_compiled_schema
from bot.action_executor import ActionsHere
from bot.channels.chat import ChatChannel
from bot.channels.desk import DeskChannel
from bot.channels.eligibility import EligibilityChannel
from bot.channels.housekeeping import purge_daily
from bot.channels.problems import answer_with_problems
from bot.channels.service import build_service
from bot.channels.telegram import TelegramChannel
from bot.collector import keep_out_of_the_collectors_way
from bot.encoder import Encoder
from bot.graph_runner import run_graphs_in_order
from bot.handout import Handout
from bot.metrics import REQUEST_SECONDS, REQUESTS, listen, time_calls
from bot.screening import Rulebook
from bot.settings import ROOT, Settings
from bot.shortcuts import take_shortcuts, trust_own_actions
from bot.store.database import StoreError
from bot.supervisor import CANNOT_SERVE
from bot.threads import in_thread, prepare_threads
from bot.training import model_file
from bot.web import add_pages

logger = logging.getLogger(__name__)
access = structlog.get_logger("bot.access")

MAX_BODY = 64 * 1024
BACKLOG = 512
# a lock store that does not answer is a problem for the client to be told, soon
LOCK_STORE_SECONDS = 2


def create_app(chosen: Settings) -> Sanic:
    """The server, not yet listening."""
    app = Sanic("assistant", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = MAX_BODY
    app.config.KEEP_ALIVE_TIMEOUT = 30
    app.config.REAL_IP_HEADER = None
    answer_with_problems(app)
    _count(app)
    register([ChatChannel(), EligibilityChannel(), TelegramChannel(), DeskChannel()], app, route="/webhooks/")
    rulebook = Rulebook.load()
    add_pages(app, chosen, Handout.load(), rulebook)
    app.ctx.agent = None
    app.ctx.actions = None
    app.ctx.service = build_service(chosen)
    app.ctx.rules_version = rulebook.version

    @app.get("/health")
    async def health(request: Request) -> HTTPResponse:
        report = await health_of(app)
        return json_response(report, status=200 if report["status"] == "ok" else 503)

    app.register_listener(prepare_threads, "before_server_start")

    @app.listener("after_server_start")
    async def load(app: Sanic, _loop: Any) -> None:
        app.ctx.service.outbox.start()
        app.ctx.purging = asyncio.ensure_future(purge_daily(app.ctx.service.database, chosen.retention_days))
        app.ctx.metrics = await listen(chosen.metrics_port) if chosen.metrics_port else None
        app.add_task(_load(app))

    @app.listener("before_server_stop")
    async def finish(app: Sanic, _loop: Any) -> None:
        app.ctx.purging.cancel()
        app.ctx.service.live.close()
        await app.ctx.service.outbox.stop()

    @app.listener("after_server_stop")
    async def close(app: Sanic, _loop: Any) -> None:
        if app.ctx.metrics is not None:
            await app.ctx.metrics.cleanup()
        if app.ctx.actions is not None:
            await app.ctx.actions.close()

    return app


async def health_of(app: Sanic) -> Dict[str, Any]:
    """Whether each part answers (contract: Health)."""
    parts = {
        "nlu": "ok" if _ready(app.ctx.agent) else "starting",
        "actions": "starting" if app.ctx.actions is None else await app.ctx.actions.state(),
        "database": await in_thread(lambda: _database(app)),
    }
    failing = [name for name, state in parts.items() if state != "ok"]
    return {
        "status": "unavailable" if failing else "ok",
        **parts,
        **({"failing": failing} if failing else {}),
        "model": model_name(app),
        "rules_version": app.ctx.rules_version,
    }


def model_name(app: Sanic) -> str:
    """The name of the model in use."""
    if not hasattr(app.ctx, "model"):
        app.ctx.model = model_file().name.split(".")[0]
    return str(app.ctx.model)


def _ready(agent: Optional[Agent]) -> bool:
    return agent is not None and agent.is_ready()


def _database(app: Sanic) -> str:
    try:
        app.ctx.service.database.check()
    except StoreError as error:
        logger.error("%s", error)
        return "failing"
    return "ok"


def _count(app: Sanic) -> None:
    """Count and time every request, and the stages of a message that are not our own code."""

    @app.on_request
    async def began(request: Request) -> None:
        request.ctx.began = time.perf_counter()
        request.ctx.id = logs.begin_request()

    @app.on_response
    async def ended(request: Request, response: HTTPResponse) -> None:
        # the pattern, not the address: an id in it would make a series for every client
        route = request.route.path if request.route else "none"
        REQUESTS.labels(route, response.status).inc()
        if not hasattr(request.ctx, "began"):
            return
        took = time.perf_counter() - request.ctx.began
        REQUEST_SECONDS.labels(route).observe(took)
        response.headers[logs.HEADER] = request.ctx.id
        line = {"method": request.method, "route": route, "status": response.status, "ms": round(took * 1000, 1)}
        # the client need not wait for it
        asyncio.get_running_loop().call_soon(partial(access.info, "request", **line))

    time_calls(Encoder, "_encode", "encoding")
    time_calls(MessageProcessor, "parse_message", "classification")
    time_calls(MessageProcessor, "predict_next_with_tracker_if_should", "policy")
    time_calls(RemoteAction, "run", "action")


async def _load(app: Sanic) -> None:
    chosen: Settings = app.ctx.service.settings
    endpoints = AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))
    options = endpoints.action.kwargs if endpoints.action else {}
    if chosen.action_server:
        app.ctx.actions = ActionServer(chosen.actions_url, **options)
        check_responses_with_a_compiled_schema()
    else:
        trust_own_actions()
        # in a thread, as the model below, so that /health answers meanwhile
        app.ctx.actions = await in_thread(lambda: _actions_here(options))
    endpoints.action = app.ctx.actions
    redis_url = chosen.redis_url.get_secret_value()
    if redis_url:
        endpoints.lock_store = lock_endpoint(redis_url)
    take_shortcuts()
    run_graphs_in_order()
    loaded = await in_thread(lambda: asyncio.run(load_agent(str(model_file()), endpoints=endpoints)))
    if not loaded.is_ready():
        logger.error(
            "The model %s cannot be loaded: it is missing, broken, or was trained by another "
            "version. Run '.venv/bin/python -m bot train --force', then start again.",
            model_file().name,
        )
        sys.stderr.flush()
        # the supervisor ends the program on this code: a server without a model helps nobody
        os._exit(CANNOT_SERVE)
    keep_out_of_the_collectors_way()
    app.ctx.agent = loaded


def _actions_here(options: Dict[str, Any]) -> ActionsHere:
    """The actions, ready: a first client must not wait for dictionaries and models to load."""
    here = ActionsHere(**options)
    assistant()
    return here


def lock_endpoint(url: str) -> EndpointConfig:
    """Rasa's own lock store on Redis, as `endpoints.yml` would name it."""
    parts = urlsplit(url)
    return EndpointConfig(
        parts.hostname,
        type="redis",
        port=parts.port or 6379,
        db=int(parts.path.strip("/") or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_ssl=parts.scheme == "rediss",
        socket_timeout=LOCK_STORE_SECONDS,
    )


def serve(chosen: Settings) -> None:
    """Listen until told to stop; beside other workers, if there are any."""
    app = create_app(chosen)
    if chosen.workers == 1:
        app.run(host=chosen.host, port=chosen.port, access_log=False, motd=False, backlog=BACKLOG)
        return
    with socket.socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # the system hands new connections to the workers in turn
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind((chosen.host, chosen.port))
        app.run(sock=shared, access_log=False, motd=False, backlog=BACKLOG)
