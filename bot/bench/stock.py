"""What a user would run instead: Rasa as `rasa init` leaves it, on the same data.

The configuration is Rasa's own file, taken from the installed package: its default pipeline
and policies. The training examples, the domain, the rules and the actions are this product's;
every rule is given as a story too, as `rasa init`'s project has both, because the default
policies learn from stories. This module must not know how anything is measured.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Dict, Final, List, Mapping, Set

from ruamel.yaml import YAML

from bot.bench.errors import BenchError
from bot.settings import ROOT

#: Of each learner that has epochs, in Rasa's default configuration.
EPOCHS: Final = 100
#: The log of a training, in the project's folder.
LOG: Final = "train.log"
_TRAINED: Final = "trained.json"
_MODEL: Final = "models/stock.tar.gz"


@dataclass(frozen=True)
class Trained:
    """What one training cost.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of processor time, which other work on the machine does not lengthen.
    """

    seconds: float
    cpu_seconds: float


class StockProject:
    """A folder such as `rasa init` makes, with this product's data in it.

    Args:
        folder: where projects are kept; the one of today's data has its digest in its name.
        epochs: of each learner that has epochs. Fewer than Rasa's own number make a model that
            takes as long for a message and reads worse; its training is reckoned for all epochs.
    """

    def __init__(self, folder: Path, epochs: int = EPOCHS) -> None:
        self.epochs = epochs
        self.folder = folder / f"stock-{_digest()}-{epochs}"
        self.model = self.folder / _MODEL

    def trained(self) -> Trained | None:
        """What training this model cost; None while it is not trained."""
        try:
            return Trained(**json.loads((self.folder / _TRAINED).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def train(self) -> Trained:
        """Train with the default settings, unless that was done before.

        Raises:
            BenchError: Rasa did not train a model.
        """
        known = self.trained()
        if known is not None and self.model.exists():
            return known
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self._write()
        spent = timed(
            rasa("train", "--fixed-model-name", "stock", "--out", "models"), self.folder, self.folder / LOG, {}
        )
        if not self.model.exists():
            raise BenchError(f"Stock Rasa trained no model; {self.folder / LOG} says why.")
        cost = reckoned(spent, (self.folder / LOG).read_text(encoding="utf-8", errors="replace"), self.epochs)
        (self.folder / _TRAINED).write_text(json.dumps(asdict(cost)), encoding="utf-8")
        return cost

    def use(self, model: Path) -> None:
        """Take a model that was trained before, of other data perhaps, instead of training."""
        if not self.folder.exists():
            self._write()
        self.model.parent.mkdir(exist_ok=True)
        shutil.copy(model, self.model)
        beside = model.parents[1] / _TRAINED
        if beside.exists():
            shutil.copy(beside, self.folder / _TRAINED)

    def configure(self, actions_port: int) -> None:
        """Tell Rasa where its action server will listen."""
        _dump({"action_endpoint": {"url": f"http://127.0.0.1:{actions_port}/webhook"}}, self.folder / "endpoints.yml")

    def _write(self) -> None:
        shutil.copytree(ROOT / "data" / "nlu", self.folder / "data" / "nlu")
        template = importlib.resources.files("rasa.cli.initial_project")
        for name in ("config.yml", "credentials.yml"):
            (self.folder / name).write_text(template.joinpath(name).read_text(encoding="utf-8"), encoding="utf-8")
        if self.epochs != EPOCHS:
            self._shorten()
        rules = [rule for path in sorted((ROOT / "data" / "stories").glob("*.yml")) for rule in _load(path)["rules"]]
        _dump({"version": "3.1", "rules": rules}, self.folder / "data" / "rules.yml")
        stories = [{"story": rule["rule"], "steps": rule["steps"]} for rule in rules]
        _dump({"version": "3.1", "stories": stories}, self.folder / "data" / "stories.yml")
        domain: Dict[str, Any] = _load(ROOT / "domain.yml")
        # the default pipeline's ResponseSelector chooses among responses: one for each key
        domain["responses"] = {f"utter_{key}": [{"text": key}] for key in sorted(_keys())}
        _dump(domain, self.folder / "domain.yml")

    def _shorten(self) -> None:
        """Write out Rasa's defaults, which its own file leaves to Rasa, with fewer epochs."""
        defaults = importlib.resources.files("rasa.engine.recipes.config_files").joinpath("default_config.yml")
        config: Dict[str, Any] = YAML(typ="safe").load(defaults.read_text(encoding="utf-8"))
        for learner in [*config["pipeline"], *config["policies"]]:
            if "epochs" in learner:
                learner["epochs"] = self.epochs
        _dump(config, self.folder / "config.yml")


def reckoned(spent: Trained, log: str, epochs: int) -> Trained:
    """What all epochs would cost at the pace of those that were run, from Rasa's own progress bars.

    The first epoch of a learner also builds its graph and is not taken as the pace.
    """
    if epochs == EPOCHS:
        return spent
    more = 0.0
    for learner in re.split(r"Starting to train component", log)[1:]:
        at = {int(done): _seconds(clock) for done, clock in re.findall(rf"(\d+)/{epochs} \[([\d:]+)<", learner)}
        if epochs in at and 1 in at:
            more += (at[epochs] - at[1]) / (epochs - 1) * (EPOCHS - epochs)
    return Trained(
        seconds=round(spent.seconds + more, 1),
        cpu_seconds=round(spent.cpu_seconds + more * spent.cpu_seconds / spent.seconds, 1),
    )


def _seconds(clock: str) -> float:
    """`1:02:03` or `02:03` in seconds."""
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total


def rasa(*arguments: str) -> List[str]:
    """The command line of the installed Rasa."""
    return [sys.executable, "-W", "ignore", "-m", "rasa", *arguments]


def timed(command: List[str], folder: Path, log: Path, environment: Mapping[str, str]) -> Trained:
    """Run a command to its end and tell what it cost.

    Raises:
        BenchError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with log.open("wb") as output:
        code = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "RASA_TELEMETRY_ENABLED": "false", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
        raise BenchError(f"'{' '.join(command[3:6])}' ended with exit code {code}; its last lines:\n{last}")
    return Trained(
        seconds=round(time.monotonic() - started, 1),
        cpu_seconds=round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
    )


def _digest() -> str:
    found = hashlib.sha256(version("rasa").encode())
    for path in [ROOT / "domain.yml", *sorted((ROOT / "data").rglob("*.yml"))]:
        found.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:12]


def _keys() -> Set[str]:
    files = (ROOT / "data" / "nlu").glob("*.yml")
    return {entry["intent"] for path in files for entry in _load(path)["nlu"] if "/" in entry.get("intent", "")}


def _load(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def _dump(value: Any, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(value, file)
