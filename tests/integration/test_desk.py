"""The desk over HTTP, on a real socket and real SQLite: log-in, forms, pages, refusals."""

from __future__ import annotations

import csv
import html
import io
import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Iterator

import httpx
import pytest

from bot.channels.desk_pages import ACTIONS
from bot.desk.account import IDLE
from bot.dialogue.casework import LONGEST_REPLY
from bot.escalation import audit, outbox
from bot.store.models import Case, Checkin, DeskSession, OutboxRow, StoredMessage, utcnow
from tests.desk import PASSWORD, Browser, DeskServer, ask_for, hidden, say, screened

FINDING = {
    "condition": "anticoagulants",
    "status": "present",
    "origin": "text",
    "evidence": "eliquis",
    "source": "modified",
    "rule": "anticoagulant",
}
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskServer]:
    started = DeskServer(tmp_path).start()
    yield started
    started.stop()


@pytest.fixture
def browser(server: DeskServer) -> Browser:
    opened = Browser(server.url)
    assert opened.log_in().status_code == 200
    return opened


def messages(server: DeskServer, conversation: str = "c") -> list[tuple[str, str]]:
    with server.database.reading() as session:
        rows = session.query(StoredMessage).filter_by(conversation_id=conversation).order_by(StoredMessage.seq)
        return [(row.sender, row.text) for row in rows]


def case(server: DeskServer, number: int) -> Case:
    with server.database.reading() as session:
        return session.get(Case, number)


def problem(page: httpx.Response) -> str:
    found = re.search(r'role="alert"[^>]*>(.*?)</p>', page.text, re.S)
    return html.unescape(found[1]) if found else ""


def draft(page: httpx.Response) -> str:
    found = re.search(r'<textarea id="(?:reply|draft)"[^>]*>(.*?)</textarea>', page.text, re.S)
    return html.unescape(found[1]) if found else ""


# Logging in


def test_without_a_log_in_every_page_leads_to_the_password_and_back(server: DeskServer) -> None:
    number = ask_for(server.database, "c", "human", "a person please")
    stranger = Browser(server.url)
    asked = stranger.http.get(f"/desk/cases/C-{number}")
    assert str(asked.url.path) == "/desk/login"
    assert "a person please" not in asked.text
    opened = stranger.http.post("/desk/login", data={**hidden(asked.text), "password": PASSWORD})
    assert opened.url.path == f"/desk/cases/C-{number}"
    assert "a person please" in opened.text


def test_a_wrong_password_is_told_and_opens_nothing(server: DeskServer) -> None:
    stranger = Browser(server.url)
    refused = stranger.log_in("not it")
    assert refused.status_code == 401
    assert problem(refused) == "This is not the password. Please try again."
    assert stranger.http.get("/desk/").url.path == "/desk/login"


def test_guessing_is_stopped_with_the_time_to_wait(server: DeskServer) -> None:
    stranger = Browser(server.url)
    for _ in range(5):
        assert stranger.log_in("a guess").status_code == 401
    stopped = stranger.log_in(PASSWORD)
    assert stopped.status_code == 429
    assert int(stopped.headers["retry-after"]) > 60
    assert "Please wait 15 minutes" in problem(stopped)


def test_a_log_in_leads_to_no_other_site(server: DeskServer) -> None:
    for address in ("https://elsewhere.example/", "//elsewhere.example/"):
        assert Browser(server.url).log_in(next=address).url.path == "/desk/"


def test_a_log_in_form_of_another_site_is_refused(server: DeskServer) -> None:
    stranger = Browser(server.url)
    stranger.http.get("/desk/login")
    assert stranger.http.post("/desk/login", data={"password": PASSWORD}).status_code == 403
    crossing = stranger.http.post("/desk/login", data={"password": PASSWORD}, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossing.status_code == 403
    assert "not sent from the desk itself" in problem(crossing)


def test_a_session_that_was_planted_before_the_log_in_is_not_the_one_after(server: DeskServer) -> None:
    victim = Browser(server.url)
    victim.http.cookies.set("desk_session", "known-to-the-attacker", domain="127.0.0.1", path="/desk")
    victim.log_in()
    assert victim.http.cookies.get("desk_session") != "known-to-the-attacker"
    attacker = Browser(server.url)
    attacker.http.cookies.set("desk_session", "known-to-the-attacker", domain="127.0.0.1", path="/desk")
    assert attacker.http.get("/desk/").url.path == "/desk/login"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(server: DeskServer) -> None:
    stranger = Browser(server.url)
    page = stranger.http.get("/desk/login")
    answer = stranger.http.post("/desk/login", data={**hidden(page.text), "password": PASSWORD}, follow_redirects=False)
    given = [line for line in answer.headers.get_list("set-cookie") if "Max-Age=0" not in line]
    assert {line.split("=")[0] for line in given} == {"desk_session", "desk_device"}
    for line in given:
        assert "HttpOnly" in line
        assert "Path=/desk" in line
        assert "SameSite=" in line
        assert "Secure" not in line


def test_behind_tls_cookies_are_secure(tmp_path: Path) -> None:
    server = DeskServer(tmp_path, public_url="https://assistant.example").start()
    page = httpx.get(f"{server.url}/desk/login")
    server.stop()
    assert "Secure" in page.headers["set-cookie"]


def test_logging_out_ends_the_session(server: DeskServer, browser: Browser) -> None:
    token = browser.http.cookies["desk_session"]
    page = browser.http.get("/desk/")
    assert browser.send(page, "logout").url.path == "/desk/login"
    again = Browser(server.url)
    again.http.cookies.set("desk_session", token, domain="127.0.0.1", path="/desk")
    assert again.http.get("/desk/").url.path == "/desk/login"


# Forms


def every_page(server: DeskServer, browser: Browser) -> dict[str, httpx.Response]:
    decision = screened(server.database, "c", "review", [FINDING])
    number = ask_for(server.database, "c", "review", "im on eliquis", decision=decision)
    closed = ask_for(server.database, "d", "question", "what does it cost?")
    with server.database.transaction() as session:
        server.casework.close(session, closed, "told on the phone", "therapist")
        outbox.add(session, outbox.EMAIL, "k", {})
        session.flush()
        session.query(OutboxRow).filter_by(key="k").one().dead_at = utcnow()
    addresses = [
        "/desk/login",
        "/desk/",
        "/desk/?show=all",
        "/desk/?q=cost",
        f"/desk/cases/C-{number}",
        f"/desk/cases/C-{closed}",
        f"/desk/cases/C-{number}/summary",
        "/desk/undelivered",
        "/desk/log",
        "/desk/insights",
        "/desk/cases/C-99999",
        "/desk/nowhere/at/all",
    ]
    return {address: browser.http.get(address) for address in addresses}


def test_every_form_that_changes_something_carries_a_token(server: DeskServer, browser: Browser) -> None:
    forms = 0
    for address, page in every_page(server, browser).items():
        for form in re.findall(r'<form[^>]*method="post".*?</form>', page.text, re.S):
            assert len(hidden(form)["csrf"]) > 30, address
            forms += 1
    assert forms > 10


def test_no_page_needs_an_inline_style_or_script_and_none_is_kept(server: DeskServer, browser: Browser) -> None:
    for address, page in every_page(server, browser).items():
        missing = address in ("/desk/cases/C-99999", "/desk/nowhere/at/all")
        assert page.status_code == (404 if missing else 200), address
        assert page.headers["content-type"] == "text/html; charset=utf-8", address
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)", page.text), address


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_form_without_its_token_changes_nothing(server: DeskServer, browser: Browser, action: str) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    before = messages(server), case(server, number).status
    path = action.replace("<label:str>", f"C-{number}").replace("<row:str>", "1")
    fields = {"text": "words", "request_key": "k", "last_reply": "0", "note": "n", "decision": "d1"}
    for token in ({}, {"csrf": ""}, {"csrf": "made-up"}):
        refused = browser.http.post(path, data={**fields, **token})
        assert refused.status_code == 403
        assert "not sent from the desk itself" in problem(refused)
    assert (messages(server), case(server, number).status) == before


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_without_a_log_in_no_form_does_anything(server: DeskServer, action: str) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    path = action.replace("<label:str>", f"C-{number}").replace("<row:str>", "1")
    assert httpx.post(f"{server.url}{path}", data={"text": "words"}).status_code == 401
    assert case(server, number).status == "open"


def test_the_token_of_another_log_in_is_refused(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    other = Browser(server.url)
    other.log_in()
    foreign = hidden(other.http.get(f"/desk/cases/C-{number}").text)["csrf"]
    page = browser.http.get(f"/desk/cases/C-{number}")
    assert browser.send(page, "take-over", csrf=foreign).status_code == 403


# Cases


def test_markup_in_a_clients_words_is_shown_as_text(server: DeskServer, browser: Browser) -> None:
    decision = screened(server.database, "c", "review", [{**FINDING, "evidence": SCRIPT, "condition": "x<b>"}])
    number = ask_for(server.database, "c", "review", SCRIPT, decision=decision)
    say(server.database, "c", "assistant", "Noted.", kind="not_in_handout")
    for address in ("/desk/", f"/desk/cases/C-{number}", f"/desk/cases/C-{number}/summary", "/desk/?q=" + "<script>"):
        page = browser.http.get(address)
        assert "<script>alert" not in page.text, address
        assert "<img" not in page.text, address
    assert "&lt;script&gt;alert(1)" in page.text


def test_the_list_is_urgent_first_then_the_longest_waiting(server: DeskServer, browser: Browser) -> None:
    ask_for(server.database, "a", "question", "a question", minutes_ago=10)
    ask_for(server.database, "b", "question", "an older question", minutes_ago=600)
    ask_for(server.database, "c", "emergency", "chest pain", minutes_ago=1)
    page = browser.http.get("/desk/").text
    assert re.findall(r'id="case-(\d+)"', page) == ["1003", "1002", "1001"]
    assert "Waiting for you for 10 h" in page
    assert "3 cases waiting for you, 1 urgent." in page


def test_a_case_is_new_until_it_was_opened_and_again_when_the_client_writes(
    server: DeskServer, browser: Browser
) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    assert ">New<" in browser.http.get("/desk/").text
    browser.http.get(f"/desk/cases/C-{number}")
    assert ">New<" not in browser.http.get("/desk/").text
    say(server.database, "c", "client", "are you there?")
    assert ">New<" in browser.http.get("/desk/").text


def test_a_page_that_refreshes_in_the_background_neither_counts_as_read_nor_as_opened(
    server: DeskServer, browser: Browser
) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{number}", headers={"X-Desk-Refresh": "hidden"})
    assert page.status_code == 200
    assert ">New<" in browser.http.get("/desk/").text
    with server.database.reading() as session:
        assert [entry.action for entry in audit.entries(session)] == ["opened"]
    browser.http.get(f"/desk/cases/C-{number}", headers={"X-Desk-Refresh": "visible"})
    assert ">New<" not in browser.http.get("/desk/").text


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("C-1002", ["1002"]),
        ("c1001", ["1001"]),
        ("1001", ["1001"]),
        ("closed", ["1002"]),
        ("Waiting for the client", []),
        ("PARKING", ["1001"]),
        ("told on the phone", ["1002"]),
        ("50%", ["1001"]),
        ("5%f", []),
        ("_", []),
        ("nothing like it", []),
    ],
)
def test_search_takes_numbers_states_and_words(
    server: DeskServer, browser: Browser, search: str, found: list[str]
) -> None:
    ask_for(server.database, "a", "question", "is parking 50% off?")
    closed = ask_for(server.database, "b", "question", "what does it cost?")
    with server.database.transaction() as session:
        server.casework.close(session, closed, "told on the phone", "therapist")
    page = browser.http.get("/desk/", params={"q": search})
    assert re.findall(r'id="case-(\d+)"', page.text) == found


def test_a_long_list_has_further_pages(server: DeskServer, browser: Browser) -> None:
    for number in range(51):
        ask_for(server.database, f"c{number}", "question", "a question", minutes_ago=number)
    first = browser.http.get("/desk/?show=all").text
    assert len(re.findall(r'id="case-\d+"', first)) == 50
    following = html.unescape(re.findall(r'href="([^"]*page=2[^"]*)"', first)[0])
    assert re.findall(r'id="case-(\d+)"', browser.http.get(following).text) == ["1001"]


def test_of_a_long_conversation_the_end_is_shown_first(server: DeskServer, browser: Browser) -> None:
    for number in range(40):
        say(server.database, "c", "assistant", f"line {number}.")
    case_number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{case_number}")
    assert "line 5." not in page.text
    assert "Show 11 earlier messages" in page.text
    assert "line 5." in browser.http.get(f"/desk/cases/C-{case_number}?whole=1").text


@pytest.mark.parametrize("label", ["C-99999", "99999", "C-abc", "0x10", "C-1001;drop", "%00"])
def test_a_case_that_is_not_there_is_told_on_a_page(browser: Browser, label: str) -> None:
    for answer in (browser.http.get(f"/desk/cases/{label}"), browser.http.get(f"/desk/cases/{label}/summary")):
        assert answer.status_code == 404
        assert "<h1>Nothing here</h1>" in answer.text
        assert problem(answer).endswith(".")


def test_what_was_written_to_a_case_that_was_deleted_is_not_lost(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{number}")
    with server.database.transaction() as session:
        session.delete(session.get(Case, number))
    answer = browser.send(page, "reply", text="I will ring you.")
    assert answer.status_code == 404
    assert draft(answer) == "I will ring you."


def test_whatever_is_sent_is_answered_and_never_breaks(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    fields = hidden(browser.http.get(f"/desk/cases/C-{number}").text)
    case_page = f"/desk/cases/C-{number}"
    answers = [
        *(browser.http.get("/desk/", params={"page": page}) for page in ("0", "-1", "9" * 30, "x", "\u0663")),
        *(browser.http.get("/desk/", params={"q": words}) for words in ("\x00", "%", "'; --", "C-" + "9" * 30)),
        browser.http.get("/desk/?q=%ff%fe&show=%00"),
        browser.http.get("/desk/log", params={"case": "C-" + "9" * 9}),
        browser.http.post(f"/desk/undelivered/{'9' * 30}/retry", data=fields),
        browser.http.post(f"{case_page}/reply", data={**fields, "text": "x", "last_reply": "9" * 30}),
        browser.http.post(f"{case_page}/reply", data={**fields, "text": "x", "request_key": "k" * 500}),
        browser.http.post(f"{case_page}/reply", content=b"not a form", headers={"Content-Type": "multipart/form-data"}),
        browser.http.post(f"{case_page}/reply", data=fields, files={"text": (None, b"\xff\xfe")}),
        browser.http.post(f"{case_page}/close", content=b'{"note": 1}', headers={"Content-Type": "application/json"}),
        browser.http.put(f"{case_page}/close"),
        httpx.get(f"{server.url}/desk/", headers={"Cookie": b"desk_session=\xff\xfe; desk_device=\xff"}),
    ]
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
    assert case(server, number).status == "open"


def test_a_database_that_does_not_answer_is_told_on_a_page(
    server: DeskServer, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with server.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE desk_sessions RENAME TO away")
    answer = browser.http.get("/desk/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert problem(answer) == "The assistant cannot reach its records right now. Please try again in a minute."
    assert "no such table" in caplog.text


# Answering


def test_a_reply_takes_the_case_over_and_reaches_the_conversation(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person please")
    page = browser.http.get(f"/desk/cases/C-{number}")
    sent = browser.send(page, "reply", text="Come on Tuesday.\r\nBring a towel.")
    assert sent.status_code == 200
    assert "Your reply is on its way" in sent.text
    assert messages(server)[-1] == ("therapist", "Come on Tuesday.\nBring a towel.")
    assert case(server, number).status == "waiting_for_client"


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_reply_that_is_too_long_is_told_and_kept(server: DeskServer, browser: Browser, letter: str) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    before = messages(server)
    page = browser.http.get(f"/desk/cases/C-{number}")
    form = hidden(page.text)
    refused = browser.http.post(
        f"/desk/cases/C-{number}/reply",
        files={**{k: (None, v) for k, v in form.items()}, "text": (None, letter * 10_000)},
    )
    assert refused.status_code == 409
    assert f"up to {LONGEST_REPLY:,} characters; this one has 10,000" in problem(refused)
    assert draft(refused) == letter * 10_000
    assert messages(server) == before


def test_an_empty_reply_is_refused(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{number}")
    refused = browser.send(page, "reply", text=" \r\n ")
    assert refused.status_code == 409
    assert problem(refused) == "A reply needs some words."
    assert case(server, number).status == "open"


def test_a_form_that_is_sent_twice_counts_once(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{number}")
    for _ in range(2):
        assert browser.send(page, "reply", text="Come on Tuesday.").status_code == 200
    assert [sender for sender, _ in messages(server)].count("therapist") == 1


def test_two_tabs_that_answer_at_once_do_not_talk_over_each_other(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    one, other = (browser.http.get(f"/desk/cases/C-{number}") for _ in range(2))
    browser.send(one, "reply", text="Come on Tuesday.")
    told = browser.send(other, "reply", text="Come on Wednesday.")
    assert told.status_code == 409
    assert "Somebody has answered in" in problem(told)
    assert "Come on Tuesday." in told.text
    assert draft(told) == "Come on Wednesday."
    again = browser.send(told, "reply", text=draft(told))
    assert again.status_code == 200
    assert [text for sender, text in messages(server) if sender == "therapist"] == [
        "Come on Tuesday.",
        "Come on Wednesday.",
    ]


def test_a_client_who_writes_meanwhile_does_not_hold_up_the_reply(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{number}")
    say(server.database, "c", "client", "hello?")
    assert browser.send(page, "reply", text="I am here.").status_code == 200


def test_a_case_that_was_closed_meanwhile_keeps_the_draft(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    one, other = (browser.http.get(f"/desk/cases/C-{number}") for _ in range(2))
    closed = browser.send(one, "close", note="rang her")
    assert "The case is closed." in closed.text
    told = browser.send(other, "reply", text="Come on Tuesday.")
    assert told.status_code == 409
    assert problem(told) == f"C-{number} is closed. Reopen it to write to the client."
    assert draft(told) == "Come on Tuesday."


def test_a_log_in_that_ended_meanwhile_keeps_the_draft(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{number}")
    with server.database.transaction() as session:
        session.query(DeskSession).update({"seen_at": utcnow() - IDLE - timedelta(seconds=1)})
    asked = browser.send(page, "reply", text="Come on Tuesday.")
    assert asked.status_code == 401
    assert "You were logged out meanwhile" in asked.text
    assert draft(asked) == "Come on Tuesday."
    assert ("therapist", "Come on Tuesday.") not in messages(server)


def test_a_ready_made_reply_can_be_taken_without_scripts(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    page = browser.http.get(f"/desk/cases/C-{number}")
    link = html.unescape(re.findall(r'href="([^"]*canned=call_me)#reply"', page.text)[0])
    assert "When is a good time to ring you?" in draft(browser.http.get(link))


def test_approving_gives_the_client_a_token_once(server: DeskServer, browser: Browser) -> None:
    decision = screened(server.database, "c", "review", [FINDING])
    number = ask_for(server.database, "c", "review", "im on eliquis", decision=decision)
    page = browser.http.get(f"/desk/cases/C-{number}")
    assert "Blood thinners make bruises more likely." in page.text
    assert "<q>eliquis</q>" in page.text
    approved = browser.send(page, "approve")
    assert "Approved. The client has got the link to book." in approved.text
    assert "You approved it" in approved.text
    with server.database.reading() as session:
        last = session.query(StoredMessage).order_by(StoredMessage.seq.desc()).first()
        assert last.decision["token"].count(".") == 2
    again = browser.send(page, "decline")
    assert again.status_code == 409
    assert "This decision was approved already." in problem(again)


def test_declining_tells_the_client(server: DeskServer, browser: Browser) -> None:
    decision = screened(server.database, "c", "not_eligible", [FINDING])
    number = ask_for(server.database, "c", "not_eligible", "kidneys", decision=decision)
    declined = browser.send(browser.http.get(f"/desk/cases/C-{number}"), "decline")
    assert "Declined. The client has been told." in declined.text
    assert 'action="/desk/cases' in declined.text
    assert "/approve" not in declined.text


def test_a_case_is_taken_over_closed_with_a_note_and_reopened(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "a person")
    taken = browser.send(browser.http.get(f"/desk/cases/C-{number}"), "take-over")
    assert "The assistant is silent now." in taken.text
    assert "take-over" not in taken.text
    closed = browser.send(taken, "close", note="rang her <3")
    assert "rang her &lt;3" in closed.text
    assert 'name="text"' not in closed.text
    reopened = browser.send(closed, "reopen")
    assert "The case is open again." in reopened.text
    assert case(server, number).status == "open"


def test_a_session_that_was_held_is_noted_and_the_client_is_asked(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "question", "what should I wear?")
    page = browser.http.get(f"/desk/cases/C-{number}")
    assert "Noted. The client is asked" in browser.send(page, "held", day="").text
    with server.database.reading() as session:
        assert session.get(Checkin, "c").asked == "consent"
    assert "is no day" in problem(browser.send(page, "held", day="last week"))
    assert "still to come" in problem(browser.send(page, "held", day="2999-01-01"))
    with server.database.transaction() as session:
        session.get(Checkin, "c").consent = False
    assert "does not want to be asked" in problem(browser.send(page, "held", day=""))


# What else the desk shows


def test_what_was_not_delivered_can_be_tried_again(server: DeskServer, browser: Browser) -> None:
    with server.database.transaction() as session:
        outbox.add(session, outbox.EMAIL, "one", {"case": 1})
        session.flush()
        row = session.query(OutboxRow).filter_by(key="one").one()
        row.dead_at, row.problem, row.attempts, number = utcnow(), "The mail server is not there.", 9, row.id
    page = browser.http.get("/desk/undelivered")
    assert "The mail server is not there." in page.text
    assert "tried 9 times" in page.text
    assert "It is being sent again." in browser.send(page, f"undelivered/{number}/retry").text
    with server.database.reading() as session:
        assert session.get(OutboxRow, number).dead_at is None
    gone = browser.send(page, f"undelivered/{number}/retry")
    assert gone.status_code == 404
    assert "not waiting any more" in problem(gone)


def test_the_log_tells_who_opened_and_did_what(server: DeskServer, browser: Browser) -> None:
    number = ask_for(server.database, "c", "human", "my secret words")
    other = ask_for(server.database, "d", "human", "a person")
    browser.send(browser.http.get(f"/desk/cases/C-{number}"), "take-over")
    page = browser.http.get("/desk/log").text
    assert re.findall(r"<td>(looked at|took over|opened)</td>", page)[:3] == ["looked at", "took over", "looked at"]
    assert "my secret words" not in page
    only = browser.http.get(f"/desk/log?case={other}").text
    assert f"C-{other}" in only
    assert f"C-{number}" not in only


def test_a_summary_holds_what_is_needed_before_the_session(server: DeskServer, browser: Browser) -> None:
    decision = screened(server.database, "c", "modified", [FINDING])
    number = ask_for(server.database, "c", "modified", "im on eliquis", decision=decision)
    browser.send(browser.http.get(f"/desk/cases/C-{number}"), "reply", text="A gentler version then.")
    page = browser.http.get(f"/desk/cases/C-{number}/summary").text
    for part in ("A blood thinner", "eliquis", "Rules version 1.0", "A gentler version then."):
        assert part in page


def test_figures_are_pages_and_files(server: DeskServer, browser: Browser) -> None:
    asked = say(server.database, "c", "client", "=2+2 what does it cost?")
    with server.database.transaction() as session:
        session.query(StoredMessage).filter_by(seq=asked.seq).update({"answered": True})
        session.add(
            StoredMessage(
                id="r",
                conversation_id="c",
                sender="assistant",
                text="The handout does not say.",
                kind="not_in_handout",
                sources=[],
                buttons=[],
                reply_to=asked.seq,
            )
        )
    page = browser.http.get("/desk/insights")
    assert "what does it cost?" in page.text
    assert 'role="img" aria-label="Messages by the day: Client 1, Assistant 1, You 0 in all."' in page.text
    files = set(re.findall(r'href="(/desk/insights/\w+\.csv)', page.text))
    assert files >= {"/desk/insights/questions.csv", "/desk/insights/messages.csv"}
    for name in ("questions", "messages", "cases", "passages", "outcomes", "answers"):
        file = browser.http.get(f"/desk/insights/{name}.csv?days=90")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert file.headers["content-disposition"] == f'attachment; filename="{name}-90-days.csv"'
        assert file.headers["cache-control"] == "no-store"
        rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
        if name == "questions":
            assert rows[1][:2] == ["'=2+2 what does it cost?", "1"]
    assert browser.http.get("/desk/insights/nothing.csv").status_code == 404


# Live


def test_the_stream_tells_that_something_changed_and_nothing_else(server: DeskServer, browser: Browser) -> None:
    with browser.http.stream("GET", "/desk/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "event: changed"
        first = next(lines)
        ask_for(server.database, "c", "emergency", "secret words")
        told = next(line for line in lines if line.startswith("data: ") and line != first)
    assert re.fullmatch(r"data: [\d-]+", told)


def test_the_stream_ends_with_the_log_in(server: DeskServer, browser: Browser) -> None:
    with browser.http.stream("GET", "/desk/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        with server.database.transaction() as session:
            session.query(DeskSession).delete()
        ask_for(server.database, "c", "human", "a person")
        assert "event: closed" in list(lines)


def test_without_a_log_in_there_is_no_stream(server: DeskServer) -> None:
    assert httpx.get(f"{server.url}/desk/events").status_code == 401


# The log of the server


def test_no_words_and_no_password_get_into_the_servers_log(
    server: DeskServer, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    number = ask_for(server.database, "c", "human", "words of a client")
    with caplog.at_level(logging.INFO):
        browser.log_in("guessed-password")
        page = browser.http.get(f"/desk/cases/C-{number}")
        browser.send(page, "reply", text="words of the therapist " * 400)
        browser.send(page, "reply", csrf="made-up", text="words of the therapist")
        browser.http.get("/desk/", params={"q": "words somebody looked for"})
        browser.http.get("/desk/cases/words-in-an-address")
    # the test's own client logs addresses too
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("bot."))
    assert "The desk refused a request with 403" in logged
    assert "words" not in logged
    assert "guessed-password" not in logged
