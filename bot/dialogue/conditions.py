"""A health condition told in chat: which list it is on, never cleared in passing.

Two readers see it: the NLU's group and the screen's reader of free text. What
either reads as the client's own is answered (policy.md 2.8 and 2.9).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from bot.dialogue import buttons
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.message import Message, Part
from bot.handout import Handout
from bot.nlu.thresholds import ANSWER
from bot.screening import Finding
from bot.screening.people import PATIENT
from bot.screening.reader import VAGUE, Reader

if TYPE_CHECKING:
    from bot.dialogue.assistant import Turn

# the screen's ids and the handout's names for the ten listed conditions
GROUPS: Dict[str, str] = {
    "recent_sutures": "sutures",
    "uncontrolled_hypertension": "hypertension",
    "kidney_dysfunction": "kidney",
    "hematoma": "hematoma",
    "osteomyelitis": "osteomyelitis",
    "anticoagulants": "anticoagulant",
    "varicose_veins": "varicose",
    "cancer": "cancer",
    "rheumatoid_arthritis": "ra",
    "acute_inflammation": "inflammatory",
}
LISTINGS = ("contraindication", "modified", "other")
LISTED = {"contraindication": "contraindications", "modified": "modified"}
REMARKS = ("relative", "negated", "general", "curiosity", "figurative")
#: Words by which somebody else is the one to be treated (policy.md 2.9).
_FOR_THEM = re.compile(
    r"\bit'?s (?:for )?(?:her|him|them|(?:my )?(?:mum|mom|dad|mother|father|son|daughter|husband|wife|gran|nan))\b"
    r"|\b(?:can|could|may|is|would|should|will|does|are) (?:she|he|they)\b(?! (?:do|work|treat|charge|offer|open))"
    r"|\b(?:she|he) (?:can|could|may|wants|needs|is coming|would like)\b"
    r"|\b(?:take|treat|see|have|do) (?:her|him)\b|\b(?:booking|asking|enquiring|writing) for\b"
    r"|\bwants? the (?:treatment|session|scraping)\b|\bdoes (?:that|it|this) change\b",
    re.IGNORECASE,
)


class Conditions:
    """Answers what clients say about health."""

    def __init__(self, handout: Handout, reader: Reader, alarm: AlarmReply) -> None:
        self._handout = handout
        # only what names a condition is answered: asking the other readers for it cost a third of an action's time
        self._vocabulary = reader.vocabulary_only()
        self._alarm = alarm

    def told(self, turn: Turn, text: str) -> List[Finding]:
        """The findings of a text that are the patient's own and count, once a condition."""
        found = self._vocabulary.read(text, turn.now.date()).findings
        for_them = _FOR_THEM.search(text) is not None or PATIENT.search(text.lower()) is not None
        own = [
            f
            for f in found
            if (f.counts or (for_them and f.status == "other_person"))
            and f.listing in LISTINGS
            and f.condition not in VAGUE
        ]
        return list({finding.condition: finding for finding in own}.values())

    def notice(self, turn: Turn, part: Part) -> bool:
        """Answer a condition that came along with a question; True if there was one."""
        findings = [
            f
            for f in self.told(turn, part.text)
            if not _is_an_after_effect(f, part) and not self._is_asked_about(f, part)
        ]
        if findings:
            self._answer(turn, findings, part)
        return bool(findings)

    def answer(self, turn: Turn, part: Part) -> None:
        """Answer a part that the NLU read as a condition."""
        findings = self.told(turn, part.text)
        if not findings and self._is_only_anothers(turn, part.text):
            self.remark(turn, Part(part.text, "health_remark", "health_remark/relative"))
            return
        read = self._handout.condition(part.topic)
        sure = part.confidence if not part.ranking else dict(part.ranking).get(part.key, 0.0)
        if read is not None and read.passage is not None and sure >= ANSWER:
            # a list that either reader saw is told: "they stitched my shin" is in no vocabulary
            findings = [f for f in findings if f.listing != "other"]
            if not any(LISTED[f.listing] == read.passage for f in findings):
                self._tell(turn, read.name, read.passage, part)
        elif not findings:
            self._tell(turn, read.name if read else None, read.passage if read else None, part)
        self._answer(turn, findings, part)

    def remark(self, turn: Turn, part: Part) -> None:
        """Answer health words that disclose nothing, unless the reader sees a disclosure."""
        if self.notice(turn, part):
            return
        kind = part.topic if part.topic in REMARKS else "general"
        sources = ("contraindications", "modified") if kind == "curiosity" else ()
        turn.messages.append(Message(self._handout.say(f"health_remark.{kind}"), "condition", sources=sources))

    def alarm(self, turn: Turn, part: Part) -> None:
        """An alarm that only the NLU saw."""
        turn.messages.append(self._alarm.second_net(turn.session, turn.conversation_id, part.text, part.topic))

    def _is_asked_about(self, finding: Finding, part: Part) -> bool:
        """Whether the words behind a finding are what the question is about, as "ibuprofen" in one about painkillers."""
        mentions = [
            *((one.passage, one.start, one.end) for one in self._handout.find_specifics(part.text)),
            *((one.topic, one.start, one.end) for one in self._handout.find_not_named(part.text)),
        ]
        said = part.text.casefold().find(finding.evidence.casefold())
        return finding.listing == "other" and any(
            about == part.topic and start <= said and said + len(finding.evidence) <= end
            for about, start, end in mentions
        )

    def _is_only_anothers(self, turn: Turn, text: str) -> bool:
        """Whether every condition that the words name is somebody else's (policy.md 2.9)."""
        found = [f for f in self._vocabulary.read(text, turn.now.date()).findings if f.condition not in VAGUE]
        return bool(found) and all(finding.status == "other_person" for finding in found)

    def _answer(self, turn: Turn, findings: List[Finding], part: Part) -> None:
        # the gravest list first, and each list once: one message must not become five
        by_list: Dict[Optional[str], Tuple[Finding, Optional[str]]] = {}
        for finding in sorted(findings, key=lambda f: LISTINGS.index(f.listing)):
            by_list.setdefault(finding.listing, (finding, self._name(finding, part)))
        for finding, name in by_list.values():
            passage = LISTED.get(finding.listing)
            self._tell(turn, name, passage, part)

    def _name(self, finding: Finding, part: Part) -> Optional[str]:
        group = GROUPS.get(finding.condition, part.topic if part.intent == "condition" else "")
        known = self._handout.condition(group)
        if known is not None and (known.passage is None) == (finding.listing == "other"):
            return known.name
        return finding.condition.replace("_", " ")

    def _tell(self, turn: Turn, name: Optional[str], passage: Optional[str], part: Part) -> None:
        if any(m.kind == "condition" and (m.sources == ((passage,) if passage else ())) for m in turn.messages):
            return
        which = {"contraindications": "contraindication", "modified": "modified"}.get(passage or "", "unlisted")
        text = (
            self._handout.say(f"condition.{which}", condition=name) if name else self._handout.say("condition.unnamed")
        )
        turn.memory.offered = "screen" if passage else "pass_on"
        turn.memory.question = turn.heard.text
        screen, ask = buttons.start_screen(self._handout), buttons.pass_on(self._handout)
        turn.messages.append(
            Message(
                text,
                "condition",
                sources=(passage,) if passage else (),
                buttons=(screen, ask) if passage else (ask, screen),
            )
        )


def _is_an_after_effect(finding: Finding, part: Part) -> bool:
    """Whether the words that could mean a condition ("black and blue") are about what treatment leaves."""
    return part.topic in ("bruising", "tenderness") and finding.condition in ("hematoma", "acute_inflammation")
