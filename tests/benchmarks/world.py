"""A world in which the losses and the seconds of every run follow a known law."""

import math
from dataclasses import dataclass

import numpy as np

FACTS = {
    "frozen_sha256": "0" * 64,
    "rows": 10**7,
    "ladder": {"uniform": 8.3, "unigram": 6.3, "bigram": 6.0},
}
STEP_SECONDS = {"jina": 0.5, "lean": 0.25, "modern": 0.125}  # at 32 rows a step
TOKENS = 32 * 128


@dataclass
class World:
    """`runner` for a driver. The loss is 8 - 0.5·gain·ln(tokens / 4,096), best at lr = `best`
    (AdamW) and at 32 rows."""

    best: float = 1e-3
    noise: float = 0.005
    peaks: tuple[float, ...] = (1.0,)
    done: int = 0

    def step_seconds(self, one) -> float:
        seconds = STEP_SECONDS[one.model] * one.batch_size / 32
        if one.model == "jina" and one.sparse:
            seconds *= 0.8
        return seconds * (0.7 if one.bf16 and one.model == "jina" else 1.0)

    def loss(self, one, tokens: float, seed: int) -> float:
        gain = 1.2 if one.optimizer == "muon" else 1.0
        off = math.log2(one.lr / self.best) if one.optimizer == "adamw" else 0.0
        dice = np.random.default_rng([seed, int(tokens)])
        fall = 0.5 * gain * math.log(max(tokens, TOKENS) / TOKENS)
        off = 0.05 * off**2 + 0.02 * math.log2(one.batch_size / 32) ** 2
        return 8.0 - fall + off + self.noise * dice.standard_normal()

    def runner(self, spec) -> dict:
        one = spec.settings
        step = self.step_seconds(one)
        setup = 4.0 if one.compile else 0.0
        seconds, tokens = setup + step * spec.steps, spec.steps * one.batch_size * 128
        loss = self.loss(one, tokens, spec.seed)
        peak = 1e11 * self.peaks[self.done % len(self.peaks)]
        self.done += 1
        when = {"square": {"float32": peak, "bfloat16": 2 * peak}}
        curve = [{"step": spec.steps, "seconds": seconds, "loss": loss}]
        return {
            "diverged": one.lr > 0.1, "loss": loss, "top1": 0.1, "bits_per_byte": loss / 4,
            "seconds": seconds, "steps": spec.steps, "step_seconds": step, "setup_seconds": setup,
            "tokens": tokens, "tokens_per_second": one.batch_size * 128 / step,
            "epochs": tokens / 128 / FACTS["rows"], "curve": curve, "number_type": "float32",
            "parameters": {"all": 1000, "non_embedding": 500 if one.ours else 505},
            "peaks": {"before": when, "after": when}, "mfu": {"square": 0.2, "shaped": 0.4},
            "machine": "a world", "threads": 2, "code": "abc", "versions": {}, "flops": 1e9,
        }  # fmt: skip
