"""Numbers with a meaning: blood pressure, eGFR, INR, sugar, temperature and the like.

Finds a value in canonical text and says on which side of the limit it lies. Limits that
belong to the practice are constants here, each with its source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from bot.screening.model import Listing
from bot.screening.normalise import Canonical
from bot.screening.vocabulary import NO_CLASS, Group, Mention

SINCE = date(2026, 11, 23)
PRESSURE_REVIEW = (140, 90)
"""mmHg; from here on a reading goes to the therapist (ESC/ESH 2018: grade 1)."""
PRESSURE_REFUSE = (160, 100)
"""mmHg; from here on a reading counts as not controlled (ESC/ESH 2018: grade 2)."""
PRESSURE_LOW = (90, 50)
"""mmHg; below, a reading goes to the therapist."""
EGFR_DYSFUNCTION = 60
"""mL/min/1.73 m2; below counts as kidney dysfunction (KDIGO 2024: G3a and worse)."""
EGFR_NORMAL = 90
"""mL/min/1.73 m2; from here on normal (KDIGO 2024: G1)."""
INR_NORMAL = (0.8, 1.2)
"""Without anticoagulant (WHO); any other value means one."""
HBA1C_PERCENT = 5.7
HBA1C_MMOL = 39
"""From here on not normal (ADA 2024: prediabetes)."""
GLUCOSE_MMOL = (3.9, 5.6)
GLUCOSE_MGDL = (70, 100)
"""Fasting, normal (ADA 2024)."""
CHOLESTEROL_MMOL = 5.0
CHOLESTEROL_MGDL = 200
"""Total; from here on raised (NHS; NCEP ATP III)."""
FEVER_CELSIUS = 37.8
FEVER_FAHRENHEIT = 100.0
"""From here on a temperature goes to the therapist."""
PULSE = (45, 100)
OXYGEN = 95
T_SCORE = -1.0


@dataclass(frozen=True, slots=True)
class NumericReading:
    """A value found in a text, as a mention of the condition that it speaks for or against."""

    mention: Mention

    def covers(self, other: Mention) -> bool:
        """Whether ``other`` is only the name or the value of this reading."""
        inside = other.start >= self.mention.start and other.end <= self.mention.end
        return inside

    def names(self, other: Mention) -> bool:
        """Whether ``other`` is no more than the word for what was measured ("my BP today: 116/74")."""
        return other.group.id == "pressure_word" and self.mention.group.condition == other.group.condition


def _group(name: str, condition: str, listing: Listing, source: str = "practice.reading") -> Group:
    return Group(name, condition, listing, source, SINCE, "never", NO_CLASS, (), None, ())


_N = r"(\d+(?:[.,]\d+)?)"
_LINK = (
    r"(?: (?:was|is|of|at|around|about|reading|level|check|last|this|the|my|right|now|in|on|week|morning|today"
    r"|came|back|out|as|run|runs|running|down|up|to|:|=|spring|\w+day|between|stays|measured|read))*"
)
_PRESSURE = re.compile(r"(?<![\d/.])(\d{2,3}) (?:/|over|on|by) (\d{2,3})(?![\d/]| ?(?:mg|mcg|%|years|19|20\d\d))")
_SYSTOLIC = re.compile(
    r"(?:blood pressure|bp|systolic|top number|pressure|machine read|monitor said|readings?(?: "
    r"\w+){0,6})" + _LINK + r" (1[0-9]\d|2[0-4]\d)(?! ?(?:/|over|mg))"
)
_EGFR = re.compile(
    r"(?:e ?gfr|gfr|filter rate|filtration rate|kidney function)"
    + _LINK
    + r"( over| above| under| below| >| <)? (\d+(?:[.,]\d+)?|ninety|hundred)"
)
_INR = re.compile(r"inr" + _LINK + " " + _N)
_CHOLESTEROL = re.compile(r"cholesterol" + _LINK + " " + _N)
_A1C = re.compile(r"(?:hb ?a ?1 ?c|a ?1 ?c)" + _LINK + " " + _N)
_SUGAR = re.compile(r"(?:blood )?(?:sugars?|glucose)" + _LINK + " " + _N)
_TEMPERATURE = re.compile(
    r"(?:"
    + _N
    + r" (?:degrees )?(?:fever|temp(?:erature)?)|(?:fever|temp|temperature)(?: of)?"
    + _LINK
    + " "
    + _N
    + ")"
)
_PULSE = re.compile(r"(?:pulse|heart rate|hr)" + _LINK + r" (\d{2,3})")
_OXYGEN = re.compile(r"(?:oxygen|sats?|spo ?2)" + _LINK + r" (\d{2,3})")
_CREATININE = re.compile(r"creatinine" + _LINK + " " + _N)


def find_readings(text: Canonical) -> list[NumericReading]:
    """Every numeric reading of ``text`` whose meaning is known."""
    out: list[NumericReading] = []
    line = text.line
    for match in _PRESSURE.finditer(line):
        high, low = int(match[1]), int(match[2])
        if 70 <= high <= 260 and 30 <= low <= 160 and high > low:
            out.append(_as(text, match, _pressure(high, low)))
    for match in _SYSTOLIC.finditer(line):
        out.append(_as(text, match, _pressure(int(match[1]), 70)))
    for match in _EGFR.finditer(line):
        value = {"ninety": 90.0, "hundred": 100.0}.get(match[2]) or _value(match[2])
        over = match[1] is not None and match[1].strip() in ("over", "above", ">")
        if value >= EGFR_NORMAL or (over and value >= EGFR_NORMAL):
            group = _group("reading_egfr_normal", "kidney_dysfunction", "irrelevant")
        elif value < EGFR_DYSFUNCTION and not over:
            group = _group("reading_egfr_low", "kidney_dysfunction", "contraindication")
        else:
            group = _group("reading_egfr_reduced", "kidney_dysfunction", "other")
        out.append(_as(text, match, group))
    for match in _INR.finditer(line):
        normal = INR_NORMAL[0] <= _value(match[1]) <= INR_NORMAL[1]
        out.append(_as(text, match, _group("reading_inr", "anticoagulants", "other" if normal else "modified")))
    for match in _A1C.finditer(line):
        value = _value(match[1])
        normal = value < HBA1C_PERCENT if value < 20 else value < HBA1C_MMOL
        out.append(_as(text, match, _group("reading_hba1c", "diabetes", "irrelevant" if normal else "other")))
    for match in _SUGAR.finditer(line):
        value = _value(match[1])
        least, most = GLUCOSE_MMOL if value < 30 else GLUCOSE_MGDL
        normal = least <= value < most
        out.append(_as(text, match, _group("reading_sugar", "diabetes", "irrelevant" if normal else "other")))
    for match in _CHOLESTEROL.finditer(line):
        value = _value(match[1])
        normal = 2 < value < CHOLESTEROL_MMOL or 80 < value < CHOLESTEROL_MGDL
        out.append(_as(text, match, _group("reading_cholesterol", "heart", "irrelevant" if normal else "other")))
    for match in _TEMPERATURE.finditer(line):
        value = _value(match[1] or match[2])
        if 35 <= value <= 43 or 95 <= value <= 108:
            fever = value >= (FEVER_CELSIUS if value < 50 else FEVER_FAHRENHEIT)
            out.append(_as(text, match, _group("reading_temperature", "infection", "other" if fever else "irrelevant")))
    for match in _PULSE.finditer(line):
        value = _value(match[1])
        normal = PULSE[0] <= value <= PULSE[1]
        out.append(_as(text, match, _group("reading_pulse", "heart", "irrelevant" if normal else "other")))
    for match in _OXYGEN.finditer(line):
        normal = _value(match[1]) >= OXYGEN
        out.append(_as(text, match, _group("reading_oxygen", "lung", "irrelevant" if normal else "other")))
    for match in _CREATININE.finditer(line):
        value = _value(match[1])
        normal = 0.5 <= value <= 1.1 or 45 <= value <= 100
        out.append(
            _as(text, match, _group("reading_creatinine", "kidney_dysfunction", "irrelevant" if normal else "other"))
        )
    return out


def _pressure(high: int, low: int) -> Group:
    if high >= PRESSURE_REFUSE[0] or low >= PRESSURE_REFUSE[1]:
        return _group("reading_pressure_high", "uncontrolled_hypertension", "contraindication")
    if high >= PRESSURE_REVIEW[0] or low >= PRESSURE_REVIEW[1] or high < PRESSURE_LOW[0] or low < PRESSURE_LOW[1]:
        return _group("reading_pressure_raised", "uncontrolled_hypertension", "other")
    return _group("reading_pressure_normal", "uncontrolled_hypertension", "irrelevant")


def _value(raw: str) -> float:
    return float(raw.replace(",", "."))


def _as(text: Canonical, match: re.Match[str], group: Group) -> NumericReading:
    first = text.token_at(match.start())
    last = text.token_at(match.end() - 1)
    return NumericReading(Mention(group, first, last + 1))
