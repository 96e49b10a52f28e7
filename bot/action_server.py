"""The action server process: Rasa SDK's, on loopback, ready before it listens."""

from __future__ import annotations

from rasa_sdk.endpoint import create_app
from sanic.request import Request

from actions.skill import assistant
from bot import logs
from bot.collector import keep_out_of_the_collectors_way


def serve(port: int) -> None:
    """Load everything, then listen on 127.0.0.1 until told to stop."""
    # a first client must not wait for dictionaries and models to load
    assistant()
    app = create_app("actions", cors_origins=[])
    keep_out_of_the_collectors_way()
    # longer than the Rasa server keeps an unused connection (bot/action_client.py)
    app.config.KEEP_ALIVE_TIMEOUT = 60

    @app.on_request
    async def began(request: Request) -> None:
        logs.begin_request(request.headers.get(logs.HEADER, ""))

    app.run(host="127.0.0.1", port=port, access_log=False, motd=False)
