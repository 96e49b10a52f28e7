"""Telling where an error happened without telling what a client said."""

from __future__ import annotations


def describe(error: BaseException) -> str:
    """The error's type and the place it was raised; never its text, which may hold a client's words."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "an unknown place"
    return f"{type(error).__name__} at {where}"
