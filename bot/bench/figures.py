"""From samples to figures: medians, ratios and how far chance could move them.

Pure. A figure has the contract's shape; `low` and `high` bound its ratio, or what is ours where there is nothing to
compare with, by a percentile bootstrap of 95 %.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Callable, Dict, Final, Iterator, List, Mapping, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS: Final = 2000
_MS: Final = 1000.0
_KB: Final = 1000.0
Samples = NDArray[np.float64]
Statistic = Callable[[Samples], Samples]


@dataclass(frozen=True)
class Figure:
    """One figure in the contract's shape.

    Attributes:
        ratio: ours over stock; for a figure that is a ratio by itself, that figure.
    """

    name: str
    unit: str
    ours: Optional[float]
    stock: Optional[float]
    ratio: Optional[float]
    low: Optional[float]
    high: Optional[float]

    def as_dict(self) -> Dict[str, Any]:
        """Plain values, rounded to four significant digits."""
        return {
            name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def figures_of(raw: Mapping[str, Any]) -> List[Figure]:
    """Every figure that the samples give."""
    parts = (_latency, _own, _throughput, _starting, _training, _right, _growth, _page, _answered)
    return [figure for part in parts for figure in part(raw)]


def _latency(raw: Mapping[str, Any]) -> Iterator[Figure]:
    for turn in ("turn_1", "turn_50", "turn_400"):
        if turn in raw:
            yield compared(f"message_{turn}", "ms", raw[turn]["ours"], raw[turn]["stock"], _median, _MS)
            yield compared(f"message_{turn}_p95", "ms", raw[turn]["ours"], raw[turn]["stock"], _quantile(0.95), _MS)
    if "turn_1" in raw:
        yield compared("message_turn_1_p99", "ms", raw["turn_1"]["ours"], raw["turn_1"]["stock"], _quantile(0.99), _MS)


def _own(raw: Mapping[str, Any]) -> Iterator[Figure]:
    if "turn_400" in raw:
        for name, side in (("own_growth", "ours"), ("stock_growth", "stock")):
            yield _alone(name, "x", _ratio_draws(raw["turn_400"][side], raw["turn_1"][side], _median), side)
    for place in ("", "_alone"):
        if f"floor{place}" in raw:
            encoding, commit = (_draws(raw[f"floor{place}"][part], _median, 1) for part in ("encoding", "commit"))
            yield _alone(f"encoding{place}", "ms", encoding * _MS)
            yield _alone(f"durable_commit{place}", "ms", commit * _MS)
            message = _draws(raw["turn_1"]["ours"], _median, 3)
            yield _alone(f"floors{place}", "floors", message / (encoding + commit))
    if "checks" in raw:
        encoding = _draws(raw["floor_alone"]["encoding"], _median, 1)
        checks = _draws(raw["checks"], _median, 4)
        yield _alone("eligibility_check", "encodings", checks / encoding)
        yield _alone("eligibility_check_time", "ms", checks * _MS)
    for name, seconds in raw.get("stages", {}).items():
        yield Figure(f"stage_{name}", "ms", seconds * _MS, None, None, None, None)
    if "stages" in raw:
        rest = float(np.mean(raw["turn_50"]["ours"])) - sum(raw["stages"].values())
        yield Figure("stage_rest", "ms", rest * _MS, None, None, None, None)


def _throughput(raw: Mapping[str, Any]) -> Iterator[Figure]:
    for clients in (1, 8, 64):
        found = raw.get(f"clients_{clients}")
        if found:
            yield compared(f"throughput_{clients}", "messages/s", found["ours"], found["stock"], _mean)


def _starting(raw: Mapping[str, Any]) -> Iterator[Figure]:
    if "start" in raw:
        both = raw["start"]
        yield compared("start", "s", both["ours"]["start"], both["stock"]["start"], _mean)
        if None not in both["ours"]["memory"]:
            yield compared("memory", "MB", both["ours"]["memory"], both["stock"]["memory"], _mean)


def _training(raw: Mapping[str, Any]) -> Iterator[Figure]:
    training = raw.get("training")
    if training and training["stock"]:
        for name, key in (("train", "seconds"), ("train_cpu", "cpu_seconds")):
            yield compared(name, "s", [training["ours"][key]], [training["stock"][key]], _mean)


def _right(raw: Mapping[str, Any]) -> Iterator[Figure]:
    for name, found in raw.get("answers", {}).items():
        yield compared(f"right_{name}", "of all", found["ours"], found["stock"], _mean)


def _growth(raw: Mapping[str, Any]) -> Iterator[Figure]:
    if "growth" in raw:
        full = raw["growth"]["full"]
        yield _alone("growth_database", "x", _ratio_draws(full, raw["growth"]["empty"], _median))
        yield _alone("growth_conversation", "x", _ratio_draws(raw["growth"]["long"], full, _median))


def _page(raw: Mapping[str, Any]) -> Iterator[Figure]:
    for name, samples in raw.get("page", {}).items():
        unit, scale = ("KB", 1 / _KB) if "transfer" in name else ("ms", 1.0)
        yield _alone(name, unit, _draws(samples, _median, 1) * scale)


def _answered(raw: Mapping[str, Any]) -> Iterator[Figure]:
    parts = [part for part in raw.values() if isinstance(part, dict) and "unanswered" in part]
    if parts:
        # a part that only looks at our own side names its samples otherwise
        ours = sum(number for part in parts for side, number in part["unanswered"].items() if side != "stock")
        stock = sum(part["unanswered"].get("stock", 0) for part in parts)
        yield Figure("unanswered", "messages", float(ours), float(stock), None, None, None)


def compared(
    name: str, unit: str, ours: Sequence[float], stock: Sequence[float], statistic: Statistic, scale: float = 1.0
) -> Figure:
    """A figure of both sides and their ratio with its interval; of single measurements there is no interval."""
    value, other = (float(statistic(np.asarray([side]))[0]) for side in (ours, stock))
    several = min(len(ours), len(stock)) > 1
    draws = _ratio_draws(ours, stock, statistic) if several else None
    low, high = (
        (float(bound) for bound in np.quantile(draws[1:], (0.025, 0.975))) if draws is not None else (None, None)
    )
    return Figure(name, unit, value * scale, other * scale, value / other, low, high)


def _alone(name: str, unit: str, draws: Samples, side: str = "ours") -> Figure:
    value, low, high = float(draws[0]), *(float(bound) for bound in np.quantile(draws[1:], (0.025, 0.975)))
    itself = value if unit in ("x", "floors", "encodings") and side == "ours" else None
    ours, stock = (value, None) if side == "ours" else (None, value)
    return Figure(name, unit, ours, stock, itself, low, high)


def _draws(samples: Sequence[float], statistic: Statistic, seed: int) -> Samples:
    """The statistic of the samples, then of `DRAWS` resamples."""
    values = np.asarray(samples, dtype=np.float64)
    places = np.random.default_rng(seed).integers(0, len(values), (DRAWS, len(values)))
    return np.concatenate([statistic(values[np.newaxis, :]), statistic(values[places])])


def _ratio_draws(ours: Sequence[float], stock: Sequence[float], statistic: Statistic) -> Samples:
    return _draws(ours, statistic, 1) / _draws(stock, statistic, 2)


def _median(values: Samples) -> Samples:
    return np.asarray(np.median(values, axis=1))


def _mean(values: Samples) -> Samples:
    return np.asarray(np.mean(values, axis=1))


def _quantile(share: float) -> Statistic:
    def statistic(values: Samples) -> Samples:
        return np.asarray(np.quantile(values, share, axis=1))

    return statistic
