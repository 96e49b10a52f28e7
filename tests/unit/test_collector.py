"""What is there for good costs a collection nothing."""

from __future__ import annotations

import gc

from bot.collector import keep_out_of_the_collectors_way


def test_what_is_there_is_walked_no_more_and_what_comes_later_is() -> None:
    before = len(gc.get_objects())
    thresholds = gc.get_threshold()
    try:
        keep_out_of_the_collectors_way()
        assert len(gc.get_objects()) < before / 10
        circle: list[object] = []
        circle.append(circle)
        del circle
        assert gc.collect() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def test_new_objects_are_looked_through_rarely_and_never_is_not_what_that_means() -> None:
    thresholds = gc.get_threshold()
    try:
        keep_out_of_the_collectors_way()
        assert all(now > then > 0 for now, then in zip(gc.get_threshold(), (700, 10, 10)))
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
