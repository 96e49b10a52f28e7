"""What is there for good costs a collection nothing."""

from __future__ import annotations

import gc

from bot.collector import keep_out_of_the_collectors_way


def test_what_is_there_is_walked_no_more_and_what_comes_later_is() -> None:
    before = len(gc.get_objects())
    try:
        keep_out_of_the_collectors_way()
        assert len(gc.get_objects()) < before / 10
        circle: list[object] = []
        circle.append(circle)
        del circle
        assert gc.collect() > 0
    finally:
        gc.unfreeze()
