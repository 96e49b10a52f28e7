"""Sentences to vectors, and small linear heads on top of them.

For every part of the assistant that has to judge what a sentence is about: the
intent classifier, the emergency detector, the disclosure detector. Knows nothing of
Rasa, intents, health or the handout.
"""

from bot.encoder.encoder import DIMENSIONS, Encoder
from bot.encoder.errors import EncoderError
from bot.encoder.head import LinearHead

__all__ = ["DIMENSIONS", "Encoder", "EncoderError", "LinearHead"]
