"""The chat in a real browser, talking to the real running assistant: what a client does with it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import List

import httpx
import pytest
from playwright.sync_api import BrowserContext, Route, expect

from bot.channels.tokens import AUDIENCE
from tests.browser.conftest import OPEN, Chat
from tests.conftest import Running

ATTACKS = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "</p></li></ol><iframe srcdoc='<script>parent.document.title=1</script>'>",
    "javascript:document.title='owned'",
    "${document.title='owned'} {{constructor.constructor('document.title=1')()}}",
    '"><svg/onload=document.title=1>',
]


def test_it_greets_when_it_is_opened_and_answers_with_its_source(chat: Chat) -> None:
    chat.open()
    expect(chat.messages.first).to_contain_text("automated assistant")
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_contain_text("discomfort")
    expect(chat.of("answer").locator(".source")).to_contain_text("From your handout: discomfort")


def test_a_screen_runs_to_a_decision_with_buttons_alone(chat: Chat) -> None:
    chat.open()
    chat.press("Start the health screen")
    chat.press("Yes, that's fine")
    for number in range(11):
        expect(chat.of("question")).to_have_count(number + 2)
        chat.press("No")
    expect(chat.of("decision")).to_contain_text("You can book")
    link = chat.page.get_by_role("link", name="Book your session")
    expect(link).to_have_attribute("href", re.compile(r"^https://booking\.example/iastm\?token=ey"))


def test_an_old_decision_gets_a_fresh_token_before_booking(chat: Chat, context: BrowserContext) -> None:
    test_a_screen_runs_to_a_decision_with_buttons_alone(chat)
    link = chat.page.get_by_role("link", name="Book your session")
    before = link.get_attribute("href")
    chat.page.reload()
    context.route("https://booking.example/**", lambda route: route.fulfill(body="booked"))
    with context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url("https://booking.example/**")
    assert opened.value.url.startswith("https://booking.example/iastm?token=ey")
    assert opened.value.url != before


def test_a_used_button_cannot_be_pressed_again_and_the_choice_stays_readable(chat: Chat) -> None:
    chat.open()
    chat.press("Talk to the therapist")
    expect(chat.of("escalation")).to_contain_text("C-")
    chosen = chat.messages.first.locator("button.chosen")
    expect(chosen).to_be_disabled()
    expect(chosen).to_contain_text("Talk to the therapist, chosen")
    expect(chat.messages.first.locator("button:not([aria-disabled=true])")).to_have_count(0)
    chosen.click(force=True)
    expect(chat.mine).to_have_count(1)


def test_a_case_and_where_it_stands_are_shown(chat: Chat) -> None:
    chat.open()
    chat.press("Talk to the therapist")
    expect(chat.of("escalation").locator(".case")).to_contain_text(re.compile(r"Case C-\d+"))
    expect(chat.dialog.locator(".head")).to_contain_text(re.compile(r"Case C-\d+: the therapist has it"))


def test_an_emergency_offers_a_call(chat: Chat) -> None:
    chat.open()
    chat.say("crushing chest pain right now")
    card = chat.of("emergency")
    expect(card).to_contain_text("This may be an emergency")
    expect(card.get_by_role("link", name="Call 999")).to_have_attribute("href", "tel:999")
    expect(card.get_by_role("link", name="Practice:")).to_have_attribute("href", "tel:02079460000")


def test_the_conversation_survives_a_reload_and_stays_open(chat: Chat) -> None:
    chat.open()
    chat.say("what should I wear?")
    expect(chat.of("answer")).to_contain_text("tank top")
    chat.page.reload()
    expect(chat.of("answer")).to_contain_text("tank top")
    expect(chat.mine).to_have_count(1)


def test_words_that_were_not_sent_survive_a_reload(chat: Chat) -> None:
    chat.open()
    chat.field.fill("I was going to ask")
    chat.page.reload()
    expect(chat.field).to_have_value("I was going to ask")


def test_without_a_connection_words_are_kept_and_sent_once_when_it_is_back(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    context.set_offline(True)
    chat.say("what is iastm?")
    chat.say("does it hurt?")
    expect(chat.dialog.get_by_text("You are offline")).to_contain_text("In an emergency, call 999")
    expect(chat.page.locator(".pending")).to_have_count(2)
    context.set_offline(False)
    expect(chat.of("answer")).to_have_count(2)
    expect(chat.page.locator(".pending")).to_have_count(0)
    expect(chat.mine).to_have_text([re.compile("what is iastm"), re.compile("does it hurt")])
    expect(chat.dialog.get_by_text("You are offline")).to_be_hidden()


def test_a_lost_answer_is_asked_for_again_and_nothing_is_said_twice(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    lost: List[str] = []

    def lose(route: Route) -> None:
        # the message arrives, the answer does not
        lost.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort()

    context.route("**/chat/messages", lose, times=1)
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    expect(chat.mine).to_have_count(1)
    chat.page.reload()
    expect(chat.of("answer")).to_have_count(1)
    assert len(lost) == 1


def test_on_a_slow_network_the_assistant_is_seen_to_write(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    network = context.new_cdp_session(chat.page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 1500, "downloadThroughput": 10_000, "uploadThroughput": 10_000},
    )
    chat.say("does it hurt?")
    expect(chat.page.locator(".typing")).to_be_visible()
    expect(chat.of("answer")).to_have_count(1)
    expect(chat.page.locator(".typing")).to_have_count(0)


def test_two_tabs_show_the_same_conversation(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    other = Chat(context.new_page())
    other.page.goto(chat.page.url)
    other.open()
    expect(other.messages).to_have_count(1)
    chat.say("does it hurt?")
    expect(other.of("answer")).to_contain_text("discomfort")
    other.say("what should I wear?")
    expect(chat.of("answer")).to_have_count(2)
    expect(chat.mine).to_have_count(2)
    expect(other.mine).to_have_count(2)
    chat.option("Start a new conversation")
    chat.page.get_by_role("button", name="Start anew").click()
    expect(chat.messages).to_have_count(1)
    expect(other.messages).to_have_count(1)
    assert chat.token() == other.token()
    assert other.wrong == []


def test_a_restart_forgets_an_answer_that_is_still_on_its_way(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    held: List[Route] = []
    context.route("**/chat/messages", lambda route: held.append(route), times=1)
    chat.say("does it hurt?")
    expect(chat.page.locator(".typing")).to_be_visible()
    before = chat.token()
    chat.option("Start a new conversation")
    chat.page.get_by_role("button", name="Start anew").click()
    expect(chat.mine).to_have_count(0)
    expect(chat.messages).to_have_count(1)
    held[0].continue_()
    chat.say("what should I wear?")
    expect(chat.of("answer")).to_have_count(1)
    expect(chat.of("answer")).to_contain_text("tank top")
    assert chat.token() != before


def test_end_and_delete_leaves_nothing_here_and_at_the_practice(chat: Chat, assistant: Running) -> None:
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    headers = {"Authorization": f"Bearer {chat.token()}"}
    assert httpx.get(f"{assistant.url}/chat/history", headers=headers).status_code == 200
    chat.option("End and delete")
    chat.page.get_by_role("button", name="Delete everything").click()
    expect(chat.dialog).to_contain_text("The conversation was deleted.")
    expect(chat.messages).to_have_count(0)
    assert chat.token() is None
    assert httpx.get(f"{assistant.url}/chat/history", headers=headers).status_code in (401, 404)
    chat.page.get_by_role("button", name="Start a new conversation").click()
    expect(chat.messages).to_have_count(1)


def test_the_conversation_can_be_saved(chat: Chat) -> None:
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    with chat.page.expect_download() as download:
        chat.option("Save this conversation")
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("Conversation with Harbour Therapy")
    assert "does it hurt?" in text
    assert "discomfort" in text
    with chat.page.expect_download() as everything:
        chat.option("Save everything kept about you")
    assert "does it hurt?" in everything.value.path().read_text(encoding="utf-8")


def test_a_token_that_has_expired_keeps_the_words_and_tells_what_to_do(chat: Chat, assistant: Running) -> None:
    chat.open()
    expired = forged(chat.token(), datetime.now(timezone.utc) - timedelta(days=1))
    chat.page.evaluate(
        "() => document.querySelector('iastm-assistant').shadowRoot.querySelector('iastm-chat').remove()"
    )
    chat.keep("token", expired)
    chat.keep("queue", '[{"key": "0123456789abcdef", "text": "is my bruise normal?", "state": "waiting"}]')
    chat.page.reload()
    expect(chat.dialog).to_contain_text("This conversation has ended or was open for too long.")
    expect(chat.field).to_have_value("is my bruise normal?")
    chat.page.get_by_role("button", name="Start a new conversation").click()
    expect(chat.messages).to_have_count(1)
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.mine).to_contain_text("is my bruise normal?")


def forged(token: str | None, expires: datetime) -> str:
    import jwt

    claims = jwt.decode(token or "", options={"verify_signature": False}, audience=AUDIENCE)
    return jwt.encode({**claims, "exp": expires}, "another key", algorithm="HS256")


def test_a_server_that_is_gone_is_told_and_waited_for(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    context.route("**/chat/**", lambda route: route.abort("connectionrefused"))
    chat.say("does it hurt?")
    expect(chat.dialog.get_by_text("cannot be reached right now")).to_contain_text("In an emergency, call 999")
    context.unroute_all(behavior="ignoreErrors")
    chat.page.get_by_role("button", name="Try again").click()
    expect(chat.of("answer")).to_have_count(1)


def test_a_refusal_is_told_at_the_message_and_can_be_edited(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    problem = '{"title": "Invalid", "status": 422, "detail": "Please say it in other words."}'
    context.route(
        "**/chat/messages",
        lambda route: route.fulfill(status=422, content_type="application/problem+json", body=problem),
        times=1,
    )
    chat.say("does it hurt?")
    expect(chat.page.locator(".refused")).to_contain_text("Not sent. Please say it in other words.")
    chat.page.get_by_role("button", name="Edit").click()
    expect(chat.field).to_have_value("does it hurt?")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.of("answer")).to_have_count(1)
    expect(chat.mine).to_have_count(1)


def test_too_many_messages_wait_as_long_as_the_server_asks(chat: Chat, context: BrowserContext) -> None:
    chat.open()
    problem = '{"title": "Too many requests", "status": 429, "detail": "Please wait 2 seconds."}'
    headers = {"Retry-After": "2", "Access-Control-Allow-Origin": "*"}
    context.route(
        "**/chat/messages",
        lambda route: route.fulfill(status=429, headers=headers, content_type="application/problem+json", body=problem),
        times=1,
    )
    chat.say("does it hurt?")
    expect(chat.dialog.get_by_text("It goes out by itself in 2 seconds.")).to_be_visible()
    expect(chat.of("answer")).to_have_count(1)


@pytest.mark.parametrize("attack", ATTACKS)
def test_markup_in_a_message_is_shown_as_text(chat: Chat, attack: str) -> None:
    chat.open()
    chat.say(attack)
    expect(chat.mine.locator(".text")).to_have_text(attack)
    expect(chat.messages).not_to_have_count(2)
    chat.page.reload()
    expect(chat.mine.locator(".text")).to_have_text(attack)
    assert chat.page.title().startswith("Harbour Therapy")
    assert chat.page.locator("iastm-chat :is(img, iframe, script)").count() == 0


def test_markup_in_everything_the_server_says_is_shown_as_text(chat: Chat, context: BrowserContext) -> None:
    bad = ATTACKS[0]
    finding = {"condition": bad, "status": "present", "origin": "text", "evidence": bad, "source": bad}
    decision = {"id": bad, "outcome": "review", "findings": [finding], "unanswered": [], "message": bad,
        "rules_version": bad, "decided_at": "2026-11-23T10:00:00Z", "valid_until": None, "token": bad, "case": bad}  # fmt: skip
    message = {"id": "1", "from": "assistant", "at": "2026-11-23T10:00:00Z", "text": bad, "kind": "decision",
        "sources": [bad], "buttons": [{"title": bad, "payload": bad}], "decision": decision, "case": bad}  # fmt: skip
    context.route(
        "**/chat/sessions", lambda route: route.fulfill(status=201, json={"token": bad, "messages": [message]})
    )
    practice = {"name": bad, "phone": bad, "emergency_number": bad, "booking_url": "javascript:alert(1)",
        "titles": {bad: bad}, "conditions": {bad: bad}, "longest_message": 2000}  # fmt: skip
    context.route("**/widget/config.json", lambda route: route.fulfill(json=practice))
    chat.open()
    expect(chat.of("decision")).to_contain_text(bad)
    assert chat.page.title().startswith("Harbour Therapy")
    assert chat.page.locator("iastm-chat :is(img, iframe, script, a[href^=javascript])").count() == 0


def test_a_hundred_kilobytes_are_not_sent_and_not_lost(chat: Chat) -> None:
    chat.open()
    chat.field.fill("x" * 100_000)
    expect(chat.dialog).to_contain_text("98,000 characters too many")
    chat.page.get_by_role("button", name="Send").click(force=True)
    expect(chat.mine).to_have_count(0)
    assert len(chat.field.input_value()) == 100_000
    chat.field.fill("does it hurt?")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.of("answer")).to_have_count(1)


def test_a_dropped_file_is_refused_in_a_sentence_and_the_page_stays(chat: Chat) -> None:
    chat.open()
    chat.page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "bruise.jpg", { type: "image/jpeg" }));
          const target = document.querySelector("iastm-assistant").shadowRoot.querySelector("iastm-chat").shadowRoot
            .querySelector("textarea");
          const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true, composed: true });
          if (target.dispatchEvent(drop)) throw new Error("the browser would open the file");
        }"""
    )
    expect(chat.dialog).to_contain_text("Files and pictures cannot be sent here.")


def test_right_to_left_overrides_stay_inside_their_message(chat: Chat) -> None:
    chat.open()
    chat.say("\u202eabc \u2067def")
    expect(chat.mine.locator(".text")).to_have_css("unicode-bidi", "isolate")
    expect(chat.messages).not_to_have_count(2)


def test_without_storage_it_works_and_says_that_nothing_is_kept(context: BrowserContext, assistant: Running) -> None:
    context.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get() { throw new DOMException('off', 'SecurityError'); } });"
    )
    chat = Chat(context.new_page())
    chat.page.goto(assistant.url)
    chat.open()
    expect(chat.dialog).to_contain_text("This browser keeps nothing")
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    assert chat.wrong == []


def test_with_full_storage_it_works_and_says_that_nothing_is_kept(context: BrowserContext, assistant: Running) -> None:
    context.add_init_script("localStorage.clear(); localStorage.setItem('host', 'x'.repeat(5 * 1024 * 1024 - 60));")
    chat = Chat(context.new_page())
    chat.page.goto(assistant.url)
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    expect(chat.dialog).to_contain_text("This browser keeps nothing")
    assert chat.wrong == []


def test_a_wrong_clock_changes_nothing(context: BrowserContext, assistant: Running) -> None:
    chat = Chat(context.new_page())
    chat.page.clock.set_fixed_time(datetime(2001, 1, 1))
    chat.page.goto(assistant.url)
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    expect(chat.messages.first.locator(".day")).not_to_contain_text("January")
    assert chat.wrong == []


def test_the_interface_speaks_spanish(context: BrowserContext, assistant: Running, site: object) -> None:
    page = context.new_page()
    page.route("**/spanish", lambda route: route.fulfill(
        content_type="text/html",
        body=f"<!doctype html><html lang=es><title>x</title><script src='{assistant.url}/widget.js' defer></script>",
    ))  # fmt: skip
    page.goto(f"{assistant.url}/spanish")
    page.get_by_role("button", name="¿Preguntas? Escríbanos").click()
    expect(page.get_by_label("Su mensaje")).to_be_visible()
    expect(page.get_by_role("group", name="Respuestas sugeridas")).to_be_visible()


def test_a_button_of_the_page_opens_the_chat_and_asks(chat: Chat) -> None:
    chat.page.get_by_role("button", name="What should I wear?").click()
    expect(chat.of("answer")).to_contain_text("tank top")


def test_messages_that_came_meanwhile_are_counted_on_the_closed_launcher(chat: Chat) -> None:
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    chat.page.get_by_role("button", name="Close the chat").first.click()
    first = chat.page.evaluate(
        """async (token) => (await (await fetch("/chat/history", { headers: { Authorization: `Bearer ${token}` } }))
        .json()).messages[0].id""",
        chat.token(),
    )
    chat.keep("seen", first)
    chat.page.reload()
    expect(chat.page.get_by_role("button", name=f"{OPEN} 1 unread message")).to_be_visible()
    chat.launcher.click()
    expect(chat.of("answer")).to_be_visible()
    expect(chat.page.locator(".badge").first).to_be_hidden()
