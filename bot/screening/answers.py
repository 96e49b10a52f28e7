"""What a client's words mean as the answer to one yes/no question.

Never a default to "no": only words that plainly deny, with nothing in them that counts,
are a "no". A different question, or words that answer nothing, are None, and the caller
asks again. Knows the vocabulary through the reader, not the dialogue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bot.screening.model import Finding, Value
from bot.screening.normalise import canonical
from bot.screening.reader import Reader, TextReading
from bot.screening.rulebook import Item

Hint = Literal["affirm", "deny", "unsure"]


@dataclass(frozen=True, slots=True)
class AnswerReading:
    """``value`` is None when the words do not answer the question.

    ``findings`` are kept either way: what was said about any condition counts.
    """

    value: Value | None
    findings: tuple[Finding, ...]
    readable: bool = True


_YES = re.compile(
    r"^(?:(?:oh|well|um|er|hm|hmm|ah|sorry|ok|okay) (?:, )?)*(?:yes|yeah|yep|yup|yea|ye|yh|ya|"
    r"aye|sure(?! not)|correct|right|indeed|definitely|absolutely|affirmative|of course(?! not)|"
    r"unfortunately|i do|i am|i have|have done|that is me|that is right|guilty|true|y|si|"
    r"certainly|afraid so|sadly|sadly yes|think so|👍)(?= |$)"
)
_NO = re.compile(
    r"^(?:(?:oh|well|um|er|hm|hmm|ah|ok|okay|thankfully|luckily|god|gosh|lord|definitely|"
    r"absolutely|certainly|heavens|haha|lol) (?:, )?)*(?:no|not|never|none|negative|na|n|neither|"
    r"i do not|i am not|i have not|i have never|i never|do not|have not|nothing|nil|zero|0|false|"
    r"not at all|clear|free of|all clear|of course not|nowt|👎)(?= |$)"
)
_DOUBT = re.compile(
    r"(?:not (?:\w+ )?(?:sure|certain|that i (?:know|am aware|remember)|to my knowledge|as far "
    r"as|really sure|positive|quite)|no idea|no clue|unsure|do not (?:\w+ )?(?:know|remember|"
    r"think so|recall)|not think|maybe|perhaps|might|possibly|could be|sort of|kind of|a bit|a "
    r"little|probably|hard to say|depends|who knows|used to|sometimes|on and off|never (?:been "
    r")?(?:tested|checked|measured|told)|not tested|not checked|not been checked|i guess|i "
    r"suppose|i think|as far as i (?:know|am aware)|to my knowledge|not officially|not yet|not "
    r"any ?more|no longer|half|borderline|in between|idk|dunno|\?\?+|not recently|not lately|not "
    r"really|hopefully|i hope|not currently|not at the moment|not right now|anymore|hardly|"
    r"barely|almost|nearly|ish$|apart from|except|unless)"
)
_BUT = re.compile(r"(?:^| )(?:but|well ,|though|although|however|except|only|just|apart|unless|other than)(?= |$)")
_QUESTION = re.compile(
    r"^(?:what|why|how|when|where|which|who|can|could|do you|does|is it|is that|are you|will|would|"
    r"should|may i|tell me|explain|and the)(?= )|\?$"
)
_PLAIN_WORDS = frozenset(
    """no not never none nope nothing at all i do have am any of that it those them this thanks thank you god
    thankfully luckily
    definitely absolutely certainly sir madam mate love lol haha ever once in my life had been sorry for me here
    and the is fine
    a one single been to say can oh well um er ok okay phew zero nil negative neither far so none has there is are
    please
    , . ! 's good healthy perfectly totally completely whatsoever""".split()
)


def read_answer(
    text: str,
    item: Item,
    reader: Reader,
    today: date,
    hint: Hint | None = None,
) -> AnswerReading:
    """Read ``text`` as the answer to ``item``.

    ``hint`` is what the intent classifier thinks; it never turns words that raise a doubt
    into a "no". "Not that I know of" is ``unsure``: the client may simply never have been
    tested, and the therapist can settle that with one question.
    """
    reading = reader.read(text, today, alone=item.id == "other")
    if not reading.readable:
        return AnswerReading("unsure" if reading.findings else None, reading.findings, False)
    line = canonical(text).line.strip()
    if line in ("n", "y"):
        return AnswerReading("no" if line == "n" else "yes", ())
    if not line:
        return AnswerReading(None, ())
    own = [f for f in reading.findings if f.condition == item.id]
    counting = [f for f in reading.findings if f.counts and f.rule != "second_reader"]
    named = [f for f in own if f.counts]
    if item.id == "other":
        return _open_answer(line, reading, hint)
    if _QUESTION.search(line) and not named and not _YES.match(line) and not _NO.match(line):
        return AnswerReading(None, tuple(counting))
    says_yes, says_no = bool(_YES.match(line)), bool(_NO.match(line))
    doubt = bool(_DOUBT.search(line))
    if named:
        value: Value = "unsure" if doubt or says_no or any(f.status != "present" for f in named) else "yes"
        return AnswerReading(value, reading.findings)
    if doubt and (says_yes or says_no or hint is not None or len(line.split()) <= 8):
        return AnswerReading(
            "yes" if says_yes and not re.search(r"not|maybe|might|sort of|kind of", line) else "unsure",
            reading.findings,
        )
    if says_yes:
        return AnswerReading("yes", reading.findings)
    if says_no:
        return AnswerReading(_denial(line, own, reading), reading.findings)
    if own and all(f.status == "absent" for f in own):
        return AnswerReading("no" if reading.harmless else "unsure", reading.findings)
    if hint == "affirm":
        return AnswerReading("yes", reading.findings)
    if hint == "unsure":
        return AnswerReading("unsure", reading.findings)
    if hint == "deny":
        plain = all(word in _PLAIN_WORDS for word in line.split())
        return AnswerReading(
            "no" if plain or (reading.harmless and len(line.split()) <= 6) else "unsure", reading.findings
        )
    return AnswerReading(None, tuple(counting))


def _denial(line: str, own: list[Finding], reading: TextReading) -> Value:
    """A text that starts with "no": plain, or with something behind it."""
    if re.match(r"^no (?:, )?(?:well|wait|actually|sorry|i mean|hang on)", line):
        return "unsure"
    if all(word in _PLAIN_WORDS for word in line.split()):
        return "no"
    if own and all(f.status in ("absent", "other_person") for f in own) and not _BUT.search(line):
        return "no"
    # "no, but I take tablets for the heart": the other condition is kept as a finding of its own.
    named = [f for f in reading.findings if f.rule not in ("second_reader", "unreadable")]
    if named or not _BUT.search(line):
        return "no"
    return "unsure"


def _open_answer(line: str, reading: TextReading, hint: Hint | None) -> AnswerReading:
    """The last question is answered in words; what they say is in the findings."""
    plain = all(word in _PLAIN_WORDS for word in line.split())
    if plain and _NO.match(line):
        return AnswerReading("no", ())
    if re.fullmatch(r"(?:yes|yeah|yep|yup|yes please|i do|there is)(?: [.!])?", line):
        return AnswerReading("yes", reading.findings)
    if reading.harmless:
        if _QUESTION.search(line) and not _NO.match(line):
            return AnswerReading(None, reading.findings)
        if hint is None and _DOUBT.search(line) and len(line.split()) <= 8:
            return AnswerReading("unsure", reading.findings)
        return AnswerReading("no", reading.findings)
    if any(f.counts for f in reading.findings):
        return AnswerReading("yes", reading.findings)
    return AnswerReading("unsure", reading.findings)
