"""The trained readers that both processes need, loaded once each."""

from __future__ import annotations

from pathlib import Path

from bot.emergency import EmergencyDetector
from bot.encoder import Encoder
from bot.screening.detector import Detector
from bot.screening.reader import Reader
from bot.training import TrainingError, disclosure_head, emergency_head


def load_detector() -> EmergencyDetector:
    """The emergency layer.

    Raises:
        TrainingError: it is not trained.
    """
    return EmergencyDetector.load(head=_trained(emergency_head()), encoder=Encoder.load())


def load_reader(alarm: EmergencyDetector) -> Reader:
    """The screen's reader: vocabulary, trained second reader, and the emergency layer.

    Raises:
        TrainingError: the second reader is not trained.
    """
    return Reader(detector=Detector.load(_trained(disclosure_head()), Encoder.load()), alarm=alarm)


def _trained(path: Path) -> Path:
    if not path.exists():
        raise TrainingError(f"The model {path.name} is not there. Run 'make train', then start again.")
    return path
