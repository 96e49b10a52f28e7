"""What the reader makes of a text, for the terminal: findings, status, rules, outcome.

For the therapist and for debugging; ``python -m bot screen "text"`` prints it.
"""

from __future__ import annotations

from datetime import datetime, timezone

from bot.screening.decision import TEXT_ANSWER, decide
from bot.screening.reader import Reader
from bot.screening.rulebook import LINK_IDS, Rulebook, default_rulebook


def explain(
    text: str,
    reader: Reader | None = None,
    rulebook: Rulebook | None = None,
    now: datetime | None = None,
) -> str:
    """Findings of ``text`` and what they would decide with "no" to the ten questions."""
    reader = reader or Reader()
    rulebook = rulebook or default_rulebook()
    now = now or datetime.now(timezone.utc)
    reading = reader.read(text, now.date())
    answers = dict.fromkeys(LINK_IDS, "no") | {"other": TEXT_ANSWER}
    decision = decide(rulebook, answers, {}, reading.findings, now)
    lines = [f"outcome   {decision.outcome} (with no to the ten questions, rules {decision.rules_version})"]
    if not reading.readable:
        lines.append("readable  no")
    for finding in reading.findings:
        counts = "counts" if finding.counts else "changes nothing"
        lines.append(
            f'finding   {finding.condition}: {finding.status}, {counts} | "{finding.evidence}" | '
            f"{finding.source} | {finding.rule}"
        )
    if not reading.findings:
        lines.append("finding   none")
    lines.append("rules     " + ", ".join(decision.rules_fired))
    return "\n".join(lines)
