"""`/openapi.json` and the server say the same: about routes, about shapes, and under fire."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, Set, Tuple

import httpx
import pytest
from sanic import Sanic

from bot.dialogue.message import KINDS
from bot.eligibility.openapi import document
from bot.eligibility.submission import LONGEST_REFERENCE
from bot.screening import Rulebook
from bot.screening.model import SEVERITY, STATUSES
from bot.screening.reader import LONGEST_TEXT
from bot.settings import read_settings
from tests.conftest import API_KEY, Client, Running

ROOT = Path(__file__).resolve().parents[2]
SCHEMATHESIS = ROOT / ".tools" / "contract" / "bin" / "schemathesis"
# pages are for people, and Telegram describes its own webhook
NOT_THE_API = re.compile(r"/(?:$|static/|desk(?:/|$)|book(?:/|$)|widget[./]|webhooks/)")


@pytest.fixture(scope="module")
def described() -> Dict[str, Any]:
    return document(Rulebook.load())


@pytest.fixture(scope="module")
def routes() -> Set[Tuple[str, str]]:
    """Method and path of every route of the server, parameters without their names."""
    import bot.server as server

    build = server.build_service
    server.build_service = lambda chosen: None  # type: ignore[assignment,return-value]
    try:
        app = server.create_app(read_settings(None))
    finally:
        server.build_service = build
        Sanic._app_registry.pop("assistant", None)
    return {
        (method.lower(), path)
        for route in app.router.routes_all.values()
        for method in route.methods - {"HEAD", "OPTIONS"}
        if not NOT_THE_API.match(path := "/" + re.sub(r"<[^>]+>", "{}", route.path))
    }


def test_every_route_is_described_and_every_described_route_exists(
    described: Dict[str, Any], routes: Set[Tuple[str, str]]
) -> None:
    paths = {
        (method, re.sub(r"\{[^}]+\}", "{}", path)) for path, methods in described["paths"].items() for method in methods
    }
    assert paths == routes


def test_the_words_of_the_description_are_those_of_the_code(described: Dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert schemas["Message"]["properties"]["kind"]["enum"] == list(KINDS)
    assert set(schemas["Decision"]["properties"]["outcome"]["enum"]) == {*SEVERITY, "incomplete"}
    assert schemas["Finding"]["properties"]["status"]["enum"] == list(STATUSES)
    assert schemas["FreeWords"]["maxLength"] == LONGEST_TEXT
    assert str(LONGEST_REFERENCE) in schemas["Reference"]["pattern"]


def test_every_reference_of_the_description_leads_somewhere(described: Dict[str, Any]) -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            for name, value in part.items():
                if name == "$ref":
                    yield value
                else:
                    yield from references(value)
        elif isinstance(part, list):
            for one in part:
                yield from references(one)

    found = set(references(described))
    for reference in found:
        _, section, name = reference.removeprefix("#/").split("/")
        assert described["components"][section][name], reference
    unused = {
        f"#/components/{section}/{name}"
        for section, names in described["components"].items()
        if section != "securitySchemes"
        for name in names
    } - found
    assert unused == set()


def test_the_server_serves_the_description(assistant: Running, described: Dict[str, Any]) -> None:
    assert httpx.get(f"{assistant.url}/openapi.json").json() == described


@pytest.mark.skipif(not SCHEMATHESIS.exists(), reason="schemathesis is not installed: make contract")
def test_the_running_server_keeps_to_the_description(assistant: Running, client: Client) -> None:
    command = [str(SCHEMATHESIS), "--config-file", str(ROOT / "tools" / "contract" / "schemathesis.toml"), "run",
        f"{assistant.url}/openapi.json", "--checks", "all", "--max-examples", "5", "--seed", "1", "--no-color",
        "--header", f"Authorization: Bearer {client.token}", "--header", f"X-API-Key: {API_KEY}"]  # fmt: skip
    done = subprocess.run(command, cwd=assistant.var, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
