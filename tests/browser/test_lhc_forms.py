"""The FHIR Questionnaire in an independent form renderer: LHC-Forms of the US National Library of Medicine.

What a booking site with a FHIR form would show, and what it would send back.
"""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from bot.eligibility.fhir import questionnaire, read_response
from bot.screening import Rulebook
from bot.settings import ROOT

FORMS = ROOT / ".tools" / "lforms" / "package" / "dist" / "lforms"
SITE = "http://forms.example"
SCRIPTS = (
    "webcomponent/assets/lib/zone.min.js",
    "webcomponent/lhc-forms.js",
    "fhir/R4/lformsFHIR.min.js",
)
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Form</title><link rel="stylesheet" href="/webcomponent/styles.css">'
    '<body><div id="form"></div>' + "".join(f'<script src="/{name}"></script>' for name in SCRIPTS) + "</body></html>"
)

RULES = Rulebook.load()


def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(SITE).lstrip("/").partition("?")[0]
    file = FORMS / path
    if not path:
        route.fulfill(body=PAGE, content_type="text/html")
    elif file.is_file():
        route.fulfill(path=str(file), content_type=mimetypes.guess_type(Path(path).name)[0] or "text/plain")
    else:
        route.fulfill(status=404)


@pytest.fixture(scope="module")
def form(browser: Browser) -> Iterator[Page]:
    assert FORMS.is_dir(), "LHC-Forms is not there: run `make test`, or tools/lforms.sh .tools/lforms"
    page = browser.new_page()
    page.route("**/*", _serve)
    page.goto(f"{SITE}/")
    page.wait_for_function("window.LForms && LForms.Util && LForms.FHIR")
    error = page.evaluate(
        "form => LForms.Util.addFormToPage(form, 'form', {fhirVersion: 'R4'}).then(() => '', e => String(e))",
        questionnaire(RULES),
    )
    assert error == ""
    yield page
    page.close()


def answered(page: Page) -> Dict[str, Any]:
    """The QuestionnaireResponse that the form would send."""
    return json.loads(
        page.evaluate("JSON.stringify(LForms.Util.getFormFHIRData('QuestionnaireResponse', 'R4', document.body))")
    )


def choose(page: Page, question: str, title: str) -> None:
    """Pick an option of a question by what a person reads."""
    field = page.get_by_role("combobox", name=question)
    field.click()
    field.fill(title)
    field.press("ArrowDown")
    field.press("Enter")


def test_every_question_is_shown_and_no_follow_up_before_its_answer(form: Page) -> None:
    for item in RULES.items:
        expect(form.get_by_text(item.question, exact=True).first).to_be_visible()
        for follow_up in item.follow_ups:
            expect(form.get_by_text(follow_up.question, exact=True)).to_have_count(0)


def test_an_untouched_form_answers_nothing(form: Page) -> None:
    submission = read_response(answered(form), RULES, consent=True)
    assert (submission.answers, submission.follow_ups) == ({}, {})


@pytest.mark.parametrize("item", [item for item in RULES.items if item.id != "other"], ids=lambda item: item.id)
def test_yes_shows_its_follow_ups_and_the_answers_come_back(form: Page, item: Any) -> None:
    choose(form, item.question, RULES.interview["option_yes"])
    for follow_up in item.follow_ups:
        expect(form.get_by_text(follow_up.question, exact=True).first).to_be_visible()
    assert read_response(answered(form), RULES, consent=True).answers[item.id] == "yes"


def test_free_words_come_back_as_they_were_written(form: Page) -> None:
    words = "A bit stiff, otherwise well."
    other = next(item for item in RULES.items if item.id == "other")
    form.get_by_role("textbox", name=other.question).fill(words)
    assert read_response(answered(form), RULES, consent=True).text == words
