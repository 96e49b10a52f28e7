"""The action server process: Rasa SDK's, on loopback, ready before it listens."""

from __future__ import annotations

from urllib.parse import urlsplit

from rasa_sdk.endpoint import create_app
from sanic.request import Request

from actions.skill import assistant
from bot import logs
from bot.collector import keep_out_of_the_collectors_way
from bot.threads import prepare_threads


def serve(address: str) -> None:
    """Load everything, then listen until told to stop.

    Args:
        address: on loopback, `http://127.0.0.1:5055`.
    """
    # a first client must not wait for dictionaries and models to load
    assistant()
    app = create_app("actions", cors_origins=[])
    keep_out_of_the_collectors_way()
    # longer than the Rasa server keeps an unused connection (bot/action_client.py)
    app.config.KEEP_ALIVE_TIMEOUT = 60

    @app.on_request
    async def began(request: Request) -> None:
        logs.begin_request(request.headers.get(logs.HEADER, ""))

    app.register_listener(prepare_threads, "before_server_start")
    listening = urlsplit(address)
    app.run(host=listening.hostname, port=listening.port, access_log=False, motd=False)
