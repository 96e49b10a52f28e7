"""Fine-tunes the sentence encoder on the training data: `python -m bot.tuning`.

For whoever has changed much of the data; it takes about seven minutes on two idle cores
and is no part of `make train`. It writes bot/encoder/finetuned.npz and prints the digest
that bot/encoder/weights.py has to name; then run `make train`, because every head has to
be fitted on the new vectors. The figures are in docs/decisions/0005-fine-tuning.md.

With `--screen FOLDER` it tunes nothing, but gathers what tools/tuning needs for the screen's
large reader: the published model and the samples (docs/decisions/0012-large-reader.md).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.emergency.semantic import HARMLESS, Example, read_examples
from bot.encoder.finetuning import Settings, Task, published, tune
from bot.encoder.tuned import save_changes
from bot.encoder.weights import TUNED
from bot.nlu.merging import gist
from bot.screening.detector import FLAG, Sample, kinds, prepare, read_disclosures, read_messages
from bot.screening.detector import HARMLESS as NO_FLAG
from bot.screening.mpnet import MODEL, unpack
from bot.settings import ROOT

_MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Lesson:
    """Texts and, for each task, what is known of each text."""

    texts: Sequence[str]
    tasks: dict[str, Task]


def lesson(messages: Sequence[Example], disclosures: Sequence[Sample]) -> Lesson:
    """Chat messages and screening texts with what each teaches.

    A message teaches its key, its group and whether it is an emergency; a screening text
    whether a therapist would want to see it, and so do messages about health. Both are
    put in the form in which they are encoded later.
    """
    groups = [message.intent.partition("/")[0] for message in messages]
    sides = [{"condition": FLAG, "health_remark": NO_FLAG}.get(group) for group in groups]
    about_health = [Sample(message.text, side, _MESSAGE) for message, side in zip(messages, sides) if side is not None]
    known = iter(kinds([*about_health, *disclosures]))
    none: list[str | None] = [None] * len(disclosures)
    return Lesson(
        [gist(message.text) for message in messages] + [prepare(sample.text) for sample in disclosures],
        {
            "key": Task([*(message.intent for message in messages), *none]),
            "group": Task([*groups, *none], weight=0.5, balance=0.3),
            "urgent": Task([*("no" if m.label == HARMLESS else "yes" for m in messages), *none], weight=0.4),
            "flag": Task([*sides, *(sample.label for sample in disclosures)], balance=0.0),
            "kind": Task([*(None if side is None else next(known) for side in sides), *known], weight=0.5, balance=0.3),
        },
    )


def screen_samples(samples: Sequence[Sample]) -> list[dict[str, str]]:
    """Prepared texts with their kinds, each text once: what the large reader is tuned on."""
    found = {prepare(sample.text): kind for sample, kind in zip(samples, kinds(samples))}
    return [{"text": text, "kind": kind} for text, kind in found.items()]


def gather(folder: Path) -> None:
    """Write the published large model and `samples.jsonl` into `folder`."""
    model = folder / MODEL
    model.mkdir(parents=True, exist_ok=True)
    unpack(model, ("model.safetensors", "tokenizer.json", "config.json"))
    data = ROOT / "data"
    samples = read_disclosures(data / "screening" / "disclosure.jsonl") + read_messages(data / "nlu")
    lines = [json.dumps(sample, ensure_ascii=False) for sample in screen_samples(samples)]
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Tune on the data of the project and write the changes."""
    parser = argparse.ArgumentParser(prog="python -m bot.tuning", description="Fine-tune the sentence encoder.")
    parser.add_argument("--out", type=Path, default=TUNED, help="where the changed layers go (%(default)s)")
    parser.add_argument("--epochs", type=int, default=Settings().epochs, help="times through the data (%(default)s)")
    parser.add_argument("--screen", type=Path, help="gather what tools/tuning needs in this folder, and tune nothing")
    chosen = parser.parse_args(arguments)
    if chosen.screen is not None:
        gather(chosen.screen)
        return 0
    data = ROOT / "data"
    learned = lesson(read_examples(data / "nlu"), read_disclosures(data / "screening" / "disclosure.jsonl"))
    changed = tune(learned.texts, learned.tasks, Settings(epochs=chosen.epochs))
    digest = save_changes(chosen.out, published()[0], changed)
    print(f"{chosen.out} is written. Set TUNED_DIGEST in bot/encoder/weights.py to\n{digest}\nand run `make train`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
