"""The peer of training_speed.py: the 784-400-20 Bernoulli VAE in eager PyTorch. Run by training_speed.py.

    python pytorch_vae.py ROWS.npz EPOCHS THREADS fused|default

Reads a command a line and answers each with one line of JSON: `epoch` trains for one of EPOCHS; `evaluate DRAWS` gives
the held-out ELBO. The loss is never read within an epoch, and Adam can be the fused one, the fastest on CPUs. Weights
start, and the learning rate falls to 0 along half a cosine, as they do in isthmus.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

BATCH, LATENT, HIDDEN = 128, 20, 400


class VAE(nn.Module):
    def __init__(self, mean: torch.Tensor):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784))
        for layer in (*self.encoder[::2], *self.decoder[::2]):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.decoder[-1].bias.copy_(torch.logit(mean, eps=1e-3))

    def forward(self, x):
        """Minus the ELBO at one draw, mean over rows."""
        mean, log_scale = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(log_scale) * torch.randn_like(mean)
        distortion = binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        rate = 0.5 * torch.sum(mean**2 + torch.exp(2 * log_scale) - 1 - 2 * log_scale)
        return (distortion + rate) / len(x)


class Trainer:
    """A model, its optimiser and its rows."""

    def __init__(self, rows: torch.Tensor, epochs: int, fused: bool):
        self.rows, self.model = rows, VAE(rows.mean(0))
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=fused or None)
        steps = epochs * -(-len(rows) // BATCH)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, steps)

    def train_epoch(self) -> float:
        """The mean loss over rows."""
        total = torch.zeros(())
        for batch in torch.randperm(len(self.rows)).split(BATCH):
            loss = self.model(self.rows[batch])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            total += loss.detach() * len(batch)
        return total.item() / len(self.rows)

    @torch.no_grad()
    def elbo(self, rows: torch.Tensor, draws: int) -> float:
        return -float(np.mean([self.model(rows).item() for _ in range(draws)]))


def answer(**fields) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    path, epochs, threads, adam = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    with np.load(path) as archive:
        training, held_out = (torch.from_numpy(archive[name]) for name in ("training", "held_out"))
    trainer = Trainer(training, epochs, adam == "fused")
    answer(python=sys.version.split()[0], torch=torch.__version__, numpy=np.__version__)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "epoch":
            began = time.perf_counter()
            loss = trainer.train_epoch()
            answer(seconds=time.perf_counter() - began, rows=len(training), loss=loss)
        else:
            answer(elbo=trainer.elbo(held_out, int(arguments[0])))


if __name__ == "__main__":
    main()
