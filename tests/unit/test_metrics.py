"""Stages of a message are timed so that they add up."""

from __future__ import annotations

import time
from typing import Callable

from prometheus_client import REGISTRY

from bot.metrics import stage, time_calls


def seconds(name: str) -> float:
    return REGISTRY.get_sample_value("assistant_stage_seconds_sum", {"stage": name}) or 0.0


def times(name: str) -> float:
    return REGISTRY.get_sample_value("assistant_stage_seconds_count", {"stage": name}) or 0.0


def spend(condition: Callable[[], float]) -> None:
    """Be busy until the clock has moved."""
    started = condition()
    while condition() - started < 0.002:
        pass


def test_a_stage_inside_another_is_counted_once() -> None:
    started = time.perf_counter()
    with stage("outer"):
        with stage("inner"):
            spend(time.perf_counter)
        spend(time.perf_counter)
    whole = time.perf_counter() - started
    assert seconds("inner") >= 0.002
    assert seconds("outer") >= 0.002
    assert seconds("outer") + seconds("inner") <= whole


async def test_calls_of_a_method_are_timed_once_however_often_that_is_asked_for() -> None:
    class Library:
        def read(self) -> str:
            return "read"

        async def call(self) -> str:
            return "called"

    for _ in range(2):
        time_calls(Library, "read", "reading_twice")
        time_calls(Library, "call", "calling_twice")
    assert Library().read() == "read"
    assert await Library().call() == "called"
    assert times("reading_twice") == times("calling_twice") == 1
