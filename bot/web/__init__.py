"""What a browser loads: the chat that other sites embed, the booking page, a practice's page to try them on."""

from bot.web.pages import add_pages

__all__ = ["add_pages"]
