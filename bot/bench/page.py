"""What the chat costs the page that embeds it, measured in a headless Chromium on the running assistant.

Transfer before and after the chat is opened, the time to the greeting, the main thread's work for both, and how
smoothly 300 messages scroll. It must not know how the figures are told, and asserts nothing.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Callable, Dict, Final, List

from bot.bench.errors import BenchError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

REPEATS: Final = 5
LONG: Final = 300
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    # a made-up site may load from this machine, as a real one may from a real server
    "--disable-features=LocalNetworkAccessChecks",
)
HOST: Final = '<!doctype html><html lang="en"><title>A practice</title><script src="{url}/widget.js" defer></script>'
GREETING: Final = "iastm-chat li .text"
# one second of scrolling through everything, noting when each frame came
SCROLL: Final = """(log) => new Promise((done) => {
  const came = [];
  const begin = performance.now();
  const step = (now) => {
    came.push(now);
    const part = (now - begin) / 1000;
    log.scrollTo({ top: part * log.scrollHeight, behavior: "instant" });
    if (part < 1) requestAnimationFrame(step);
    else done(came.slice(1).map((one, index) => one - came[index]));
  };
  requestAnimationFrame(step);
})"""


def measure(url: str, repeats: int = REPEATS) -> Dict[str, List[float]]:
    """Measure the assistant at `url`, each time in a browser that has seen nothing of it; returns samples by name.

    Names with `transfer` are in bytes, the rest in milliseconds. Transfer is what went over the wire for the assistant's own files and answers (headers included), gzipped
    where it is served so. The host page is an empty one of another origin.

    Raises:
        BenchError: there is no Chromium or no Playwright.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BenchError("The page is measured with Playwright: install the group 'test' (make test).") from error
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise BenchError("The page is measured in Chromium: apt-get install chromium.")
    samples: Dict[str, List[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        for _ in range(repeats):
            for name, value in _visit(browser, url).items():
                samples.setdefault(name, []).append(value)
        frames = _scroll(browser, url)
        browser.close()
    return {**samples, "page_scroll_frame": frames}


def _visit(browser: Browser, url: str) -> Dict[str, float]:
    """One visit: the page, then the chat opened."""
    page = browser.new_page()
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    transferred = _transfer(tools)
    _embed(page, url)
    page.locator("iastm-assistant .launcher").wait_for()
    page.wait_for_load_state("networkidle")
    before, busy_before = transferred(), _busy(tools)
    # by script: pointing at the button would already begin to load the chat
    opened = page.evaluate(
        f"""() => new Promise((done) => {{
          const begin = performance.now();
          const root = document.querySelector("iastm-assistant").shadowRoot;
          root.querySelector(".launcher").click();
          const look = () => root.querySelector("iastm-chat")?.shadowRoot?.querySelector("{GREETING.split(" ", 1)[1]}")
            ? done(performance.now() - begin) : requestAnimationFrame(look);
          look();
        }})"""
    )
    page.wait_for_timeout(500)
    after, busy_after = transferred(), _busy(tools)
    page.close()
    return {
        "page_transfer_before": before,
        "page_transfer_after": after,
        "page_first_greeting": float(opened),
        "page_main_thread_before": busy_before,
        "page_main_thread_after": busy_after,
    }


def _scroll(browser: Browser, url: str) -> List[float]:
    """The milliseconds of every frame while 300 messages are scrolled through."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    told: List[Dict[str, Any]] = [
        {"id": f"m{number}", "from": "client" if number % 2 else "assistant", "at": "2026-11-23T10:00:00Z",
         "text": f"Message {number}. " + "Some discomfort is normal. " * (number % 9), "kind": "answer", "sources": [],
         "buttons": [], "decision": None, "case": None}
        for number in range(LONG)
    ]  # fmt: skip
    page.route("**/chat/sessions", lambda route: route.fulfill(status=201, json={"token": "t", "messages": told}))
    page.route("**/chat/history", lambda route: route.fulfill(json={"messages": told}))
    page.route("**/chat/events", lambda route: route.fulfill(status=404, json={}))
    page.goto(url)
    page.locator("iastm-assistant .launcher").click()
    page.locator("iastm-chat ol > li").nth(LONG - 1).wait_for()
    frames: List[float] = page.locator("iastm-chat .log").evaluate(SCROLL)
    page.close()
    return frames


def _embed(page: Page, url: str) -> None:
    host = "http://practice.invalid/"
    page.route(host, lambda route: route.fulfill(content_type="text/html", body=HOST.format(url=url)))
    page.goto(host)


def _transfer(tools: CDPSession) -> Callable[[], float]:
    """Counts the bytes that come over the wire; what the test itself serves comes over none."""
    sizes: List[float] = []

    def finished(event: Dict[str, Any]) -> None:
        sizes.append(float(event["encodedDataLength"]))

    tools.on("Network.loadingFinished", finished)
    tools.send("Network.enable")
    return lambda: sum(sizes)


def _busy(tools: CDPSession) -> float:
    """Milliseconds of the main thread's work so far."""
    metrics = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000
