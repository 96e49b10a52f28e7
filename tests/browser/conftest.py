"""A browser, the chat in it, and another site that embeds it."""

from __future__ import annotations

import re
import shutil
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.conftest import Running

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "tools/browser/node_modules/axe-core/axe.min.js"
OPEN = "Questions? Ask here"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# what the browser itself says about a server that is not there
EXPECTED_NOISE = ("Failed to load resource", "net::ERR_")

expect.set_options(timeout=10_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "The browser tests need Chromium: apt-get install chromium"
    # closed with its module: while Playwright is open its loop runs in this thread, where async tests need their own
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield launched
        launched.close()


class Chat:
    """The chat on a page, used as a client uses it: by labels."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: List[str] = []
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not any(noise in message.text for noise in EXPECTED_NOISE):
            self.wrong.append(message.text)

    @property
    def launcher(self) -> Locator:
        return self.page.locator("iastm-assistant .launcher")

    @property
    def dialog(self) -> Locator:
        return self.page.locator("iastm-chat dialog")

    @property
    def messages(self) -> Locator:
        return self.page.locator("iastm-chat ol > li")

    @property
    def field(self) -> Locator:
        return self.page.get_by_label("Your message")

    def of(self, kind: str) -> Locator:
        return self.page.locator(f"iastm-chat li.kind-{kind}")

    @property
    def mine(self) -> Locator:
        return self.page.locator("iastm-chat li.from-client")

    def open(self) -> Chat:
        self.launcher.click()
        expect(self.messages.first).to_be_visible()
        return self

    def say(self, words: str) -> None:
        self.field.fill(words)
        self.page.get_by_role("button", name="Send").click()

    def press(self, title: str) -> None:
        exactly = re.compile(rf"^\s*{re.escape(title)}\s*$")
        self.dialog.locator("button.choice[aria-disabled=false]").filter(has_text=exactly).last.click()

    def option(self, title: str) -> None:
        self.page.get_by_role("button", name="More options").click()
        self.page.locator(".menu").get_by_text(title).click()

    def token(self) -> Optional[str]:
        script = "Object.entries(localStorage).find(([key]) => key.endsWith(':token'))?.[1] ?? null"
        return self.page.evaluate(script)

    def keep(self, name: str, value: str) -> None:
        """Set what the browser keeps under `name`."""
        self.page.evaluate(
            "([name, value]) => localStorage.setItem("
            "Object.keys(localStorage).find((key) => key.endsWith(':token')).replace(/token$/, name), value)",
            [name, value],
        )


def axe(page: Page, scope: str = "document") -> List[str]:
    """What breaks WCAG 2.2 AA on the page, each with the element that does."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        f"(tags) => axe.run({scope}, {{ runOnly: {{ type: 'tag', values: tags }}, resultTypes: ['violations'] }})", WCAG
    )
    return [
        f"{violation['id']}: {violation['help']} at {node['target']} ({node.get('failureSummary', '')})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1200, "height": 800}, locale="en-GB")
    yield made
    made.close()


@pytest.fixture
def chat(context: BrowserContext, assistant: Running) -> Iterator[Chat]:
    """The chat on the practice's own page, not yet opened; nothing may go wrong unseen."""
    made = Chat(context.new_page())
    made.page.goto(assistant.url)
    yield made
    assert made.wrong == []


@dataclass
class Site:
    """Another site, which embeds what it likes."""

    url: str
    pages: Dict[str, Tuple[str, Dict[str, str]]] = field(default_factory=dict)

    def page(self, html: str, path: str = "/", **headers: str) -> str:
        """Serve `html`; returns its address. Headers are written with underscores."""
        self.pages[path] = (html, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.url + path


@pytest.fixture
def site() -> Iterator[Site]:
    pages: Dict[str, Tuple[str, Dict[str, str]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html, headers = pages.get(self.path.partition("?")[0], ("", {}))
            self.send_response(200 if html else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # another name as well as another port, so that it is another site in every sense
    yield Site(f"http://localhost:{server.server_port}", pages)
    server.shutdown()
    server.server_close()
