"""The peers of evaluation_speed.py: PyTorch written for speed, and pythae's own `embed` and `get_nll`.

    python pytorch_evaluation.py ROWS.npz WEIGHTS.npz THREADS pytorch|pythae

Answers `embed ROWS 1`, `score ROWS DRAWS` and `bound ROWS DRAWS` with one line of JSON each. Rows come in blocks of
those in the file, as often as it takes.
"""

import math
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from pytorch_networks import LATENT, VAE, answer
from torch.nn.functional import binary_cross_entropy_with_logits

ROWS_AT_ONCE, NUMBERS_AT_ONCE, PYTHAE_DRAWS = 1000, 2048, 500


class Plain:
    """Each row encoded once, 2,048 latents decoded at once, as isthmus does."""

    def __init__(self, model: VAE):
        self.model = model

    def embed(self, rows: torch.Tensor) -> float:
        return sum(self.model.encoder(x)[:, 0].sum().item() for x in rows.float().split(ROWS_AT_ONCE))

    def bound(self, rows: torch.Tensor, draws: int) -> float:
        at_once = min(draws, 64)
        return sum(self.bound_rows(x, draws, at_once) for x in rows.float().split(NUMBERS_AT_ONCE // at_once))

    def bound_rows(self, x: torch.Tensor, draws: int, at_once: int) -> float:
        mean, log_scale = self.model.encoder(x).chunk(2, dim=1)
        parts = []
        for first in range(0, draws, at_once):
            noise = torch.randn(min(at_once, draws - first), *mean.shape)
            z = mean + torch.exp(log_scale) * noise
            logits = self.model.decoder(z.flatten(0, 1)).unflatten(0, z.shape[:2])
            pixels = binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
            parts.append(-pixels - 0.5 * (z**2).sum(-1) + 0.5 * (noise**2).sum(-1) + log_scale.sum(-1))
        return (torch.logsumexp(torch.cat(parts).double(), 0) - math.log(draws)).sum().item()


class Pythae:
    """pythae's methods as they are; `get_nll` takes the rows one at a time, PYTHAE_DRAWS draws at once."""

    def __init__(self, model: VAE):
        from pythae_networks import make_model

        self.model = make_model("mlp", torch.full((784,), 0.5))
        self.model.encoder.layers.load_state_dict(model.encoder.state_dict())
        self.model.decoder.logits.load_state_dict(model.decoder.state_dict())
        with torch.no_grad():
            # It takes the logarithm of the covariance where isthmus takes that of the scale.
            for array in (self.model.encoder.layers[-1].weight, self.model.encoder.layers[-1].bias):
                array[LATENT:] *= 2

    def embed(self, rows: torch.Tensor) -> float:
        return sum(self.model.embed(x)[:, 0].sum().item() for x in rows.float().split(ROWS_AT_ONCE))

    def bound(self, rows: torch.Tensor, draws: int) -> float:
        return len(rows) * float(self.model.get_nll(rows.float(), draws, min(draws, PYTHAE_DRAWS)))


def read_model(path: str) -> VAE:
    with np.load(path) as archive:
        arrays = [torch.from_numpy(archive[name]) for name in archive]
    model = VAE("mlp", torch.full((784,), 0.5))
    layers = [model.encoder[0], model.encoder[2], model.decoder.layers[0]]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, arrays[::2], arrays[1::2], strict=False):
            layer.weight.copy_(weight.T)
            layer.bias.copy_(bias)
        model.decoder.layers[2].weight.copy_(arrays[6].T)
        model.decoder.bias.copy_(arrays[7])
    return model


@torch.inference_mode()
def main() -> None:
    path, weights, threads, kind = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(int(threads))
    with np.load(path) as archive:
        rows = torch.from_numpy(archive["rows"])
    model = read_model(weights)
    with torch.inference_mode(mode=False):
        side = Plain(model) if kind == "pytorch" else Pythae(model)
    answer(**{name: version(name) for name in ("torch", *(["pythae"] if kind == "pythae" else []))})
    for line in sys.stdin:
        task, count, draws = line.split()
        began, total, left = time.perf_counter(), 0.0, int(count)
        while left > 0:
            total += side.embed(rows[:left]) if task == "embed" else side.bound(rows[:left], int(draws))
            left -= len(rows)
        answer(seconds=time.perf_counter() - began, rows=int(count), mean=total / int(count))


if __name__ == "__main__":
    main()
