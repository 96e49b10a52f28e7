"""The chat without a mouse, with a screen reader, and for people who are made ill by motion."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Chat
from tests.browser.states import conversation, message, serve
from tests.conftest import Running

FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  // nothing of the page: the browser's own controls have the focus
  if (element === document.body) return "";
  return element?.getAttribute("aria-label") || element?.id || element?.textContent.trim();
}"""


def focused(chat: Chat) -> str:
    return str(chat.page.evaluate(FOCUSED))


def tab_to(chat: Chat, name: str) -> None:
    for _ in range(40):
        if name in focused(chat):
            return
        chat.page.keyboard.press("Tab")
    raise AssertionError(f"{name!r} cannot be reached with the Tab key")


def test_a_whole_conversation_is_held_by_keyboard(chat: Chat) -> None:
    keys = chat.page.keyboard
    chat.launcher.focus()
    keys.press("Enter")
    expect(chat.messages).to_have_count(1)
    expect(chat.field).to_be_focused()
    keys.type("does it hurt?")
    keys.press("Shift+Enter")
    keys.type("I am a bit afraid")
    keys.press("Enter")
    expect(chat.of("answer").first).to_contain_text("discomfort")
    expect(chat.field).to_be_focused()
    tab_to(chat, "More options")
    keys.press("Enter")
    tab_to(chat, "Start a new conversation")
    keys.press("Enter")
    tab_to(chat, "Start anew")
    keys.press("Enter")
    expect(chat.messages).to_have_count(1)
    tab_to(chat, "Talk to the therapist")
    keys.press("Enter")
    expect(chat.of("escalation")).to_have_count(1)
    assert "Talk to the therapist" in focused(chat)
    keys.press("Escape")
    expect(chat.dialog).to_be_hidden()
    expect(chat.launcher).to_be_focused()


def test_escape_closes_what_is_open_one_after_the_other(chat: Chat) -> None:
    chat.open()
    chat.option("End and delete")
    expect(chat.page.get_by_role("button", name="Cancel")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(chat.page.get_by_role("button", name="More options")).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.page.locator(".menu")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.page.locator(".menu")).to_have_count(0)
    expect(chat.dialog).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.dialog).to_be_hidden()


def test_keys_in_the_chat_are_not_the_pages_shortcuts(chat: Chat) -> None:
    chat.open()
    chat.page.evaluate("() => { window.heard = []; addEventListener('keydown', (event) => heard.push(event.key)); }")
    chat.field.press("s")
    assert chat.page.evaluate("() => window.heard") == []


def test_a_message_that_arrives_takes_the_focus_from_nobody(chat: Chat) -> None:
    serve(chat.page, message("Hello!", "notice"))
    chat.open()
    chat.page.get_by_role("link", name="Contact").focus()
    later = {"id": "m9", "at": "2026-11-23T11:00:00Z", **message("The therapist is here.", sender="therapist")}
    greeting = {"id": "m0", "at": "2026-11-23T10:00:00Z", **message("Hello!", "notice")}
    chat.page.route("**/chat/history", lambda route: route.fulfill(json={"messages": [greeting, later]}))
    chat.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(chat.messages).to_have_count(2)
    expect(chat.page.get_by_role("link", name="Contact")).to_be_focused()
    expect(chat.page.locator(".live[role=status]")).to_have_text("The therapist: The therapist is here.")


def test_what_is_said_is_read_out_once_and_an_emergency_at_once(chat: Chat) -> None:
    chat.open()
    chat.say("does it hurt?")
    expect(chat.page.locator(".live[role=status]")).to_contain_text("discomfort")
    chat.say("crushing chest pain right now")
    expect(chat.page.locator(".live[role=alert]")).to_contain_text("Call 999")
    expect(chat.page.locator(".live[role=status]")).not_to_contain_text("Call 999")


def test_on_a_phone_nothing_behind_the_chat_can_be_reached(context: BrowserContext, assistant: Running) -> None:
    chat = Chat(context.new_page())
    chat.page.set_viewport_size({"width": 320, "height": 568})
    chat.page.goto(assistant.url)
    chat.open()
    for _ in range(25):
        chat.page.keyboard.press("Tab")
        assert "Booking" not in focused(chat)
    chat.page.keyboard.press("Escape")
    expect(chat.dialog).to_be_hidden()


def test_nothing_moves_for_people_who_asked_for_less_motion(context: BrowserContext, assistant: Running) -> None:
    chat = Chat(context.new_page())
    chat.page.emulate_media(reduced_motion="reduce")
    chat.page.goto(assistant.url)
    conversation()(chat)
    chat.page.route("**/chat/messages", lambda route: None)
    chat.say("does it hurt?")
    expect(chat.page.locator(".typing")).to_be_visible()
    running = "() => document.getAnimations().filter((one) => one.playState === 'running').length"
    assert chat.page.evaluate(running) == 0


def test_right_to_left_pages_get_a_mirrored_chat(context: BrowserContext, assistant: Running) -> None:
    chat = Chat(context.new_page())
    chat.page.route(
        "**/rtl",
        lambda route: route.fulfill(
            content_type="text/html",
            body="<!doctype html><html dir=rtl lang=ar><title>x</title><script src=/widget.js defer></script>",
        ),
    )
    chat.page.goto(f"{assistant.url}/rtl")
    chat.open()
    box = chat.dialog.bounding_box()
    assert box is not None
    assert box["x"] < 100
    expect(chat.dialog).to_have_css("direction", "rtl")
