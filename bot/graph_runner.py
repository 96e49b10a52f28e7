"""Running Rasa's graph in order, without planning it anew for every message.

Stock Rasa prunes its graph, hands it to Dask and renders all inputs into a debug line
at every prediction, three times a message. The graph of a loaded model never changes:
here its order is found once for each set of targets. The nodes, what they get and what
they return stay Rasa's own; this module must not know what any of them does.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import rasa.core.processor
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner

Step = Tuple[str, GraphNode, Tuple[str, ...]]


class OrderedGraphRunner(DaskGraphRunner):
    """Calls the nodes that the targets need, each after those that it needs."""

    def run(self, inputs: Optional[Dict[str, Any]] = None, targets: Optional[List[str]] = None) -> Dict[str, Any]:
        """Run the graph.

        Args:
            inputs: what the nodes get that are not in the graph, by name.
            targets: the nodes whose results are wanted; the schema's own by default.

        Raises:
            GraphRunError: a node needs what neither the graph nor `inputs` gives.
        """
        wanted = tuple(targets or self._graph_schema.target_names)
        results: Dict[str, Tuple[str, Any]] = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, node, needs in self._steps(wanted):
            missing = [need for need in needs if need not in results]
            if missing:
                raise GraphRunError(f"The node {name} of Rasa's graph needs {', '.join(missing)}, which nothing gives.")
            results[name] = node(*(results[need] for need in needs))
        return dict(results[name] for name in wanted)

    def _steps(self, targets: Tuple[str, ...]) -> List[Step]:
        known: Dict[Tuple[str, ...], List[Step]] = self.__dict__.setdefault("_plans", {})
        if targets not in known:
            nodes = self._graph_schema.minimal_graph_schema(list(targets)).nodes
            steps: List[Step] = []
            done = set()

            def visit(name: str) -> None:
                if name in done or name not in nodes:
                    return
                done.add(name)
                needs = tuple(nodes[name].needs.values())
                for need in needs:
                    visit(need)
                steps.append((name, self._instantiated_nodes[name], needs))

            for target in targets:
                visit(target)
            known[targets] = steps
        return known[targets]


def run_graphs_in_order() -> None:
    """Let Rasa's processor load models into this runner."""
    rasa.core.processor.DaskGraphRunner = OrderedGraphRunner
