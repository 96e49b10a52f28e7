"""How long ago a sentence says something was. Knows nothing of conditions or people."""

from __future__ import annotations

import re
from datetime import date

_NUMBERS = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {"a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "couple": 2, "few": 3, "several": 4}
_UNIT_DAYS = {
    "day": 1,
    "week": 7,
    "month": 30,
    "year": 365,
    "fortnight": 14,
    "decade": 3650,
    "summer": 365,
    "winter": 365,
}
_MONTHS = "january february march april may june july august september october november december".split()
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
_AGO = re.compile(
    r"(?:(?P<tens>twenty|thirty|forty|fifty|sixty) )?(?P<n>\d+|[a-z]+) (?:or (?:so|\w+) )?(?P<unit>day|week|month|year|fortnight|decade|summer|"
    r"winter)s? (?:ago|back|before|earlier)(?= |$)"
)
_SOME_AGO = re.compile(
    r"(?:years|decades|ages|donkey 's years|donkeys years) (?:and years )?(?:ago|back)|long time ago|"
    r"many years ago|(?:is|are) (?:\w+ )?(?:years|decades) old"
)
_YEAR = re.compile(r"(?<![\d.,/])(19\d\d|20\d\d)(?![\d.,/])")
_DECADE = re.compile(
    r"(?:in|since|from|of|late|early|mid) (?:the )?(?:fifties|sixties|seventies|eighties|nineties|noughties)(?= |$)"
)
_SHORT_YEAR = re.compile(
    r"(?:in|of|since|back in) (?:' )?(?P<year>[5-9]\d)(?= (?:[,.]|[a-z])| ?$)(?! (?:days?|weeks?|minutes?|years?|percent|mg|kg|bpm|kilos?))"
)
_CHILDHOOD = re.compile(
    r"as an? (?:\w+ )?(?:child|kid|toddler|baby|teen|teenager|lad|girl|boy|infant|student|"
    r"schoolboy|schoolgirl|youngster|tot|nipper)|childhood|until i was (?:about )?(?:a teenager|\w+teen|ten|eleven|twelve|six|seven|eight|nine|five|four|three|1?\d)(?= |$)|(?:first|second|third|fourth|fifth|sixth) grade|year (?:one|two|three|four|five|six|\d)(?= |$)|in (?:primary|high|secondary|junior|"
    r"infant|grade|middle) ?school"
    r"|when i was (?:a |an )?(?:little|small|young|kid|child|baby|boy|girl|toddler|teenager|tiny|"
    r"at school|in school|in my|\w+ years old|about (?:two|three|four|five|six|seven|eight|nine|"
    r"ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|\d+)|two|three|four|five|six|seven|"
    r"eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|"
    r"1?\d)(?= |$)"
    r"|(?:at|aged|age|at age|at the age of) (?:about )?(?:two|three|four|five|six|seven|eight|"
    r"nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|1?\d)(?= |$)|before i (?:started|"
    r"left) school|(?:sickly|teenage|growing)|by the time i was|in my (?:teens|youth|childhood)|"
    r"at (?:school|uni|university|college)|at birth|born with"
)


_SPAN = re.compile(
    r"(?:(?P<tens>twenty|thirty|forty|fifty|sixty) )?(?P<n>\d+|[a-z]+) (?:full |whole )?"
    r"(?P<unit>day|week|month|year|fortnight|decade)s?(?= |$)"
)
_SPOKEN_SPANS = (
    (re.compile(r"(?:today|this morning|just now|an hour ago)(?= |$)"), 0),
    (re.compile(r"yesterday(?= |$)"), 1),
    (re.compile(r"(?:last|a) week(?= |$)"), 7),
    (re.compile(r"last month(?= |$)"), 30),
    (re.compile(r"last year(?= |$)"), 365),
)


def spans(line: str) -> list[int]:
    """Every length of time that ``line`` names, in days: "six weeks", "yesterday", "a fortnight"."""
    found = [days for pattern, days in _SPOKEN_SPANS if pattern.search(line)]
    for match in _SPAN.finditer(line):
        number = int(match["n"]) if match["n"].isdigit() else _NUMBERS.get(match["n"])
        if number is not None or match["tens"]:
            found.append(((number or 0) + _TENS.get(match["tens"] or "", 0)) * _UNIT_DAYS[match["unit"]])
    return found


def days_ago(line: str, today: date) -> int | None:
    """How long ago the sentence ``line`` says something was, in days, or None.

    The shortest time named counts, so that "twelve years ago ... again last week" is recent.
    """
    ages: list[int] = []
    for match in _AGO.finditer(line):
        number = int(match["n"]) if match["n"].isdigit() else _NUMBERS.get(match["n"], 1)
        number += _TENS.get(match["tens"] or "", 0)
        ages.append(number * _UNIT_DAYS[match["unit"]])
    if _SOME_AGO.search(line):
        ages.append(10 * 365 if "decades" in line else 5 * 365)
    for match in _YEAR.finditer(line):
        year = int(match.group(1))
        if year <= today.year:
            ages.append(max(0, (date(today.year, today.month, 1) - date(year, 12, 31)).days))
    if _DECADE.search(line):
        ages.append(15 * 365)
    for match in _SHORT_YEAR.finditer(line):
        year = 1900 + int(match["year"])
        ages.append(max(0, (date(today.year, today.month, 1) - date(year, 12, 31)).days))
    if _CHILDHOOD.search(line):
        ages.append(20 * 365)
    if re.search(r"last (?:year|summer|winter|spring|autumn|christmas)", line):
        ages.append(90)
    month = re.search(r"(?:in|since|last|back in|of) (" + "|".join(_MONTHS) + r")(?= |$)", line)
    if month and not _YEAR.search(line):
        number = _MONTHS.index(month.group(1)) + 1
        months = (today.month - number) % 12
        ages.append(max(0, (months - 1) * 30))
    if re.search(
        r"(?:yesterday|today|this morning|last night|last week|last month|this week|just had|on "
        r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|last (?:mon|tues|wednes|thurs|fri|satur|sun)day|"
        r"tomorrow|next week|next month)",
        line,
    ):
        ages.append(0)
    return min(ages) if ages else None
