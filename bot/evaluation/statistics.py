"""Intervals for shares: how far a figure of so many cases can be from the truth.

Wilson's interval for ordinary shares; Clopper and Pearson's exact upper bound for figures that should be zero, as in
"no miss in 299 cases bounds the rate at 1 %".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases of how many."""

    hits: int
    of: int

    def __add__(self, other: Count) -> Count:
        return Count(self.hits + other.hits, self.of + other.of)

    @property
    def share(self) -> float:
        """Between 0 and 1; of no cases, 0."""
        return self.hits / self.of if self.of else 0.0


def wilson(count: Count) -> tuple[float, float]:
    """The two-sided 95 % interval of a share after Wilson (1927); of no cases, everything is possible."""
    if not count.of:
        return 0.0, 1.0
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    spread = z * z / count.of
    centre = (count.share + spread / 2) / (1 + spread)
    half = z * math.sqrt(count.share * (1 - count.share) / count.of + spread / (4 * count.of)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def upper_bound(count: Count) -> tuple[float, float]:
    """Zero, and the one-sided exact 95 % upper bound of a share after Clopper and Pearson (1934)."""
    if count.hits >= count.of:
        return 0.0, 1.0
    return 0.0, float(betaincinv(count.hits + 1, count.of - count.hits, CONFIDENCE))
