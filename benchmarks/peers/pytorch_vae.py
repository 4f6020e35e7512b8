"""The peer of training_speed.py: Bernoulli VAEs in PyTorch, eager or compiled. Run by training_speed.py.

    python pytorch_vae.py ROWS.npz NETWORK BATCH TURNS THREADS STEPS fused|default pytorch|compiled LAYOUT

Reads a command a line and answers each with one line of JSON: `train` takes STEPS steps, one of TURNS times; `evaluate
DRAWS` gives the held-out ELBO. The loss is never read within a turn, batches are full ones, and Adam can be the fused
one, the fastest on CPUs. LAYOUT is a memory format of torch, channels_last for one, in which convolutions keep their
weights and so their results. The learning rate falls to 0 along half a cosine, as it does in isthmus.
"""

import sys
import time

import numpy as np
import torch
from pytorch_networks import VAE, answer

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Trainer:
    """A model, its optimiser and its rows."""

    def __init__(
        self, rows: torch.Tensor, network: str, batch: int, steps: int, fused: bool, compiled: bool, layout: str
    ):
        self.rows, self.batch, self.model = rows, batch, VAE(network, rows.mean(0)).to(rows.device)
        self.model.to(memory_format=getattr(torch, layout))
        self.loss = torch.compile(self.model) if compiled else self.model
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=fused or None)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, steps)
        self.batches = self.endless_batches()

    def endless_batches(self):
        while True:
            order = torch.randperm(len(self.rows), device=self.rows.device)
            for first in range(0, len(order) - self.batch + 1, self.batch):
                yield order[first : first + self.batch]

    def train(self, steps: int) -> float:
        """The mean loss over steps."""
        total = torch.zeros((), device=self.rows.device)
        for _ in range(steps):
            loss = self.loss(self.rows[next(self.batches)])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            total += loss.detach()
        return total.item() / steps

    @torch.no_grad()
    def elbo(self, rows: torch.Tensor, draws: int) -> float:
        return -float(np.mean([self.model(rows).item() for _ in range(draws)]))


def main() -> None:
    path, network, batch, turns, threads, steps, adam, kind, layout = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(int(threads))
    with np.load(path) as archive:
        training, held_out = (torch.from_numpy(archive[name]).to(DEVICE) for name in ("training", "held_out"))
    total = int(turns) * int(steps)
    trainer = Trainer(training, network, int(batch), total, adam == "fused", kind == "compiled", layout)
    answer(python=sys.version.split()[0], torch=torch.__version__, device=DEVICE)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "train":
            began = time.perf_counter()
            loss = trainer.train(int(steps))
            answer(seconds=time.perf_counter() - began, rows=int(steps) * int(batch), loss=loss)
        else:
            answer(elbo=trainer.elbo(held_out, int(arguments[0])))


if __name__ == "__main__":
    main()
