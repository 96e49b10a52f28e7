"""The chat on another site: one line, a strict policy, hostile styles, and nothing asked from third parties."""

from __future__ import annotations

from typing import List

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Chat, Site
from tests.conftest import Running

HOSTILE = """
body * { all: unset !important; display: none !important; color: red !important; font-size: 4px !important; }
html { font-size: 3px; direction: rtl; } button, div, p { position: fixed !important; transform: rotate(9deg) !important; }
iastm-assistant { display: none !important; visibility: hidden !important; opacity: 0 !important; }
"""


def host(assistant: Running, styles: str = "", scripts: str = "") -> str:
    return (
        f"<!doctype html><html lang=en><head><title>Another practice</title><style nonce=n>{styles}</style>"
        f'<script src="{assistant.url}/widget.js" defer></script>{scripts}</head><body><p>Welcome</p></body></html>'
    )


def strict(assistant: Running) -> str:
    """A policy that allows the assistant's server and nothing else: no inline styles, no eval, no strings as markup."""
    return (
        f"default-src 'none'; script-src {assistant.url}; connect-src {assistant.url}; style-src 'nonce-n'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types lit-html"
    )


def test_one_line_embeds_it_under_a_strict_policy(context: BrowserContext, assistant: Running, site: Site) -> None:
    chat = Chat(context.new_page())
    chat.page.goto(site.page(host(assistant), Content_Security_Policy=strict(assistant)))
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_contain_text("discomfort")
    chat.page.reload()
    expect(chat.of("answer")).to_contain_text("discomfort")
    with chat.page.expect_download() as download:
        chat.option("Save this conversation")
    assert "discomfort" in download.value.path().read_text(encoding="utf-8")
    chat.option("End and delete")
    chat.page.get_by_role("button", name="Delete everything").click()
    expect(chat.dialog).to_contain_text("The conversation was deleted.")
    assert chat.wrong == []


def test_it_asks_nobody_else_for_anything_and_leaves_no_cookie(
    context: BrowserContext, assistant: Running, site: Site
) -> None:
    asked: List[str] = []
    chat = Chat(context.new_page())
    chat.page.on("request", lambda request: asked.append(request.url))
    chat.page.goto(site.page(host(assistant)))
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    ours = (assistant.url, site.url, "blob:")
    assert [url for url in asked if not url.startswith(ours)] == []
    assert context.cookies() == []


def test_it_looks_the_same_on_a_page_with_hostile_styles(
    context: BrowserContext, assistant: Running, site: Site
) -> None:
    looks = []
    for path, styles in (("/kind", ""), ("/hostile", HOSTILE)):
        chat = Chat(context.new_page())
        chat.page.goto(site.page(host(assistant, styles), path))
        chat.launcher.click()
        expect(chat.messages.first).to_be_visible()
        text = chat.messages.first.locator(".text")
        looks.append(
            text.evaluate(
                "(one) => { const s = getComputedStyle(one); return [s.fontSize, s.color, s.display, s.fontFamily]; }"
            )
        )
        looks[-1].append(chat.launcher.evaluate("(one) => getComputedStyle(one).fontSize"))
        box = chat.dialog.bounding_box()
        assert box is not None
        assert box["width"] > 350
        chat.page.close()
    assert looks[0] == looks[1]


def test_a_theme_is_set_by_custom_properties(context: BrowserContext, assistant: Running, site: Site) -> None:
    chat = Chat(context.new_page())
    chat.page.goto(site.page(host(assistant, "iastm-assistant { --assistant-accent: rgb(120, 20, 90); }")))
    expect(chat.launcher).to_have_css("background-color", "rgb(120, 20, 90)")
    chat.open()
    expect(chat.page.get_by_role("button", name="Send")).to_have_css("background-color", "rgb(120, 20, 90)")


def test_two_embedding_lines_make_one_chat(context: BrowserContext, assistant: Running, site: Site) -> None:
    again = f'<script src="{assistant.url}/widget.js" defer></script>'
    chat = Chat(context.new_page())
    chat.page.goto(site.page(host(assistant, scripts=again)))
    expect(chat.launcher).to_have_count(1)
    assert chat.wrong == []


def test_without_the_server_the_button_says_what_to_do(context: BrowserContext, assistant: Running, site: Site) -> None:
    chat = Chat(context.new_page())
    context.route("**/widget/*.js", lambda route: route.abort("connectionrefused"))
    chat.page.goto(site.page(host(assistant)))
    chat.launcher.click()
    expect(chat.page.get_by_role("alert")).to_contain_text("The chat could not be loaded. Check your connection")
    context.unroute_all(behavior="ignoreErrors")
    chat.open()
    expect(chat.page.locator(".problem")).to_be_hidden()
