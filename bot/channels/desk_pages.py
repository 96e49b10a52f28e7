"""What each page of the desk holds, and what each of its forms does.

Every function takes the visit of somebody who is logged in and returns an
answer; it runs in a thread of its own. Cookies, forms' tokens and problems are
`bot.channels.desk`'s.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence, Tuple
from urllib.parse import urlencode

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, redirect
from sqlalchemy.orm import Session

from bot.channels.live import Live
from bot.channels.problems import Problem
from bot.channels.service import service
from bot.desk import insights as figures
from bot.desk import queries
from bot.desk.account import THERAPIST, Account, LoggedIn
from bot.desk.findings import ExplainedFinding, explained
from bot.desk.queries import CaseFile
from bot.dialogue.casework import LONGEST_REPLY, Casework
from bot.dialogue.checkins import CheckinError, Checkins
from bot.escalation import CaseError, outbox
from bot.escalation.cases import case_of
from bot.handout import Handout
from bot.handout.model import CANNED
from bot.screening import Rulebook
from bot.store.database import Database
from bot.store.models import DecisionRecord
from bot.web.desk import PRIVATE, Pages

if TYPE_CHECKING:
    from bot.desk.questions import QuestionGroup

# what a page says after a form was taken, by the name that the address carries
TOLD = {
    "reply": "Your reply is on its way to the client.",
    "take_over": "You have taken over. The assistant is silent now.",
    "approve": "Approved. The client has got the link to book.",
    "decline": "Declined. The client has been told.",
    "close": "The case is closed. The assistant answers this client again.",
    "reopen": "The case is open again.",
    "retry": "It is being sent again.",
    "held": "Noted. The client is asked how it went, if they want to be.",
}


@dataclass(frozen=True)
class Desk:
    """What the desk works with, in one server process."""

    database: Database
    casework: Casework
    checkins: Checkins
    account: Account
    live: Live
    pages: Pages
    rulebook: Rulebook
    titles: Mapping[str, str]
    canned: Mapping[str, str]
    zone: str
    secure: bool


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is logged in.

    Attributes:
        refreshing: the page asks by itself, nobody has gone to it.
        seen: somebody can see the page.
    """

    desk: Desk
    request: Request
    login: LoggedIn
    refreshing: bool = False
    seen: bool = True

    def show(self, session: Session, template: str, status: int = 200, **values: Any) -> HTTPResponse:
        """A page with the desk's head."""
        values.setdefault("counts", queries.counts(session))
        return self.desk.pages.show(
            template,
            status,
            csrf=self.login.csrf,
            version=queries.version(session),
            told=TOLD.get(str(self.request.args.get("done", "")), ""),
            **values,
        )

    def argument(self, name: str) -> str:
        """A value of the address."""
        return clean(str(self.request.args.get(name, "")))

    def field(self, name: str) -> str:
        """A value of the form, as a person wrote it."""
        return clean(str(self.request.form.get(name, "")))

    @property
    def page(self) -> int:
        """The page number in the address, from 1."""
        told = self.argument("page")
        return max(1, int(told)) if told.isdecimal() and len(told) < 5 else 1

    def further(self, page: int) -> str:
        """The address of another page of the same list."""
        kept = {name: self.argument(name) for name in ("show", "q", "case") if self.argument(name)}
        return f"{self.request.path}?{urlencode({**kept, 'page': page})}"


Page = Callable[..., HTTPResponse]
Action = Callable[..., HTTPResponse]


def desk(app: Sanic) -> Desk:
    """The process's desk, built at first use."""
    found: Optional[Desk] = getattr(app.ctx, "desk", None)
    if found is None:
        parts = service(app)
        handout = Handout.load()
        found = Desk(
            database=parts.database,
            casework=parts.casework,
            checkins=parts.checkins,
            account=Account(parts.database),
            live=parts.live,
            pages=pages(app),
            rulebook=Rulebook.load(),
            titles={passage.id: passage.title for passage in handout.passages},
            canned={name: handout.say(f"canned.{name}") for name in CANNED},
            zone=parts.settings.timezone,
            secure=parts.settings.public_url.startswith("https:"),
        )
        app.ctx.desk = found
    return found


def pages(app: Sanic) -> Pages:
    """The process's pages; they need no database, so that a problem with it can be shown on one."""
    found: Optional[Pages] = getattr(app.ctx, "desk_pages", None)
    if found is None:
        found = Pages(service(app).settings)
        app.ctx.desk_pages = found
    return found


def clean(text: str) -> str:
    """`text` with plain line ends, without other control characters and lone surrogates."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


def cases(visit: Visit) -> HTTPResponse:
    """The list."""
    search = visit.argument("q").strip()[: queries.LONGEST_SEARCH]
    shown = visit.argument("show") if visit.argument("show") in queries.SHOWN else "open"
    with visit.desk.database.reading() as session:
        found = queries.list_cases(session, shown, search, visit.page)
        return visit.show(
            session,
            "cases",
            lines=found.lines,
            more=found.more,
            counts=found.counts,
            search=search,
            shown=shown,
            shown_names=queries.SHOWN,
            page=visit.page,
            address=visit.further,
        )


def case(visit: Visit, label: str) -> HTTPResponse:
    """One case. Who goes to it is logged, and it counts as read."""
    number = _number(label)
    with visit.desk.database.transaction() as session:
        if not visit.refreshing:
            visit.desk.casework.view(session, number, THERAPIST)
        file = queries.case_file(session, number, whole=visit.argument("whole") == "1")
        if visit.seen:
            queries.mark_read(session, file)
        draft = visit.desk.canned.get(visit.argument("canned"), "")
        return _case_page(visit, session, file, draft=draft)


def summary(visit: Visit, label: str) -> HTTPResponse:
    """One case to print before the session."""
    number = _number(label)
    with visit.desk.database.transaction() as session:
        visit.desk.casework.view(session, number, THERAPIST)
        file = queries.case_file(session, number, whole=True)
        return visit.show(
            session,
            "summary",
            file=file,
            decisions=_with_findings(visit, file),
            replies=[message for message in file.messages if message.sender == "therapist"],
        )


def undelivered(visit: Visit) -> HTTPResponse:
    """What could not be sent."""
    with visit.desk.database.reading() as session:
        return visit.show(session, "undelivered", rows=outbox.dead_letters(session))


def log(visit: Visit) -> HTTPResponse:
    """Who did what to which case."""
    number = queries.case_number(visit.argument("case"))
    with visit.desk.database.reading() as session:
        entries = queries.log_entries(session, visit.page, number)
        return visit.show(
            session,
            "log",
            entries=entries[: queries.ENTRIES_A_PAGE],
            more=len(entries) > queries.ENTRIES_A_PAGE,
            case=number,
            page=visit.page,
            address=visit.further,
        )


def reply(visit: Visit, label: str) -> HTTPResponse:
    """Answer the client."""
    text, key, seen = visit.field("text"), visit.field("request_key"), visit.field("last_reply")
    if not key or len(key) > 60 or not seen.isdecimal() or len(seen) > 15:
        raise Problem(400, "The page's form could not be read. Go back, reload the page and send it once more.")
    return _step(
        visit,
        label,
        "reply",
        lambda session, number: visit.desk.casework.reply(session, number, text, THERAPIST, key, int(seen)),
        draft=text,
    )


def take_over(visit: Visit, label: str) -> HTTPResponse:
    """Silence the assistant."""
    return _step(
        visit, label, "take_over", lambda session, number: visit.desk.casework.take_over(session, number, THERAPIST)
    )


def approve(visit: Visit, label: str) -> HTTPResponse:
    """Let the client book."""
    return _ruling(visit, label, "approve", visit.desk.casework.approve)


def decline(visit: Visit, label: str) -> HTTPResponse:
    """Tell the client that this cannot be booked online."""
    return _ruling(visit, label, "decline", visit.desk.casework.decline)


def close(visit: Visit, label: str) -> HTTPResponse:
    """Close the case with a note."""
    note = visit.field("note")
    return _step(
        visit,
        label,
        "close",
        lambda session, number: visit.desk.casework.close(session, number, note, THERAPIST),
        note=note,
    )


def reopen(visit: Visit, label: str) -> HTTPResponse:
    """Open a closed case again."""
    return _step(visit, label, "reopen", lambda session, number: visit.desk.casework.reopen(session, number, THERAPIST))


def held(visit: Visit, label: str) -> HTTPResponse:
    """Note that a session was held, so that the client is asked afterwards how it went."""

    def note(session: Session, number: int) -> None:
        day = visit.desk.checkins.day_named(visit.field("day") or None)
        if day > visit.desk.checkins.day_named(None):
            raise CaseError("This day is still to come. Note the session once it was held.")
        if not visit.desk.checkins.schedule(session, case_of(session, number).conversation_id, day):
            raise CaseError("This client does not want to be asked after a session, so nobody will.")

    return _step(visit, label, "held", note)


def retry(visit: Visit, row: str) -> HTTPResponse:
    """Send once more what was given up; a row that is gone already was sent or deleted meanwhile."""
    with visit.desk.database.transaction() as session:
        if not row.isdecimal() or len(row) > 9 or not outbox.try_again(session, int(row)):
            raise Problem(404, "This is not waiting any more. It was sent, or deleted with its conversation.")
    return redirect("/desk/undelivered?done=retry", status=303)


def insights(visit: Visit) -> HTTPResponse:
    """The figures, drawn and as tables."""
    # matplotlib and scikit-learn take seconds to import; no other page pays for them
    from bot.desk.charts import bars, columns

    days, period = _period(visit)
    with visit.desk.database.reading() as session:
        tables = figures.tables(session, period, visit.desk.titles)
        told = figures.headlines(session, period)
        groups = _question_groups(session, period)
        charts = {}
        for table in tables:
            if table.empty:
                continue
            alt = table.in_words()
            if len(table.columns) > 2:
                charts[table.name] = columns(table.name, alt, table.labels(), table.series())
            else:
                charts[table.name] = bars(table.name, alt, table.labels(), table.series()[0][1])
        return visit.show(
            session,
            "insights",
            tables=tables,
            charts=charts,
            headlines=told,
            groups=groups,
            days=days,
            periods=figures.PERIODS,
        )


def insights_file(visit: Visit, file: str) -> HTTPResponse:
    """One figure as a CSV file."""
    name = file[: -len(".csv")] if file.endswith(".csv") else ""
    days, period = _period(visit)
    with visit.desk.database.reading() as session:
        if name == "questions":
            groups = _question_groups(session, period)
            columns: Sequence[str] = ("Asked like this", "Times", "Also asked like this")
            rows: Sequence[Sequence[figures.Cell]] = [
                (group.typical, group.asked, " | ".join(group.others)) for group in groups
            ]
        else:
            table = next((one for one in figures.tables(session, period, visit.desk.titles) if one.name == name), None)
            if table is None:
                raise Problem(404, "There is no such figure. The insights page links to each.")
            columns, rows = table.columns, table.rows
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}-{days}-days.csv"'}
    # the mark at the beginning tells spreadsheets that it is UTF-8
    body = "\ufeff" + figures.as_csv(columns, rows)
    return HTTPResponse(body, headers=headers, content_type="text/csv; charset=utf-8")


PAGES: Dict[str, Page] = {
    "/desk/": cases,
    "/desk/cases/<label:str>": case,
    "/desk/cases/<label:str>/summary": summary,
    "/desk/undelivered": undelivered,
    "/desk/log": log,
    "/desk/insights": insights,
    "/desk/insights/<file:str>": insights_file,
}
ACTIONS: Dict[str, Action] = {
    "/desk/cases/<label:str>/reply": reply,
    "/desk/cases/<label:str>/take-over": take_over,
    "/desk/cases/<label:str>/approve": approve,
    "/desk/cases/<label:str>/decline": decline,
    "/desk/cases/<label:str>/close": close,
    "/desk/cases/<label:str>/reopen": reopen,
    "/desk/cases/<label:str>/held": held,
    "/desk/undelivered/<row:str>/retry": retry,
}


def _ruling(visit: Visit, label: str, name: str, rule: Callable[[Session, int, str, str], object]) -> HTTPResponse:
    """What the therapist makes of the decision that the form names."""
    decision = visit.field("decision")
    return _step(visit, label, name, lambda session, number: rule(session, number, decision, THERAPIST))


def _step(
    visit: Visit,
    label: str,
    name: str,
    work: Callable[[Session, int], object],
    draft: str = "",
    note: str = "",
) -> HTTPResponse:
    """Take one step of a case; where it cannot be taken, show the case as it is now with what was written."""
    number = _number(label)
    try:
        with visit.desk.database.transaction() as session:
            work(session, number)
    except (CaseError, CheckinError) as error:
        with visit.desk.database.reading() as session:
            file = queries.case_file(session, number)
            return _case_page(visit, session, file, status=409, problem=str(error), draft=draft, note=note)
    return redirect(f"/desk/cases/C-{number}?done={name}", status=303)


def _case_page(
    visit: Visit,
    session: Session,
    file: CaseFile,
    status: int = 200,
    problem: str = "",
    draft: str = "",
    note: str = "",
) -> HTTPResponse:
    return visit.show(
        session,
        "case",
        status,
        file=file,
        decisions=_with_findings(visit, file),
        handout_titles=visit.desk.titles,
        canned=visit.desk.canned,
        longest_reply=LONGEST_REPLY,
        # a form that is sent twice counts once
        request_key=secrets.token_hex(16),
        today=visit.desk.checkins.day_named(None),
        problem=problem,
        draft=draft,
        note=note,
    )


def _with_findings(visit: Visit, file: CaseFile) -> Sequence[Tuple[DecisionRecord, Sequence[ExplainedFinding]]]:
    return [(decision, explained(decision, visit.desk.rulebook)) for decision in file.decisions]


def _period(visit: Visit) -> Tuple[str, figures.Period]:
    days = visit.argument("days") if visit.argument("days") in figures.PERIODS else "30"
    return days, figures.Period(int(days), datetime.now(timezone.utc), visit.desk.zone)


def _question_groups(session: Session, period: figures.Period) -> Sequence[QuestionGroup]:
    from bot.desk.questions import grouped, unanswered
    from bot.encoder import Encoder

    return grouped(unanswered(session, period.start), Encoder.load().encode)


def _number(label: str) -> int:
    number = queries.case_number(label)
    if number is None:
        raise Problem(404, "A case's address ends in its number, for example C-1042.")
    return number
