"""The trained readers, loaded once in a process however many ask for them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Callable

from bot.emergency import EmergencyDetector
from bot.encoder import Encoder
from bot.nlu.reader import MessageReader
from bot.screening.detector import Detector
from bot.screening.large import LargeReader
from bot.screening.reader import Reader
from bot.training import TrainingError, disclosure_head, emergency_head, large_encoder


@lru_cache(maxsize=1)
def load_detector() -> EmergencyDetector:
    """The emergency layer.

    Raises:
        TrainingError: it is not trained.
    """
    return EmergencyDetector.load(head=_trained(emergency_head()), encoder=Encoder.load())


@lru_cache(maxsize=1)
def load_reader(alarm: EmergencyDetector) -> Reader:
    """The screen's reader: vocabulary, trained second reader, and the emergency layer.

    Raises:
        TrainingError: the second reader is not trained, or its large half not converted.
    """
    large = LargeReader.load(_trained(large_encoder()))
    return Reader(detector=Detector.load(_trained(disclosure_head()), large, Encoder.load()), alarm=alarm)


def foresight(alarm: EmergencyDetector) -> Callable[[str], None]:
    """Encodes at once all that the emergency layer and the language model will look at in a message.

    They ask one after the other; what one batch has encoded they find remembered.
    """
    encoder = Encoder.load()

    def foresee(text: str) -> None:
        encoder.encode([*alarm.texts_of(text), *MessageReader.texts_of(text)])

    return foresee


def _trained(path: Path) -> Path:
    if not path.exists():
        raise TrainingError(f"The model {path.name} is not there. Run 'make train', then start again.")
    return path
