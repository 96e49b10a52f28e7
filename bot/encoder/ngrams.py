"""Word and character n-grams of a text, hashed into a fixed number of buckets.

They see what a sentence vector blurs: brand names, typing errors, the one word that
tells a sauna from a steam room. No vocabulary is stored, so a saved head contains
none of the texts it was fitted on. Knows nothing of labels.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

#: Buckets; at this size fewer than one n-gram in ten shares its bucket with another.
BUCKETS = 1 << 15

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[?!]")
_LONGEST = 2_000
#: Marks the characters within a word, which are no word themselves.
_WITHIN = crc32(b"#")


def ngrams(text: str) -> list[int]:
    """Return a hash of each single word, word pair, and 3 to 5 characters within a word of `text`."""
    words = _WORD.findall(text[:_LONGEST].lower().replace("\u2019", "'"))
    found = [crc32(f"{first} {second}".encode()) for first, second in zip(words, words[1:])]
    for word in words:
        found.extend(_of_word(word))
    return found


@lru_cache(maxsize=16_384)
def _of_word(word: str) -> tuple[int, ...]:
    """The hashes of a word and of the characters within it; most words of a message were in another one."""
    padded = b"<%b>" % word.encode()
    within = [padded[start : start + size] for size in (3, 4, 5) for start in range(len(padded) - size + 1)]
    return (crc32(word.encode()), *(crc32(piece, _WITHIN) for piece in within))


@lru_cache(maxsize=1_024)
def counted(text: str, buckets: int = BUCKETS) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the buckets that `text` falls into and how often, dampened: 1 + log(count).

    Remembered, because several heads look at one message one after the other.
    """
    distinct, counts = np.unique(np.array(ngrams(text), dtype=np.int64) % buckets, return_counts=True)
    values = (1.0 + np.log(counts)).astype(np.float32)
    distinct.flags.writeable = values.flags.writeable = False
    return distinct, values


def hashed(texts: Sequence[str], buckets: int = BUCKETS) -> csr_matrix:
    """Return dampened counts, 1 + log(count), as a sparse matrix (len(texts), buckets)."""
    rows = [counted(text, buckets) for text in texts]
    return csr_matrix(
        (
            np.concatenate([values for _, values in rows]) if rows else np.zeros(0, dtype=np.float32),
            np.concatenate([distinct for distinct, _ in rows]) if rows else np.zeros(0, dtype=np.int64),
            np.cumsum([0, *(len(distinct) for distinct, _ in rows)]),
        ),
        shape=(len(texts), buckets),
    )
