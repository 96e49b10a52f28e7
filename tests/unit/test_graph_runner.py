"""Rasa's graph run in order: the same results as Dask's, planned once."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List

import pytest
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage

from bot.graph_runner import OrderedGraphRunner


class Sum(GraphComponent):
    """A node that adds what it gets."""

    calls: ClassVar[List[str]] = []

    def __init__(self, config: Dict[str, Any]) -> None:
        self._plus = config["plus"]

    @classmethod
    def create(cls, config: Dict[str, Any], **_: Any) -> Sum:
        return cls(config)

    def add(self, **numbers: int) -> int:
        Sum.calls.append(str(self._plus))
        return sum(numbers.values()) + int(self._plus)


def node(plus: int, **needs: str) -> SchemaNode:
    return SchemaNode(needs=needs, uses=Sum, constructor_name="create", fn="add", config={"plus": plus})


SCHEMA = GraphSchema(
    {
        "first": node(1, a="given"),
        "left": node(10, a="first"),
        "right": node(100, a="first", b="given"),
        "both": node(0, a="left", b="right"),
        "unused": node(7, a="given"),
    }
)


@pytest.fixture
def storage(tmp_path: Any) -> LocalModelStorage:
    return LocalModelStorage(tmp_path)


def runner(kind: type, storage: LocalModelStorage) -> Any:
    return kind.create(SCHEMA, storage, ExecutionContext(SCHEMA))


def test_results_are_those_of_the_stock_runner(storage: LocalModelStorage) -> None:
    for targets in (["both"], ["left", "right"], ["unused"]):
        ours = runner(OrderedGraphRunner, storage).run({"given": 5}, targets)
        assert ours == runner(DaskGraphRunner, storage).run({"given": 5}, targets)


def test_every_node_that_is_needed_runs_once_and_no_other(storage: LocalModelStorage) -> None:
    Sum.calls.clear()
    ordered = runner(OrderedGraphRunner, storage)
    ordered.run({"given": 5}, ["both"])
    ordered.run({"given": 6}, ["both"])
    assert sorted(Sum.calls) == sorted(["1", "10", "100", "0"] * 2)


def test_a_missing_input_is_named(storage: LocalModelStorage) -> None:
    with pytest.raises(GraphRunError, match="given"):
        runner(OrderedGraphRunner, storage).run({}, ["both"])
