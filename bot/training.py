"""Training everything that learns, and knowing when it is already trained.

Each model is named by a digest of all that shapes it: its data, its code, and
the versions of the libraries. A change of any of them makes another name, so a
model never answers for data it has not seen, and nothing is trained twice.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Callable, Iterator, Tuple

from bot.settings import ROOT

MODELS = ROOT / "models"
LIBRARIES = ("rasa", "ctranslate2", "scikit-learn", "numpy", "tokenizers")
SUFFIXES = (".yml", ".jsonl", ".py")
# older models are kept for a way back, but not for ever
KEPT = 3


class TrainingError(Exception):
    """Training cannot be done; the text says what is wrong and where."""


@dataclass(frozen=True)
class Model:
    """One thing that learns.

    Attributes:
        title: what a person reads while it is trained.
        suffix: of its file; a folder of files where it is empty.
        shaping: files and folders, from the project's root, that decide what it learns.
        fit: trains it into a new folder and returns what to keep of that folder.
    """

    name: str
    title: str
    suffix: str
    shaping: Tuple[str, ...]
    fit: Callable[[Path], Path]

    @property
    def path(self) -> Path:
        """Where it is, trained or not."""
        return MODELS / f"{self.name}-{digest(self.shaping)}{self.suffix}"


def model_file() -> Path:
    """Where the Rasa model of the current files is, trained or not."""
    return RASA.path


def emergency_head() -> Path:
    """Where the semantic half of the emergency layer is, trained or not."""
    return EMERGENCY.path / "head.npz"


def disclosure_head() -> Path:
    """Where the disclosure detector of the screen is, trained or not."""
    return DISCLOSURE.path


def large_encoder() -> Path:
    """Where the converted large encoder of the screen is, made or not."""
    return LARGE.path


@cache
def digest(shaping: Tuple[str, ...], root: Path = ROOT) -> str:
    """Twelve hexadecimal digits that name the current state of some files."""
    found = hashlib.sha256()
    for path in _files(shaping, root):
        found.update(path.relative_to(root).as_posix().encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    for library in LIBRARIES:
        found.update(f"{library}=={version(library)}".encode())
    return found.hexdigest()[:12]


def train(force: bool = False) -> None:
    """Train what is missing, telling each step.

    Raises:
        TrainingError: a training file cannot be used.
    """
    missing = [model for model in ALL if force or not model.path.exists()]
    if not missing:
        _say("The models are up to date.")
        return
    started = time.monotonic()
    MODELS.mkdir(exist_ok=True)
    for number, model in enumerate(missing, 1):
        _say(f"Training {number} of {len(missing)}: {model.title} ...")
        # trained aside and moved into place: an interrupted training leaves nothing half-written
        with tempfile.TemporaryDirectory(dir=MODELS, prefix="training-") as folder:
            made = model.fit(Path(folder))
            if model.path.is_dir():
                shutil.rmtree(model.path)
            made.replace(model.path)
        _forget_old(model)
    _say(f"Trained in {time.monotonic() - started:.0f} s.")


def _fit_rasa(folder: Path) -> Path:
    from rasa.api import train as rasa_train
    from rasa.shared.exceptions import RasaException

    try:
        result = rasa_train(
            domain=str(ROOT / "domain.yml"),
            config=str(ROOT / "config.yml"),
            training_files=str(ROOT / "data"),
            output=str(folder),
            force_training=True,
            fixed_model_name="model",
        )
    except RasaException as error:
        raise TrainingError(f"Rasa cannot train: {error} Correct the file it names, then run 'make train'.") from error
    if result.model is None:
        raise TrainingError("Rasa trained no model. 'rasa data validate' names the files.")
    return Path(result.model)


def _fit_emergency(folder: Path) -> Path:
    from bot.emergency import train as fit
    from bot.encoder import Encoder

    made = folder / "emergency"
    fit(ROOT / "data" / "nlu", made / "head.npz", Encoder.load())
    return made


def _fit_disclosure(folder: Path) -> Path:
    from bot.encoder import Encoder
    from bot.screening.detector import train as fit

    made = folder / "disclosure.npz"
    fit(ROOT / "data" / "screening" / "disclosure.jsonl", made, ROOT / "data" / "nlu", Encoder.load())
    return made


def _convert_large(folder: Path) -> Path:
    from bot.encoder import EncoderError
    from bot.screening.large import build

    try:
        return build(folder)
    except EncoderError as error:
        raise TrainingError(str(error)) from error


RASA = Model(
    "rasa",
    "the language model",
    ".tar.gz",
    ("config.yml", "domain.yml", "data/nlu", "data/stories", "bot/nlu", "bot/encoder"),
    _fit_rasa,
)
EMERGENCY = Model("emergency", "the emergency layer", "", ("data/nlu", "bot/emergency", "bot/encoder"), _fit_emergency)
DISCLOSURE = Model(
    "disclosure",
    "the second reader of the screen",
    ".npz",
    (
        "data/screening",
        "data/nlu",
        "bot/screening/detector.py",
        "bot/screening/normalise.py",
        "bot/encoder",
    ),
    _fit_disclosure,
)
LARGE = Model(
    "large",
    "the screen's large reader (converted, not trained)",
    "",
    ("bot/screening/mpnet.py", "bot/screening/large.npz"),
    _convert_large,
)
ALL = (RASA, EMERGENCY, DISCLOSURE, LARGE)


def _forget_old(model: Model) -> None:
    found = sorted(MODELS.glob(f"{model.name}-*{model.suffix}"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _files(shaping: Tuple[str, ...], root: Path) -> Iterator[Path]:
    for name in shaping:
        path = root / name
        if path.is_file():
            yield path
        else:
            yield from sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
