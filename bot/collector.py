"""Python's garbage collector beside a process that holds millions of objects for ever.

A full collection walks every object. What the models and libraries brought at the start is never
garbage, and walking it takes a third of a second in which nobody is answered
(docs/decisions/0007-time-of-a-message.md). Knows nothing of what the objects are.
"""

from __future__ import annotations

import gc
from typing import Final

#: New objects until the youngest are looked through, and how many times they are until the older ones are.
_RARELY: Final = (20_000, 50, 100)


def keep_out_of_the_collectors_way() -> None:
    """Set everything that is there now apart from all later collections; call it once, when all is loaded.

    What comes later is looked through once in a few messages, not ten times in each: hardly anything of a message
    is in a circle that only the collector can free.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_RARELY)
