"""Word and character n-grams of a text, hashed into a fixed number of buckets.

They see what a sentence vector blurs: brand names, typing errors, the one word that
tells a sauna from a steam room. No vocabulary is stored, so a saved head contains
none of the texts it was fitted on. Knows nothing of labels.
"""

from __future__ import annotations

import re
from typing import Iterator, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

#: Buckets; at this size fewer than one n-gram in ten shares its bucket with another.
BUCKETS = 1 << 15

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[?!]")
_LONGEST = 2_000


def ngrams(text: str) -> Iterator[str]:
    """Yield the single words, word pairs and 3 to 5 characters within words of `text`."""
    words = _WORD.findall(text[:_LONGEST].lower().replace("\u2019", "'"))
    yield from words
    for first, second in zip(words, words[1:]):
        yield f"{first} {second}"
    for word in words:
        padded = f"<{word}>"
        for size in (3, 4, 5):
            for start in range(len(padded) - size + 1):
                yield "#" + padded[start : start + size]


def hashed(texts: Sequence[str], buckets: int = BUCKETS) -> csr_matrix:
    """Return dampened counts, 1 + log(count), as a sparse matrix (len(texts), buckets)."""
    indices: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float32]] = []
    ends = [0]
    for text in texts:
        found = np.fromiter((crc32(gram.encode()) % buckets for gram in ngrams(text)), dtype=np.int64)
        distinct, counts = np.unique(found, return_counts=True)
        indices.append(distinct)
        values.append((1.0 + np.log(counts)).astype(np.float32))
        ends.append(ends[-1] + len(distinct))
    return csr_matrix(
        (
            np.concatenate(values) if values else np.zeros(0, dtype=np.float32),
            np.concatenate(indices) if indices else np.zeros(0, dtype=np.int64),
            ends,
        ),
        shape=(len(texts), buckets),
    )
