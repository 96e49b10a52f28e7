"""Fine-tunes the screen's large encoder on texts with kinds: `tune.py --model DIR --samples FILE --out FILE`.

For whoever has changed much of data/screening; `make tune` gathers what it needs. MPNet
stays as published; what is learned are low-rank additions to its layers (Hu et al. 2021, LoRA)
and a linear head over the mean of its states, together 6 MB. PyTorch is needed here only. What
the kinds mean is not its business, save that they begin with one of two sides.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoModel

FLAG = "flag/"
#: Every linear map of a layer.
TARGETS = r".*(attn\.(q|k|v|o)|intermediate\.dense|output\.dense)"
LONGEST = 96
#: Share of the loss that tells kinds apart; the rest tells the two sides apart.
KINDS = 0.5
NEWS_STEPS = 50


class Network(torch.nn.Module):
    """MPNet with additions, mean of the states, linear head."""

    def __init__(self, model: Path, kinds: Sequence[str], rank: int, dropout: float) -> None:
        super().__init__()
        config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=dropout, target_modules=TARGETS)
        # the eager attention is the one whose relative positions the product's runtime has too
        self.encoder = get_peft_model(AutoModel.from_pretrained(model, attn_implementation="eager"), config)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, len(kinds))
        self.flags = torch.tensor([kind.startswith(FLAG) for kind in kinds])
        self.pad = self.encoder.config.pad_token_id

    def forward(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Scores, shape (len(rows), kinds), of rows of token numbers."""
        longest = max(len(row) for row in rows)
        ids = torch.full((len(rows), longest), self.pad)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        return self.head((states * weights).sum(1) / weights.sum(1)).float()

    def loss(self, rows: Sequence[Sequence[int]], kinds: torch.Tensor) -> torch.Tensor:
        """Of the side, and in part of the kind."""
        scores = self(rows)
        logs = scores.log_softmax(-1)
        flag, harmless = logs[:, self.flags].logsumexp(1), logs[:, ~self.flags].logsumexp(1)
        side = -torch.where(self.flags[kinds], flag, harmless).mean()
        return side + KINDS * torch.nn.functional.cross_entropy(scores, kinds, label_smoothing=0.05)


def batches(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Rows in random batches of like length."""
    order = list(range(len(lengths)))
    random.shuffle(order)
    chunks = [order[at : at + 40 * size] for at in range(0, len(order), 40 * size)]
    like = [sorted(chunk, key=lambda row: lengths[row]) for chunk in chunks]
    made = [chunk[at : at + size] for chunk in like for at in range(0, len(chunk), size)]
    random.shuffle(made)
    return made


def tune(network: Network, rows: Sequence[Sequence[int]], kinds: torch.Tensor, epochs: int, rate: float) -> None:
    """Train in place."""
    size = 32
    total = epochs * math.ceil(len(rows) / size)
    added = [p for p in network.encoder.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW([{"params": added}, {"params": network.head.parameters()}], lr=rate)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, [rate, 1e-3], total_steps=total + 1, pct_start=0.06)
    begun, done, recent = time.monotonic(), 0, []
    network.train()
    for epoch in range(epochs):
        for batch in batches([len(row) for row in rows], size):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = network.loss([rows[row] for row in batch], kinds[batch])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(added, 1.0)
            optimiser.step()
            plan.step()
            done += 1
            recent.append(loss.item())
            if done % NEWS_STEPS == 0:
                mean, seconds = np.mean(recent[-NEWS_STEPS:]), time.monotonic() - begun
                print(
                    f"epoch {epoch + 1} of {epochs}, step {done} of {total}, loss {mean:.3f}, {seconds:.0f} s",
                    flush=True,
                )


def additions(network: Network) -> dict[str, np.ndarray]:
    """The learned pairs by the published names of what they add to, scale included."""
    found = {}
    for name, module in network.encoder.base_model.model.named_modules():
        if hasattr(module, "lora_A"):
            found[f"{name}.weight:down"] = module.lora_A["default"].weight.detach().numpy()
            found[f"{name}.weight:up"] = module.lora_B["default"].weight.detach().numpy() * module.scaling["default"]
    return {name: value.astype(np.float16) for name, value in found.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Tune and write the artefact."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with the published model")
    parser.add_argument("--samples", type=Path, required=True, help='lines of {"text", "kind"}')
    parser.add_argument("--out", type=Path, required=True, help="where the additions and the head go (.npz)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args(arguments)
    random.seed(chosen.seed)
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(2)
    samples = [json.loads(line) for line in chosen.samples.read_text(encoding="utf-8").splitlines()]
    kinds = sorted({sample["kind"] for sample in samples})
    tokenizer = Tokenizer.from_file(str(chosen.model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    rows = [found.ids for found in tokenizer.encode_batch([sample["text"] for sample in samples])]
    network = Network(chosen.model, kinds, chosen.rank, dropout=0.05)
    tune(network, rows, torch.tensor([kinds.index(sample["kind"]) for sample in samples]), chosen.epochs, chosen.rate)
    head = {
        "head:weight": network.head.weight.detach().numpy().astype(np.float32),
        "head:bias": network.head.bias.detach().numpy().astype(np.float32),
        "head:kinds": np.array(kinds),
    }
    np.savez_compressed(chosen.out, **additions(network), **head)
    print(f"{chosen.out} is written, {chosen.out.stat().st_size / 1e6:.1f} MB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
