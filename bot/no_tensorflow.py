"""A Rasa server without TensorFlow, where no part of the model uses it.

Importing Rasa imports TensorFlow for learners that this product's pipeline does not have: two
thirds of the server's start and a third of its memory (docs/decisions/0008-start-and-memory.md).
Here `import tensorflow` gives placeholders that can be named and subclassed but not used: making
anything of them is an error that says why. Only the server process does this, never training,
and not with a pipeline that has a learner on TensorFlow. This module must not know Rasa's code.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Optional, Sequence

from ruamel.yaml import YAML

#: The packages that are left out; what else needs them is imported by no component of `FREE`.
LEFT_OUT: Final = ("tensorflow", "keras")
#: Components of Rasa that do without; further ones are `bot`'s own.
FREE: Final = ("RulePolicy", "MemoizationPolicy", "AugmentedMemoizationPolicy")


class TensorFlowLeftOut(RuntimeError):
    """Something needs TensorFlow in a process that left it out."""


class _Placeholder(type):
    """A name of TensorFlow: a class, so that it can be subclassed, annotated with and asked `isinstance` of."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{cls.__name__}.{name}")

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        if not cls.__dict__.get("_left_out"):
            raise TensorFlowLeftOut(
                f"{cls.__module__}.{cls.__qualname__} needs TensorFlow, which this server left out because no component "
                "of config.yml was known to use it. Name the component in config.yml by its class, and start again."
            )
        # used as a decorator, it decorates nothing
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) and not named else cls


def _placeholder(name: str) -> _Placeholder:
    return _Placeholder(name, (), {"_left_out": True})


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{self.__name__}.{name}")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname.partition(".")[0] not in LEFT_OUT:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: a placeholder has no code."""


def leave_out_tensorflow(config: Path) -> bool:
    """Make imports of TensorFlow give placeholders, if the pipeline and policies in `config` allow it.

    Returns:
        Whether it was left out; False too when it was imported already.
    """
    if "tensorflow" in sys.modules:
        return False
    chosen = YAML(typ="safe").load(config.read_text(encoding="utf-8"))
    components = [part["name"] for kind in ("pipeline", "policies") for part in chosen.get(kind) or [{"name": ""}]]
    if not all(name in FREE or name.startswith("bot.") for name in components):
        return False
    sys.meta_path.insert(0, _Finder())
    return True
