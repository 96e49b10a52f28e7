"""Python's garbage collector beside a process that holds millions of objects for ever.

A full collection walks every object. What the models and libraries brought at the start is never
garbage, and walking it takes a third of a second in which nobody is answered
(docs/decisions/0007-time-of-a-message.md). Knows nothing of what the objects are.
"""

from __future__ import annotations

import gc


def keep_out_of_the_collectors_way() -> None:
    """Set everything that is there now apart from all later collections; call it once, when all is loaded."""
    gc.collect()
    gc.freeze()
