"""Every state that chat and booking page can be in, each brought about on a page.

The server's part is told by canned answers, so that a state is the same every time: these states are looked at
and checked for accessibility. That the real server leads to them is other tests' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Chat

AT = "2026-11-23T10:{minute:02d}:00.000Z"
HELLO = (
    "Hello! I'm the automated assistant of Harbour Therapy. I give general information from the practice's IASTM "
    "handout; it is no substitute for medical advice. Ask me about the treatment, getting ready or aftercare, take "
    "the health screen, or ask for the therapist."
)
GREETING = ["What is IASTM?", "Does it hurt?", "Start the health screen", "Talk to the therapist"]
HURT = "Some discomfort is normal. Tell the therapist if it is too much, and also if it is not enough."
PASSED_ON = (
    "I've told the therapist that you would like to talk to them. Your case number is C-1042. You can expect an "
    "answer tomorrow by 17:00."
)
FINDINGS = [
    {"condition": "anticoagulants", "status": "present", "origin": "answer", "evidence": "yes", "source": "modified"},
    {"condition": "anticoagulants", "status": "present", "origin": "follow_up", "evidence": "warfarin, since May",
     "source": "modified"},
    {"condition": "varicose_veins", "status": "unsure", "origin": "answer", "evidence": "unsure", "source": "modified"},
    {"condition": "pregnancy", "status": "present", "origin": "text", "evidence": "I am 20 weeks along",
     "source": "practice.unlisted"},
]  # fmt: skip
ELIGIBLE = (
    "Thank you, that is everything. Nothing you told us speaks against a session, so you can book. Tell the "
    "therapist on the day if anything changes. This is valid for 30 days."
)
REVIEW = (
    "Thank you for telling us. The therapist should look at this before you book, so we can't confirm it here. Your "
    "case number is C-1042; you can expect an answer tomorrow by 17:00."
)
HEART = (
    "This could be your heart, so please don't wait. Call 999 now, even if it may turn out to be nothing. Stop what "
    "you are doing, sit down and rest, and don't drive. If someone is with you, keep them close. I have told the "
    "therapist; the practice is on 020 7946 0000."
)


def message(text: str, kind: str = "answer", sender: str = "assistant", **more: Any) -> Dict[str, Any]:
    """A message of the contract."""
    buttons = [{"title": title, "payload": f"/{number}"} for number, title in enumerate(more.pop("buttons", ()))]
    base = {"from": sender, "text": text, "kind": kind, "sources": [], "decision": None, "case": None}
    return {**base, "buttons": buttons, **more}


def decision(outcome: str, **more: Any) -> Dict[str, Any]:
    """A Decision of the contract."""
    base = {"id": "d", "outcome": outcome, "findings": [], "unanswered": [], "message": REVIEW, "rules_version": "1.0"}
    dates = {"decided_at": "2026-11-23T10:00:00Z", "valid_until": "2026-12-23T10:00:00Z"}
    return {**base, **dates, "token": None, "case": None, **more}


def mine(text: str) -> Dict[str, Any]:
    """Something that the client said."""
    return message(text, "notice", "client")


def hello() -> Dict[str, Any]:
    """The greeting."""
    return message(HELLO, "notice", buttons=GREETING)


def serve(page: Page, *messages: Dict[str, Any]) -> None:
    """Let the server open a conversation that already holds `messages`."""
    told = [{"id": f"m{number}", "at": AT.format(minute=number), **one} for number, one in enumerate(messages)]
    page.route("**/chat/sessions", lambda route: route.fulfill(status=201, json={"token": "t", "messages": told}))
    page.route("**/chat/history", lambda route: route.fulfill(json={"messages": told}))
    page.route("**/chat/events", lambda route: route.fulfill(status=404, json={}))


def conversation(*messages: Dict[str, Any]) -> Callable[[Chat], None]:
    """A state that is nothing but what was said."""

    def state(chat: Chat) -> None:
        serve(chat.page, hello(), *messages)
        chat.page.reload()
        chat.open()
        expect(chat.messages).to_have_count(len(messages) + 1)

    return state


def closed(chat: Chat) -> None:
    expect(chat.launcher).to_be_visible()


def unread(chat: Chat) -> None:
    serve(chat.page, hello(), message("Good morning, please come in at ten.", sender="therapist", case="C-1042"))
    chat.page.evaluate("() => localStorage.setItem(`iastm-assistant:${location.origin}/:token`, 't')")
    chat.page.evaluate("() => localStorage.setItem(`iastm-assistant:${location.origin}/:seen`, 'm0')")
    chat.page.reload()
    expect(chat.page.locator("iastm-assistant .badge")).to_be_visible()


def typing(chat: Chat) -> None:
    conversation()(chat)
    held: List[Route] = []
    chat.page.route("**/chat/messages", lambda route: held.append(route))
    chat.say("does it hurt?")
    expect(chat.page.locator(".typing")).to_be_visible()


def menu(chat: Chat) -> None:
    conversation(mine("does it hurt?"), message(HURT, sources=["pain"]))(chat)
    chat.page.get_by_role("button", name="More options").click()
    expect(chat.page.locator(".menu")).to_be_visible()


def deleting(chat: Chat) -> None:
    menu(chat)
    chat.page.locator(".menu").get_by_text("End and delete").click()
    expect(chat.page.get_by_role("button", name="Cancel")).to_be_focused()


def deleted(chat: Chat) -> None:
    chat.page.route("**/chat/session", lambda route: route.fulfill(status=204))
    deleting(chat)
    chat.page.get_by_role("button", name="Delete everything").click()
    expect(chat.dialog).to_contain_text("The conversation was deleted.")


def offline(chat: Chat) -> None:
    conversation(mine("does it hurt?"), message(HURT, sources=["pain"]))(chat)
    chat.page.context.set_offline(True)
    chat.say("what should I wear?")
    expect(chat.page.locator(".pending")).to_contain_text("Not sent yet")


def unreachable(chat: Chat) -> None:
    conversation()(chat)
    chat.page.route("**/chat/**", lambda route: route.abort("connectionrefused"))
    chat.say("what should I wear?")
    expect(chat.page.get_by_role("button", name="Try again")).to_be_visible()


def refused(chat: Chat) -> None:
    conversation()(chat)
    problem = {"title": "Conflict", "status": 409, "detail": "This was said already. Please say it in other words."}
    chat.page.route("**/chat/messages", lambda route: route.fulfill(status=409, json=problem))
    chat.say("what should I wear?")
    expect(chat.page.locator(".refused")).to_be_visible()


def expired(chat: Chat) -> None:
    conversation()(chat)
    chat.page.route("**/chat/messages", lambda route: route.fulfill(status=401, json={}))
    chat.say("is my bruise normal after six days?")
    expect(chat.dialog).to_contain_text("This conversation has ended")


def too_long(chat: Chat) -> None:
    conversation()(chat)
    chat.field.fill("It started on Monday. " * 100)
    expect(chat.page.locator("#limit")).to_contain_text("characters too many")


def file_dropped(chat: Chat) -> None:
    conversation()(chat)
    chat.page.locator("iastm-chat textarea").evaluate(
        """(field) => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "bruise.jpg"));
          field.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true, composed: true }));
        }"""
    )
    expect(chat.dialog).to_contain_text("Files and pictures cannot be sent here.")


CHAT: Dict[str, Callable[[Chat], None]] = {
    "closed": closed,
    "unread": unread,
    "greeting": conversation(),
    "typing": typing,
    "answer": conversation(mine("does it hurt?"), message(HURT, sources=["pain"])),
    "not-in-the-handout": conversation(
        mine("how much is a session?"),
        message(
            "The handout doesn't say anything about prices. Shall I pass your question to the therapist?",
            "not_in_handout",
            buttons=["Ask the therapist", "No, thanks"],
        ),
    ),
    "used-replies": conversation(
        mine("Start the health screen"),
        message("Do you have varicose veins?", "question", buttons=["Yes", "No", "I'm not sure", "Why do you ask?"]),
        mine("No"),
        message(
            "Do you have cancer, or have you ever had it?",
            "question",
            buttons=["Yes", "No", "I'm not sure", "Why do you ask?"],
        ),
    ),
    "may-book": conversation(
        mine("No"), message(ELIGIBLE, "decision", decision=decision("eligible", message=ELIGIBLE, token="e.y.J"))
    ),
    "therapist-looks-first": conversation(
        mine("I am 20 weeks along"),
        message(
            REVIEW,
            "decision",
            sources=["modified"],
            case="C-1042",
            decision=decision("review", findings=FINDINGS, case="C-1042"),
        ),
    ),
    "emergency": conversation(mine("crushing chest pain right now"), message(HEART, "emergency", case="C-1042")),
    "case": conversation(mine("Talk to the therapist"), message(PASSED_ON, "escalation", case="C-1042")),
    "therapist": conversation(
        mine("Talk to the therapist"),
        message(PASSED_ON, "escalation", case="C-1042"),
        message(
            "The therapist has joined and will answer you here. I'll stay silent until they are done.",
            "notice",
            case="C-1042",
        ),
        message(
            "Hello, this is Maria. A bruise can take its time. Is it still sore when you press it?",
            sender="therapist",
            case="C-1042",
        ),
    ),
    "menu": menu,
    "deleting": deleting,
    "deleted": deleted,
    "offline": offline,
    "unreachable": unreachable,
    "refused": refused,
    "expired": expired,
    "too-long": too_long,
    "file-dropped": file_dropped,
}


@dataclass
class Book:
    """The booking page, used by labels."""

    page: Page

    def begin(self) -> None:
        self.page.get_by_role("button", name="Yes, start").click()

    @property
    def question(self) -> str:
        return self.page.locator("iastm-check h2").inner_text()

    def choose(self, title: str) -> None:
        before = self.question
        self.page.get_by_role("button", name=title, exact=True).click()
        expect(self.page.locator("iastm-check h2")).not_to_have_text(before)

    def no(self, times: int) -> None:
        for _ in range(times):
            self.choose("No")


def intro(book: Book) -> None:
    expect(book.page.get_by_role("button", name="Yes, start")).to_be_visible()


def declined(book: Book) -> None:
    book.page.get_by_role("button", name="No, I would rather not").click()
    expect(book.page.locator("iastm-check")).to_contain_text("nothing was kept")


def question(book: Book) -> None:
    book.begin()
    book.page.get_by_text("Why do you ask?").click()
    book.page.get_by_text("Add something in your own words").click()


def follow_up(book: Book) -> None:
    book.begin()
    book.no(5)
    book.choose("Yes")


def free_words(book: Book) -> None:
    book.begin()
    book.no(10)
    book.page.get_by_role("button", name="Next").click()
    expect(book.page.get_by_role("alert")).to_be_visible()


def result(outcome: str, **more: Any) -> Callable[[Book], None]:
    """The end of the check, as the server decided it."""

    def state(book: Book) -> None:
        told = decision(outcome, **more)
        book.page.route("**/eligibility/checks", lambda route: route.fulfill(status=201, json=told))
        book.begin()
        book.no(10)
        book.choose("No, nothing else")

    return state


def no_connection(book: Book) -> None:
    book.page.route("**/eligibility/checks", lambda route: route.abort("connectionrefused"))
    book.begin()
    book.no(10)
    book.page.get_by_role("button", name="No, nothing else").click()
    expect(book.page.get_by_role("button", name="Try again")).to_be_visible()


BOOK: Dict[str, Callable[[Book], None]] = {
    "intro": intro,
    "declined": declined,
    "question": question,
    "follow-up": follow_up,
    "free-words": free_words,
    "no-connection": no_connection,
    "may-book": result("eligible", message=ELIGIBLE, token="e.y.J"),
    "therapist-looks-first": result("review", message=REVIEW, findings=FINDINGS, case="C-1042"),
    "urgent": result("urgent", message=HEART, case="C-1042"),
}
