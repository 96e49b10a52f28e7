"""Every setting of the product, typed, in one place.

A value comes from the environment, then from `.env`, then from the default
here. This module knows names, types and defaults; it must not know what any
part does with them, and it opens no file but `.env`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Optional, Tuple
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseSettings, Field, SecretStr, ValidationError, validator

ROOT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting that cannot be used; the text names it and what is allowed."""


@dataclass(frozen=True)
class MailServer:
    """A mail server as SMTP_URL names it.

    Attributes:
        tls: encrypted from the start (`smtps`); otherwise as soon as the server offers it.
    """

    host: str
    port: int
    tls: bool
    username: Optional[str]
    password: Optional[str] = field(repr=False)

    @classmethod
    def of(cls, address: str) -> MailServer:
        """Read `smtp://user:password@host:port`; user and password may be percent-encoded.

        Raises:
            ValueError: it is none.
        """
        parts = urlsplit(address)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("not the address of a mail server")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 587),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


@dataclass(frozen=True)
class QuietHours:
    """A time of day, over midnight or not, in which only what is urgent is sent."""

    start: time
    end: time

    @classmethod
    def of(cls, value: str) -> QuietHours:
        """Read `22:00-07:00`.

        Raises:
            ValueError: it is none.
        """
        start, _, end = value.partition("-")
        return cls(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))

    def end_of(self, local: datetime) -> Optional[datetime]:
        """When the quiet time that `local` lies in ends; None outside of it.

        Args:
            local: the practice's time, with its zone.
        """
        now = local.time()
        over_midnight = self.end < self.start
        quiet = (now >= self.start or now < self.end) if over_midnight else self.start <= now < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and now >= self.start else 0)
        return datetime.combine(day, self.end, tzinfo=local.tzinfo)


class Settings(BaseSettings):
    """The product's settings. Field names, upper-cased, are the variables."""

    port: int = Field(5005, ge=1, le=65535, description="the one public port")
    host: str = Field("0.0.0.0", description="the address the public port listens on")
    action_server: bool = Field(False, description="run the actions in a process of their own, as stock Rasa does")
    actions_port: int = Field(0, ge=0, le=65535, description="loopback port of that process; 0 picks a free one")
    metrics_port: int = Field(0, ge=0, le=65535, description="loopback port of /metrics; 0 picks a free one")
    var_dir: Path = Field(Path("var"), description="the folder that holds all state")
    database_url: str = Field("", description="SQLAlchemy address; empty: SQLite in VAR_DIR")
    redis_url: SecretStr = Field(SecretStr(""), description="what several servers share besides the database")
    workers: int = Field(1, ge=1, le=64, description="Rasa servers on the one port; more than one needs REDIS_URL")
    practice_name: str = Field("the practice", min_length=1, max_length=80)
    practice_phone: str = Field("", max_length=40)
    practice_hours: str = Field(
        "Mo-Fr 09:00-17:00", description="when clients are answered, in OpenStreetMap's notation"
    )
    timezone: str = Field("Europe/London", description="the practice's time zone (IANA name)")
    booking_url: str = Field("", description="where a client who may book is sent")
    emergency_number: str = Field("112", min_length=2, max_length=20)
    therapist_password: SecretStr = Field(
        SecretStr(""), description="opens the desk; empty: the one that was generated, see `python -m bot password`"
    )
    eligibility_api_keys: SecretStr = Field(
        SecretStr(""), description="keys of booking sites that may read checks, separated by commas"
    )
    public_url: str = Field("", description="where the assistant is reached from outside; empty: http://localhost:PORT")
    therapist_email: str = Field("", max_length=254, description="where notices of cases are sent")
    smtp_url: SecretStr = Field(SecretStr(""), description="the mail server; empty: no mail is sent")
    therapist_telegram_chat: str = Field("", description="Telegram chat that notices of cases are sent to")
    quiet_hours: str = Field("22:00-07:00", description="when only urgent cases are notified; empty: never quiet")
    webhook_url: str = Field("", description="where the booking site hears of later decisions")
    webhook_secret: SecretStr = Field(SecretStr(""), description="what those webhooks are signed with, whsec_...")
    retention_days: int = Field(
        365, ge=1, le=3650, description="a conversation is deleted so long after its last message"
    )
    telegram_bot_token: SecretStr = Field(SecretStr(""), description="the bot's token; empty: no Telegram")
    telegram_mode: str = Field("polling", description="polling, or webhook where Telegram can reach this server")
    telegram_webhook_url: str = Field("", description="the public address of /webhooks/telegram/webhook")
    telegram_webhook_secret: SecretStr = Field(SecretStr(""), description="what Telegram shows with each webhook call")
    telegram_api_base: str = Field("https://api.telegram.org", description="the Bot API server")
    allowed_origins: str = Field("*", description="sites that may embed chat and booking page, separated by commas")
    token_days: int = Field(30, ge=1, le=365, description="how long a chat token is accepted")
    rate_limits: bool = Field(True, description="off for evaluation and load tests on loopback")
    log_level: str = Field("INFO")

    class Config:
        env_file = ROOT / ".env"
        env_file_encoding = "utf-8"

        @classmethod
        def parse_env_var(cls, field_name: str, raw_val: str) -> Any:
            return raw_val.strip()

    @validator("redis_url")
    def _redis_address(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.match(r"rediss?://[^\s]+$", value.get_secret_value()):
            # the value may hold a password: it is not repeated
            raise ValueError("write redis://user:password@host:6379/0, or rediss:// for TLS")
        return value

    @validator("workers", always=True)
    def _workers_share(cls, value: int, values: Dict[str, Any]) -> int:
        redis = values.get("redis_url")
        if value > 1 and not (redis and redis.get_secret_value()):
            raise ValueError("more than one worker needs REDIS_URL, so that no two take the same conversation at once")
        return value

    @validator("var_dir")
    def _from_project_root(cls, value: Path) -> Path:
        return value if value.is_absolute() else ROOT / value

    @validator("log_level")
    def _known_level(cls, value: str) -> str:
        allowed = ("DEBUG", "INFO", "WARNING", "ERROR")
        if value.upper() not in allowed:
            raise ValueError(f"allowed are {', '.join(allowed)}")
        return value.upper()

    @validator("telegram_bot_token")
    def _bot_token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.fullmatch(r"\d{1,16}:[\w-]{8,100}", value.get_secret_value(), re.ASCII):
            raise ValueError("give the token as BotFather shows it, such as 123456:ABC-DEF1234ghIkl")
        return value

    @validator("telegram_mode")
    def _known_mode(cls, value: str) -> str:
        allowed = ("polling", "webhook")
        if value.lower() not in allowed:
            raise ValueError(f"allowed are {', '.join(allowed)}")
        return value.lower()

    @validator("telegram_webhook_secret")
    def _webhook_secret(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"(?:[\w-]{16,256})?", value.get_secret_value(), re.ASCII):
            raise ValueError("use 16 to 256 letters, digits, '-' and '_'; `openssl rand -hex 24` makes one")
        return value

    @validator("telegram_webhook_url", "telegram_webhook_secret", always=True)
    def _needed_for_webhook(cls, value: Any, values: Dict[str, Any]) -> Any:
        token = values.get("telegram_bot_token")
        wanted = token is not None and token.get_secret_value() and values.get("telegram_mode") == "webhook"
        given = value.get_secret_value() if isinstance(value, SecretStr) else value
        if wanted and not given:
            raise ValueError("TELEGRAM_MODE=webhook needs it; or use polling")
        return value

    @validator("timezone")
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError("give an IANA name such as Europe/London") from error
        return value

    @validator("practice_hours")
    def _readable_hours(cls, value: str) -> str:
        from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]

        try:
            OpeningHours(value)
        except ParserError as error:
            raise ValueError("write hours such as 'Mo-Fr 09:00-17:00; Sa 10:00-12:00'") from error
        return value

    @validator("public_url")
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @validator("smtp_url")
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            try:
                MailServer.of(value.get_secret_value())
            except ValueError as error:
                # the value holds a password: it is not repeated
                raise ValueError("write smtp://user:password@host:587, or smtps:// for TLS from the start") from error
        return value

    @validator("therapist_email")
    def _mail_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
            raise ValueError("give one address, such as therapist@example.org")
        return value

    @validator("therapist_telegram_chat")
    def _chat(cls, value: str) -> str:
        if not re.fullmatch(r"(?:-?\d{1,20})?", value, re.ASCII):
            raise ValueError("give the chat's number, such as 123456789")
        return value

    @validator("quiet_hours")
    def _readable_times(cls, value: str) -> str:
        if value:
            try:
                QuietHours.of(value)
            except ValueError as error:
                raise ValueError("write two times such as 22:00-07:00, or nothing") from error
        return value

    @validator("webhook_secret", always=True)
    def _signing_secret(cls, value: SecretStr, values: Dict[str, Any]) -> SecretStr:
        secret = value.get_secret_value()
        if values.get("webhook_url") and not secret:
            raise ValueError("WEBHOOK_URL needs one: 'whsec_' and what `openssl rand -base64 32` prints")
        if secret and not 24 <= len(_decoded(secret)) <= 64:
            raise ValueError("write 'whsec_' and 24 to 64 bytes in base64; `openssl rand -base64 32` makes them")
        return value

    @validator("booking_url", "public_url", "webhook_url", "telegram_webhook_url", "telegram_api_base")
    def _web_address(cls, value: str) -> str:
        if value and not re.match(r"https?://[^\s]+$", value):
            raise ValueError("give a full address that starts with https://")
        return value

    @validator("therapist_password")
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not 8 <= len(value.get_secret_value()) <= 200:
            raise ValueError("use 8 to 200 characters, or leave it empty")
        return value

    @validator("allowed_origins")
    def _origins(cls, value: str) -> str:
        wrong = [one for one in _listed(value) if one != "*" and not re.fullmatch(r"https?://[^\s/;,'\"*]+", one)]
        if wrong or not value:
            raise ValueError("list origins such as https://www.example.com, without a path, or * for any")
        return value

    @property
    def origins(self) -> Tuple[str, ...]:
        """The sites that may embed chat and booking page; `*` stands for any."""
        return _listed(self.allowed_origins)

    @property
    def address(self) -> str:
        """Where people reach this assistant, without a slash at the end."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def actions_url(self) -> str:
        """Where an action server listens: without a chosen port, where Rasa's own would."""
        return f"http://127.0.0.1:{self.actions_port or 5055}"

    @property
    def api_keys(self) -> Tuple[str, ...]:
        """The booking sites' keys."""
        return _listed(self.eligibility_api_keys.get_secret_value())

    @property
    def database(self) -> SecretStr:
        """The SQLAlchemy address in force (it may hold a password)."""
        return SecretStr(self.database_url or f"sqlite:///{self.var_dir / 'assistant.db'}")


def _decoded(secret: str) -> bytes:
    """The bytes of a webhook secret; none where it is not well formed."""
    if not secret.startswith("whsec_"):
        return b""
    try:
        return base64.b64decode(secret[len("whsec_") :], validate=True)
    except binascii.Error:
        return b""


def _listed(value: str) -> Tuple[str, ...]:
    return tuple(one.strip() for one in value.split(",") if one.strip())


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettingsError: a value cannot be used.
    """
    return read_settings()


def read_settings(env_file: Optional[Path] = ROOT / ".env") -> Settings:
    """Read the settings anew.

    Raises:
        SettingsError: a value cannot be used.
    """
    try:
        return Settings(_env_file=env_file)  # type: ignore[call-arg]
    except ValidationError as error:
        problems = "; ".join(f"{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        raise SettingsError(
            f"A setting cannot be used ({problems}). Correct it in the environment or in .env; "
            ".env.example lists what is allowed."
        ) from error
