"""What the desk refuses; each text is a sentence for the person in front of it."""

from __future__ import annotations


class DeskError(Exception):
    """The desk cannot do what was asked; the text says why and what to do."""


class LoginRefused(DeskError):
    """The log-in failed."""


class TooManyAttempts(LoginRefused):
    """Too many log-ins failed; `wait` is the number of seconds until the next one is looked at."""

    def __init__(self, wait: int) -> None:
        minutes = -(-wait // 60)
        super().__init__(
            f"Too many log-ins have failed. Please wait {minutes} minute{'s' if minutes > 1 else ''}, then try again."
        )
        self.wait = wait


class UnknownCase(DeskError):
    """There is no such case here."""
