"""The peer of annealed_speed.py: the same annealing in plain PyTorch. Run by annealed_speed.py.

    python pytorch_annealing.py WEIGHTS.npz ACTIVATION TEMPERATURES CHAINS LEAPFROGS THREADS

Reads a command a line and answers each with one line of JSON: `plain` and `frugal` run all chains of all rows through
the temperatures. All chains move in one batch; gradients are taken with respect to z alone. A plain move evaluates the
density of its temperature where it begins and at every leapfrog, leapfrogs + 1 times in all. A frugal one carries value
and gradient from one temperature to the next, as combinations of the start's part and the contrast's, so that the
decoder runs `leapfrogs` times a temperature, as in isthmus.
"""

import json
import sys
import time

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}
JITTER = (0.2, 1.2)


class Annealing:
    """A decoder, rows repeated by chain, and the settings of a run."""

    def __init__(self, archive, activation: str, chains: int, leapfrogs: int):
        count = sum(name.startswith("weight") for name in archive)
        self.layers = [
            tuple(torch.from_numpy(archive[f"{kind}{i}"]) for kind in ("weight", "bias")) for i in range(count)
        ]
        self.activation, self.leapfrogs, self.chains = ACTIVATIONS[activation], leapfrogs, chains
        self.rows = torch.from_numpy(archive["rows"]).repeat_interleave(chains, dim=0)
        self.betas, self.step, self.scale = archive["betas"].tolist(), float(archive["step"]), float(archive["scale"])
        self.start = torch.distributions.Normal(0.0, self.scale)

    def contrast(self, z):
        """log p(x, z) - log start(z), [row]."""
        hidden = z
        for weight, bias in self.layers[:-1]:
            hidden = self.activation(torch.addmm(bias, hidden, weight))
        weight, bias = self.layers[-1]
        logits = torch.addmm(bias, hidden, weight)
        log_likelihood = -binary_cross_entropy_with_logits(logits, self.rows, reduction="none").sum(1)
        log_prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
        return log_likelihood + log_prior - self.start.log_prob(z).sum(1)

    def parts(self, z):
        """(log start, its gradient, contrast, its gradient) at z; the start's are written out."""
        z = z.requires_grad_(True)
        contrast = self.contrast(z)
        (gradient,) = torch.autograd.grad(contrast.sum(), z)
        z = z.detach()
        return self.start.log_prob(z).sum(1), -z / self.scale**2, contrast.detach(), gradient

    def move(self, z, parts, beta: float):
        """One Hamiltonian move of all chains, with masses of 1 / scale^2."""
        step = self.step * torch.empty(len(z), 1).uniform_(*JITTER) * self.scale
        momentum = torch.randn_like(z)
        before = parts[0] + beta * parts[2] - 0.5 * (momentum**2).sum(1)
        proposal, new = z, parts
        for _ in range(self.leapfrogs):
            momentum = momentum + 0.5 * step * (new[1] + beta * new[3])
            proposal = proposal + step * momentum
            new = self.parts(proposal)
            momentum = momentum + 0.5 * step * (new[1] + beta * new[3])
            proposal = proposal.detach()
        after = new[0] + beta * new[2] - 0.5 * (momentum**2).sum(1)
        probability = torch.exp(torch.clamp(after - before, max=0.0))
        accepted = torch.rand(len(z)) < probability
        kept = accepted[:, None]
        z = torch.where(kept, proposal, z)
        parts = tuple(
            torch.where(kept if old.ndim == 2 else accepted, one, old) for one, old in zip(new, parts, strict=True)
        )
        return z, parts, probability

    def run(self, frugal: bool):
        """(mean over rows of log mean weight, mean acceptance)."""
        z = self.scale * torch.randn(len(self.rows), self.layers[0][0].shape[0])
        parts = self.parts(z)
        z = z.detach()
        log_weights = (self.betas[1] - self.betas[0]) * parts[2].double()
        acceptance = []
        for beta, following in zip(self.betas[1:-1], self.betas[2:], strict=True):
            if not frugal:
                parts = self.parts(z)
                z = z.detach()
            z, parts, probability = self.move(z, parts, beta)
            log_weights += (following - beta) * parts[2]
            acceptance.append(probability.mean())
        by_row = torch.logsumexp(log_weights.reshape(-1, self.chains), dim=1) - np.log(self.chains)
        return by_row.mean().item(), torch.stack(acceptance).mean().item()


def main() -> None:
    path, activation = sys.argv[1], sys.argv[2]
    chains, leapfrogs, threads = (int(number) for number in sys.argv[4:7])
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    with np.load(path) as archive:
        annealing = Annealing(dict(archive), activation, chains, leapfrogs)
    print(json.dumps({"torch": torch.__version__, "numpy": np.__version__}), flush=True)
    for command in sys.stdin:
        began = time.perf_counter()
        log_evidence, acceptance = annealing.run(frugal=command.strip() == "frugal")
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "log_evidence": log_evidence, "acceptance": acceptance}), flush=True)


if __name__ == "__main__":
    main()
