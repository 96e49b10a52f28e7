"""The desk in a real browser: by labels, on a phone, live, without scripts, and checked by axe in every state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from bot.escalation import outbox
from bot.store.models import DeskSession, OutboxRow, StoredMessage, utcnow
from tests.browser.conftest import AXE, WCAG
from tests.desk import PASSWORD, DeskServer, ask_for, say, screened

PHONE = {"width": 360, "height": 740}
SCREEN = {"width": 1280, "height": 900}
SLOW = 20_000


def finding(**fields: str) -> dict[str, str]:
    return {"status": "present", "origin": "text", "rule": "", "source": "practice.unlisted", **fields}


FINDINGS = [
    finding(condition="anticoagulants", evidence="eliquis", source="modified", rule="anticoagulant"),
    finding(condition="implant", evidence="a <b>new</b> knee", status="unsure", rule="implant"),
    finding(
        condition="kidney_dysfunction", evidence="no", status="absent", origin="answer", source="contraindications"
    ),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskServer]:
    started = DeskServer(tmp_path).start()
    yield started
    started.stop()


@pytest.fixture
def number(server: DeskServer) -> int:
    """A case with a conversation and a decision to make."""
    decision = screened(server.database, "c", "review", FINDINGS)
    say(server.database, "c", "assistant", "Hello! I am the practice's automated assistant.")
    return ask_for(server.database, "c", "review", "im on eliquis since the op", minutes_ago=75, decision=decision)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=SCREEN)
    opened.set_default_timeout(SLOW)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, server: DeskServer) -> Page:
    return log_in(context.new_page(), server)


def log_in(page: Page, server: DeskServer) -> Page:
    page.goto(f"{server.url}/desk/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Cases")).to_be_visible(timeout=SLOW)
    return page


def open_case(page: Page, server: DeskServer, number: int) -> Page:
    page.goto(f"{server.url}/desk/cases/C-{number}")
    return page


def violations(page: Page) -> list[Any]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("tags => axe.run(document, { runOnly: tags })", WCAG)
    assert found["passes"], "axe looked at nothing"
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]


def test_a_therapist_reads_answers_approves_and_closes_by_labels_alone(
    page: Page, server: DeskServer, number: int
) -> None:
    page.reload()
    page.get_by_role("link", name=re.compile(f"C-{number}")).click()
    expect(page.get_by_text("Blood thinners make bruises more likely")).to_be_visible()
    page.get_by_label("Reply").fill("A gentler version is fine.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".from-therapist .text")).to_have_text("A gentler version is fine.", timeout=SLOW)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("You approved it")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Close case").click()
    expect(page.get_by_text("The case is closed. The assistant answers this client again.")).to_be_visible(timeout=SLOW)
    with server.database.reading() as session:
        said = [row.kind for row in session.query(StoredMessage).filter_by(conversation_id="c")]
    assert "decision" in said


def test_the_same_works_without_scripts(browser: Browser, server: DeskServer, number: int) -> None:
    plain = browser.new_context(java_script_enabled=False)
    page = open_case(log_in(plain.new_page(), server), server, number)
    page.get_by_text("Ready-made replies").click()
    page.get_by_role("link", name=re.compile("ring you")).click()
    expect(page.get_by_label("Reply")).to_have_value(re.compile("When is a good time"))
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".from-therapist .text")).to_contain_text("When is a good time", timeout=SLOW)
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("You declined it")).to_be_visible(timeout=SLOW)
    plain.close()


def test_a_new_case_appears_by_itself_and_is_announced(page: Page, server: DeskServer) -> None:
    expect(page.get_by_text("Nobody is waiting. New cases appear here by themselves.")).to_be_visible()
    page.get_by_label("Search").fill("half a wo")
    number = ask_for(server.database, "n", "emergency", "I can't breathe")
    expect(page.locator(f"#case-{number}")).to_contain_text("Alarming symptom", timeout=SLOW)
    expect(page.locator("#live-note")).to_have_text("1 case waiting for you, 1 urgent.")
    expect(page).to_have_title(re.compile(r"^\(1\) Cases"))
    expect(page.get_by_label("Search")).to_have_value("half a wo")
    expect(page.get_by_label("Search")).to_be_focused()


def test_what_the_client_writes_appears_while_the_reply_is_being_typed(
    page: Page, server: DeskServer, number: int
) -> None:
    reply = open_case(page, server, number).get_by_label("Reply")
    reply.press_sequentially("I will ring y")
    client_writes(server)
    expect(page.locator(".transcript")).to_contain_text("still there?", timeout=SLOW)
    expect(reply).to_have_value("I will ring y")
    expect(reply).to_be_focused()
    reply.press_sequentially("ou.")
    expect(reply).to_have_value("I will ring you.")
    expect(page.locator("#live-note")).to_contain_text("Last message: Client")


def test_a_refreshed_list_keeps_the_focus_and_what_was_opened(page: Page, server: DeskServer, number: int) -> None:
    page.reload()
    page.locator(f"#case-{number}").focus()
    other = ask_for(server.database, "n", "question", "what does it cost?")
    expect(page.locator(f"#case-{other}")).to_be_visible(timeout=SLOW)
    expect(page.locator(f"#case-{number}")).to_be_focused()


def test_a_log_in_that_ends_closes_the_page(page: Page, server: DeskServer, number: int) -> None:
    open_case(page, server, number)
    with server.database.transaction() as session:
        session.query(DeskSession).delete()
    client_writes(server)
    expect(page.get_by_label("Password")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("eliquis")).to_have_count(0)


def test_a_page_whose_stream_is_refused_closes_too(page: Page, server: DeskServer, number: int) -> None:
    def log_out_elsewhere(route: Route) -> None:
        with server.database.transaction() as session:
            session.query(DeskSession).delete()
        route.fulfill(status=401)

    page.route("**/desk/events", log_out_elsewhere)
    open_case(page, server, number)
    expect(page.get_by_label("Password")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("eliquis")).to_have_count(0)


def test_two_tabs_that_answer_at_once_are_told(context: BrowserContext, server: DeskServer, number: int) -> None:
    one = open_case(log_in(context.new_page(), server), server, number)
    other = open_case(context.new_page(), server, number)
    other.get_by_label("Reply").fill("Come on Wednesday.")
    one.get_by_label("Reply").fill("Come on Tuesday.")
    one.get_by_role("button", name="Send").click()
    expect(one.locator(".from-therapist")).to_have_count(1, timeout=SLOW)
    other.get_by_role("button", name="Send").click()
    expect(other.get_by_role("alert")).to_contain_text("Somebody has answered", timeout=SLOW)
    expect(other.get_by_label("Reply")).to_have_value("Come on Wednesday.")


def test_the_keyboard_reaches_everything_in_the_order_it_is_read(page: Page, server: DeskServer, number: int) -> None:
    open_case(page, server, number)
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { const e = document.activeElement; return e.labels?.[0]?.textContent || e.textContent.trim() }"
        )
        reached.append(name)
        if name == "Close case":
            break
    wanted = ["Skip to the content", "Log out", "Go to the reply", "Approve", "Decline", "Take over", "Reply", "Send"]
    assert [name for name in reached if name in wanted] == wanted
    assert reached[-1] == "Close case"


def test_a_reply_that_grows_too_long_is_counted_while_it_is_typed(page: Page, server: DeskServer, number: int) -> None:
    reply = open_case(page, server, number).get_by_label("Reply")
    reply.fill("😀" * 3_990)
    expect(page.locator("#length")).to_have_text("10 characters left.")
    reply.fill("x" * 4_001)
    expect(page.locator("#length")).to_have_text("1 characters too many.")


def test_the_desk_asks_nobody_else_for_anything_and_runs_nothing_of_a_page(
    context: BrowserContext, server: DeskServer, number: int
) -> None:
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    say(server.database, "c", "client", "<img src=https://elsewhere.example/x onerror=alert(1)>")
    log_in(page, server)
    for address in (f"cases/C-{number}", "insights", "log"):
        page.goto(f"{server.url}/desk/{address}")
    assert [url for url in asked if not url.startswith(server.url)] == []
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, SCREEN], ids=["phone", "screen"])
def test_axe_finds_nothing_on_any_page_in_any_state(
    browser: Browser, server: DeskServer, number: int, scheme: Any, size: Any
) -> None:
    fill(server, number)
    opened = browser.new_context(viewport=size, color_scheme=scheme)
    opened.set_default_timeout(SLOW)
    page = opened.new_page()
    found: dict[str, Any] = {}

    def look(state: str) -> None:
        found[state] = violations(page)
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            found[state].append("wider than the window")

    page.goto(f"{server.url}/desk/")
    look("log-in")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=SLOW)
    look("refused")
    log_in(page, server)
    for address in (
        "",
        "?show=closed",
        "?q=nothing+like+it",
        f"cases/C-{number}",
        f"cases/C-{number + 2}",
        "cases/C-99999",
        f"cases/C-{number}/summary",
        "undelivered",
        "log",
        "insights",
    ):
        page.goto(f"{server.url}/desk/{address}")
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        look(address or "list")
    open_case(page, server, number).get_by_label("Reply").fill("x" * 5_000)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=SLOW)
    look("too long")
    opened.close()
    assert {state: what for state, what in found.items() if what} == {}


def fill(server: DeskServer, number: int) -> None:
    """Something to show on every page."""
    urgent = ask_for(server.database, "u", "emergency", "the calf is hot and swollen", minutes_ago=4)
    closed = ask_for(server.database, "q", "question", "what does it cost?", minutes_ago=300)
    assert (urgent, closed) == (number + 1, number + 2)
    with server.database.transaction() as session:
        server.casework.close(session, closed, "told on the phone", "therapist")
        outbox.add(session, outbox.EMAIL, "k", {})
        session.flush()
        row = session.query(OutboxRow).filter_by(key="k").one()
        row.dead_at, row.problem = utcnow(), "The mail server is not there."
        asked = session.query(StoredMessage).filter_by(conversation_id="q").first()
        for key, kind, sources in (("r", "not_in_handout", []), ("s", "answer", ["pain", "bruising"])):
            session.add(
                StoredMessage(
                    id=key,
                    conversation_id="q",
                    sender="assistant",
                    text="What the assistant says.",
                    kind=kind,
                    sources=sources,
                    buttons=[],
                    reply_to=asked.seq,
                )
            )


def client_writes(server: DeskServer) -> None:
    """The client of the case writes on."""
    ask_for(server.database, "c", "human", "still there?")
