"""What Rasa's training cache must know beyond a component's own source.

Rasa trains anew when a component's class or config changes; it does not see the
modules behind the class. Without this, an edited splitter or head would be served
from the cache.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import bot.encoder
import bot.nlu
from bot.encoder.weights import DIGEST, TUNED_DIGEST


@functools.lru_cache(maxsize=1)
def source_digest() -> str:
    """A digest of the weights and of the source of `bot.encoder` and `bot.nlu`."""
    digest = hashlib.sha256((DIGEST + TUNED_DIGEST).encode())
    for package in (bot.encoder, bot.nlu):
        for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
