"""What a client's own words mean as the answer to a follow-up that has a limit.

"Five weeks ago" is read against the practice's setting instead of asking the client to do
the sum. Words that do not settle it are None, and the question is asked again with its
buttons. Knows the settings through the rulebook, nothing of the conversation.
"""

from __future__ import annotations

import re

from bot.screening.normalise import canonical
from bot.screening.readings import find_readings
from bot.screening.rulebook import FollowUp, Rulebook
from bot.screening.times import spans

_DAYS_A_WEEK = 7
_DAYS_A_MONTH = 30
_VAGUE = re.compile(
    r"(?:about|around|roughly|nearly|almost|just under|not quite|maybe|perhaps|or so|ish|i think)(?= |$)"
)
_DOUBT = re.compile(r"(?:not sure|no idea|do not (?:know|remember)|can not remember|unsure)(?= |$)")
_STILL_IN = re.compile(
    r"(?:still in|still there|still have|not out|have not come out|are in|come out|tomorrow|next)(?= |$)"
)
_NOT_MEASURED = re.compile(r"(?:never|not|no)(?: \w+){0,3} (?:measured|checked|taken|tested)(?= |$)")
_BELOW = re.compile(r"(?:below|under|normal|fine|good|in range|lower|perfect)(?= |$)")
_NOT_BELOW = re.compile(r"(?:not|never|was not|high|higher|above|over)(?= |$)")


def read_follow_up(follow_up: FollowUp, text: str, rulebook: Rulebook) -> str | None:
    """The value of the option that ``text`` amounts to, or None where it settles nothing."""
    line = canonical(text).line
    if follow_up.limit == "-" or not line:
        return None
    if _DOUBT.search(line):
        return "unsure"
    limit = rulebook.settings[follow_up.limit].value
    if follow_up.limit == "recent_sutures_weeks":
        return _stitches(line, limit * _DAYS_A_WEEK)
    return _pressure(text, limit * _DAYS_A_MONTH)


def _stitches(line: str, limit: float) -> str | None:
    if _STILL_IN.search(line):
        return "still_in"
    found = spans(line)
    if not found:
        return None
    # The shortest time named counts, and "about six weeks" may be five.
    age = min(found) - (_DAYS_A_WEEK if _VAGUE.search(line) else 0)
    return "under_limit" if age < limit else "over_limit"


def _pressure(text: str, limit: float) -> str | None:
    words = canonical(text)
    if _NOT_MEASURED.search(words.line):
        return "not_measured"
    groups = [r.mention.group for r in find_readings(words) if r.mention.group.condition == "uncontrolled_hypertension"]
    if any(group.listing != "irrelevant" for group in groups):
        return "high"
    found = spans(words.line)
    # The longest time named counts: an old reading says nothing about today.
    if found and max(found) > limit:
        return "not_measured"
    below = bool(groups) or (bool(_BELOW.search(words.line)) and not _NOT_BELOW.search(words.line))
    return "controlled" if found and below else None
