"""One action for each skill that the rules in data/stories name.

All go the same way (`Skill`): one message may hold parts for several skills,
and the assistant answers each. The names keep the rules readable.
"""

from __future__ import annotations

from actions.skill import Skill


class ActionAnswer(Skill):
    """Answers from the handout, or says that it does not answer."""

    skill = "answer"


class ActionCondition(Skill):
    """Places a health condition on its list of the handout; clears nothing."""

    skill = "condition"


class ActionEmergency(Skill):
    """The second net under the emergency layer."""

    skill = "emergency"


class ActionEscalate(Skill):
    """Brings in the therapist."""

    skill = "escalate"


class ActionFallback(Skill):
    """Asks back, and after two failures brings in the therapist."""

    skill = "fallback"


class ActionMyData(Skill):
    """Tells what is kept about the client."""

    skill = "my_data"


class ActionScreen(Skill):
    """Runs the contraindication screen."""

    skill = "screen"


class ActionSmalltalk(Skill):
    """Small talk, and what is none of the assistant's business."""

    skill = "smalltalk"
