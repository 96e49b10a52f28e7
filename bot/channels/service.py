"""The parts that the channels of one server process share."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Sanic

from bot.booking import BookingTokens, new_signing_key
from bot.channels.events import Events
from bot.channels.limits import Limits
from bot.channels.live import Live
from bot.channels.outbox_worker import OutboxWorker
from bot.channels.relay import RelayedLive
from bot.channels.tokens import ChatTokens
from bot.channels.turn import Turns
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.casework import Casework
from bot.dialogue.checkins import Checkins
from bot.dialogue.escalating import Escalating
from bot.dialogue.greeting import greeting
from bot.dialogue.reading import foresight, load_detector, load_reader
from bot.eligibility.access import ApiKeys, CheckTokens
from bot.eligibility.service import Checks
from bot.escalation import outbox
from bot.handout import Handout
from bot.rights import ExportTickets
from bot.screening import Rulebook
from bot.senders.checkin import CheckinMail, CheckinSender
from bot.senders.mail import NoticeMail, mailer_of
from bot.senders.notice import Notices
from bot.senders.webhook import WebhookSender
from bot.settings import Settings, settings
from bot.store.database import Database
from bot.store.secrets import shared_secret


@dataclass(frozen=True)
class Service:
    """What a channel needs besides Rasa's agent."""

    settings: Settings
    database: Database
    live: Live
    events: Events
    casework: Casework
    checkins: Checkins
    outbox: OutboxWorker
    turns: Turns
    tokens: ChatTokens
    limits: Limits
    checks: Checks
    check_tokens: CheckTokens
    tickets: ExportTickets
    api_keys: ApiKeys


def service(app: Sanic) -> Service:
    """The process's service, built at first use."""
    found: Service | None = getattr(app.ctx, "service", None)
    if found is None:
        found = build_service(settings())
        app.ctx.service = found
    return found


def build_service(chosen: Settings) -> Service:
    """Wire the parts together.

    Raises:
        StoreError, HandoutError, EncoderError, EmergencyError: a part cannot be used.
    """
    database = Database.shared(chosen.database.get_secret_value())
    redis_url = chosen.redis_url.get_secret_value()
    live = RelayedLive(redis_url) if redis_url else Live()
    database.on_commit = live.changed_all
    handout = Handout.load()
    detector = load_detector()
    rulebook = Rulebook.load()
    alarm = AlarmReply(detector, rulebook, chosen)
    checkins = Checkins(handout, chosen, Escalating(handout, chosen))
    booking = BookingTokens(shared_secret(database, "booking_tokens", new_signing_key))
    return Service(
        settings=chosen,
        database=database,
        live=live,
        events=Events(database, live, booking),
        checkins=checkins,
        outbox=_outbox(database, live, handout, booking, checkins, chosen),
        casework=Casework(handout, chosen, booking, rulebook.validity_days),
        turns=Turns(database, detector, alarm, lambda: greeting(handout, chosen), foresee=foresight(detector)),
        tokens=ChatTokens(shared_secret(database, "chat_tokens"), chosen.token_days),
        limits=Limits(chosen.rate_limits, redis_url),
        checks=Checks(database, rulebook, load_reader(detector), detector, handout, booking, chosen),
        tickets=ExportTickets(shared_secret(database, "export_tickets")),
        check_tokens=CheckTokens(shared_secret(database, "check_tokens"), chosen.token_days),
        api_keys=ApiKeys(chosen.api_keys),
    )


def _outbox(
    database: Database,
    live: Live,
    handout: Handout,
    tokens: BookingTokens,
    checkins: Checkins,
    chosen: Settings,
) -> OutboxWorker:
    """The worker with the senders that the settings allow."""
    mailer = mailer_of(chosen)
    by_telegram = bool(chosen.therapist_telegram_chat and chosen.telegram_bot_token.get_secret_value())
    wanted = {
        outbox.EMAIL: mailer,
        outbox.CLIENT_EMAIL: mailer,
        outbox.TELEGRAM_NOTICE: by_telegram,
        outbox.WEBHOOK: chosen.webhook_url,
    }
    worker = OutboxWorker(database, live, unwanted=[kind for kind, found in wanted.items() if not found])
    worker.register(outbox.CHECKIN, CheckinSender(database, checkins))
    if mailer is not None:
        worker.register(outbox.CLIENT_EMAIL, CheckinMail(mailer, handout, chosen))
        worker.register(outbox.EMAIL, NoticeMail(mailer, Notices(handout, chosen), handout, chosen.therapist_email))
    if chosen.webhook_url:
        worker.register(
            outbox.WEBHOOK, WebhookSender(chosen.webhook_url, chosen.webhook_secret.get_secret_value(), tokens)
        )
    return worker
