"""The peer of training_speed.py: the same VAEs by pythae's own model and trainer. Run by training_speed.py.

    python pythae_vae.py ROWS.npz NETWORK BATCH TURNS THREADS

Reads a command a line and answers each with one line of JSON: `train` trains for one epoch, one of TURNS; `evaluate
DRAWS`, after the last, gives the held-out ELBO. There is one call of the trainer's `train`: a callback answers at the
end of each epoch, and holds it until the next is asked for.
"""

import logging
import os
import sys
import tempfile
import time

os.environ["TQDM_DISABLE"] = "1"

import numpy as np
import torch
from pythae.data.datasets import BaseDataset, DatasetOutput
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from pythae_networks import make_model
from pytorch_networks import answer

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Turns(TrainingCallback):
    """Answers for the epoch that ended, then waits until the next is asked for."""

    def __init__(self, rows: int):
        self.rows, self.began = rows, 0.0

    def on_epoch_begin(self, training_config, **kwargs):
        if not sys.stdin.readline():
            sys.exit()
        self.began = time.perf_counter()

    def on_log(self, training_config, logs=None, **kwargs):
        loss = kwargs.get("metrics", logs)["train_epoch_loss"]
        answer(seconds=time.perf_counter() - self.began, rows=self.rows, loss=loss)


def main() -> None:
    path, network, batch, turns, threads = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(int(threads))
    logging.disable(logging.INFO)
    with np.load(path) as archive:
        training, held_out = (torch.from_numpy(archive[name]) for name in ("training", "held_out"))
    model = make_model(network, training.mean(0))
    with tempfile.TemporaryDirectory() as directory:
        configuration = BaseTrainerConfig(
            output_dir=directory,
            num_epochs=int(turns),
            per_device_train_batch_size=int(batch),
            learning_rate=1e-3,
            optimizer_cls="Adam",
            scheduler_cls="CosineAnnealingLR",
            scheduler_params={"T_max": int(turns)},
            no_cuda=DEVICE == "cpu",
        )
        rows = BaseDataset(training, torch.zeros(len(training)))
        trainer = BaseTrainer(model, rows, training_config=configuration, callbacks=[Turns(len(training))])
        answer(python=sys.version.split()[0], torch=torch.__version__, device=DEVICE, pythae="0.1.2")
        trainer.train()
    draws = int(sys.stdin.readline().split()[1])
    rows = DatasetOutput(data=held_out.to(DEVICE))
    with torch.no_grad():
        answer(elbo=-float(np.mean([model(rows).loss.item() for _ in range(draws)])))


if __name__ == "__main__":
    main()
