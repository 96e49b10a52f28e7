"""Read how long ago or for how long from lay words: "still purple after 6 days", "a week and a half", "48hrs", "day 4".

Ours rather than a library's: dateparser reads points in time, not lengths, and takes any number for a date.
It knows nothing of the handout's figures; the caller compares.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_NUMBERS: Final = {
    "a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0,
    "eight": 8.0, "nine": 9.0, "ten": 10.0, "eleven": 11.0, "twelve": 12.0, "thirteen": 13.0, "fourteen": 14.0,
    "fifteen": 15.0, "sixteen": 16.0, "twenty": 20.0, "thirty": 30.0, "a couple of": 2.0, "couple of": 2.0,
    "a couple": 2.0, "couple": 2.0, "a few": 3.0, "few": 3.0, "several": 4.0, "half a": 0.5, "half an": 0.5,
}  # fmt: skip
_ORDINALS: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14,
}  # fmt: skip
_UNITS: Final = {
    "minute": 1 / 1440, "min": 1 / 1440, "hour": 1 / 24, "hr": 1 / 24, "h": 1 / 24, "day": 1.0, "d": 1.0,
    "night": 1.0, "week": 7.0, "wk": 7.0, "w": 7.0, "fortnight": 14.0, "month": 30.0, "mth": 30.0,
    "year": 365.0, "yr": 365.0,
}  # fmt: skip
_WEEKDAYS: Final = {
    **{name: index for index, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
    **{"tues": 1, "weds": 2, "thur": 3, "thurs": 3},
    **{
        name: index
        for index, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
    },
}

_WORDS: Final = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_VALUE: Final = rf"(?:\d{{1,3}}(?:[.,]\d)?|{_WORDS})"
_UNIT: Final = r"(?:minutes?|mins?|hours?|hrs?|h|days?|d|nights?|weeks?|wks?|w|fortnights?|months?|mths?|years?|yrs?)"

_LENGTH: Final = re.compile(
    # A range ("2-3 days", "five or six days") counts with its upper end.
    rf"\b(?:{_VALUE}\s*(?:-|–|to|or)\s*)?(?P<value>{_VALUE})(?P<half>\s*(?:1/2|½|and\s+a\s+half))?"
    rf"[\s-]*(?:(?:whole|full|solid|long|more|entire)\s+)?(?P<unit>{_UNIT})\b"
    rf"(?P<after>\s+and\s+(?:a\s+half|a\s+bit)\b)?(?:\s*(?:,|and)?\s*(?P<value2>{_VALUE})\s*(?P<unit2>{_UNIT})\b)?"
)
_BARE: Final = re.compile(
    r"\b(?P<unit>fortnight|week|month)s?\s+(?:later|now|since|ago|on|after)\b"
    r"|\b(?:all|the\s+whole|a\s+whole|whole|the\s+past|the\s+last)\s+(?P<all>week|wk|month)\b"
)
_DAY_NUMBER: Final = re.compile(
    rf"\b(?P<unit>day|week|wk|night|month)\s+(?:number\s+|no\.?\s*)?(?P<value>\d{{1,3}}|{_WORDS})\b"
    rf"|\b(?P<nth>\d{{1,2}})(?:st|nd|rd|th)\s+(?P<unit2>day|week|night|month)\b"
    rf"|\b(?P<ordinal>{'|'.join(_ORDINALS)})\s+(?P<unit3>day|week|night|month)\b"
)
_DAYS: Final = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
# "On Saturday" may lie ahead; it is the past only after a word that says what was done.
_SINCE: Final = re.compile(
    rf"\b(?:since|from|last|(?:did|done|had|treated|scraped|saw|came|seen|was)\b[^.?!]{{0,40}}?\bon)"
    rf"\s+(?:last\s+)?(?P<weekday>{_DAYS})\b"
)
_YESTERDAY: Final = re.compile(r"\b(?P<before>(?:the\s+)?day\s+before\s+)?(?P<word>yesterday|yday|last\s+night)\b")
# What lies ahead, and how often, are not lengths that have passed.
_AHEAD: Final = re.compile(r"\b(?:in|within|next|per|every|each|once|twice|times)\s+(?:about\s+)?$")
_AGE: Final = re.compile(r"^[\s-]*old\b")


def read_days(text: str, today: date | None = None) -> float | None:
    """The longest duration that the text speaks of, in days, or None where it speaks of none.

    Weekdays and "yesterday" need `today`, the day on which the text was written; without it they are not read.
    "Day 4" is 4 days, "week two" is 7 days (it has begun), a range counts with its upper end. What lies ahead ("in two
    weeks", "every 3 days") and ages ("my 13 year old") are not read.
    """
    plain = text.casefold().replace("’", "'").replace("'", "")
    found: list[float] = []
    for match in _LENGTH.finditer(plain):
        if _AHEAD.search(plain[: match.start()]):
            continue
        if match["unit"].startswith("y") and _AGE.match(plain[match.end() :]):
            continue
        if len(match["unit"]) == 1 and not match["value"][0].isdigit():
            continue
        unit = _unit(match["unit"])
        days = _number(match["value"]) * unit
        if match["half"] or (match["after"] and "half" in match["after"]):
            days += unit / 2
        if match["value2"]:
            days += _number(match["value2"]) * _unit(match["unit2"])
        found.append(days)
    for match in _BARE.finditer(plain):
        if not _AHEAD.search(plain[: match.start()]):
            found.append(_unit(match["unit"] or match["all"]))
    for match in _DAY_NUMBER.finditer(plain):
        unit = _unit(match["unit"] or match["unit2"] or match["unit3"])
        number = float(_ORDINALS[match["ordinal"]]) if match["ordinal"] else _number(match["value"] or match["nth"])
        # The fourth day makes four days, but the second week has only begun.
        found.append(number if unit == 1.0 else max(number - 1, 0.0) * unit)
    if today is not None:
        found.extend(_ago(plain, today))
    return max(found) if found else None


def _ago(plain: str, today: date) -> list[float]:
    days = []
    for match in _SINCE.finditer(plain):
        back = (today.weekday() - _WEEKDAYS[match["weekday"]]) % 7
        days.append(float(back or 7))
    for match in _YESTERDAY.finditer(plain):
        days.append(2.0 if match["before"] else 1.0)
    return days


def _number(word: str) -> float:
    word = " ".join(word.split())
    return _NUMBERS[word] if word in _NUMBERS else float(word.replace(",", "."))


def _unit(word: str) -> float:
    return _UNITS[word if word in _UNITS else word.removesuffix("s")]
