"""On a GPU, or whatever jax finds: training speed beside the peers, and the published 3280-epoch schedule in slices.

    python benchmarks/gpu_speed.py speed [--rounds N] [--rows N] [--batch N ...] [--out FILE]
    python benchmarks/gpu_speed.py schedule --run DIR [--minutes M] [--epochs SHARE] [--rows N] [--draws K] [--out FILE]

speed       the 784-400-20 MLP and the convolutional VAE of benchmarks/training_speed.py, beside eager PyTorch, compiled
            PyTorch and pythae, each in the environment and by the rules of that script.
schedule    the 784-200-200-50 tanh VAE of Burda, Grosse and Salakhutdinov 2016 (k = 1) by their schedule: 3^i
            epochs at 1e-3 * 10^(-i/7) for i = 0..7, batches of 20, Adam with epsilon 1e-4. A call trains for M minutes,
            keeps its state in DIR and can be repeated until the last step, when it tells the test -log p(x) by L_5000.
            With --epochs 0.01 it is a hundredth of that, to try it out.

Both print device, versions and date. The data are read from ../shared/data/binarized_mnist.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from isthmus.evidence import importance_weighted_bound
from isthmus.fitting import Checkpoint
from isthmus.fitting.devices import choose_devices
from isthmus.fitting.feeds import MemoryFeed
from isthmus.fitting.progress import Progress
from isthmus.fitting.step import Task, run_block
from isthmus.inference.objectives import elbo
from isthmus.inference.variational import VariationalLoss
from isthmus.models import Architecture, Ends, Fixed, MatrixInputs, assemble_vae, split_parameters
from isthmus.models.likelihoods import BernoulliLikelihood

DATA = Path(__file__).resolve().parents[2] / "shared/data/binarized_mnist/binarized_mnist.npz"
STAGES, BATCH, SEED = range(8), 20, 0
ADAM = optax.scale_by_adam(eps=1e-4)


class Stages(eqx.Module):
    """A learning rate that is constant between boundaries, [stage] each."""

    boundaries: Array
    rates: Array

    def __call__(self, step: Array) -> Array:
        return self.rates[jnp.minimum(jnp.searchsorted(self.boundaries, step, side="right"), len(self.rates) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    speed = parts.add_parser("speed")
    speed.add_argument("--batch", type=int, nargs="+", default=[128, 1024])
    speed.add_argument("--rounds", type=int, default=15)
    speed.add_argument("--rows", type=int, default=20_000)
    speed.add_argument("--peers", nargs="*", default=["pytorch", "compiled", "pythae"])
    speed.add_argument("--peer-python", type=Path, help="an interpreter that has the peers already")
    speed.set_defaults(work=measure_speed)
    schedule = parts.add_parser("schedule")
    schedule.add_argument("--run", type=Path, required=True)
    schedule.add_argument("--minutes", type=float, default=60.0)
    schedule.add_argument("--epochs", type=float, default=1.0, help="the share of the published epochs")
    schedule.add_argument("--rows", type=int, help="to train on and to test on; all if absent")
    schedule.add_argument("--draws", type=int, default=5000)
    schedule.set_defaults(work=follow_schedule)
    for part in (speed, schedule):
        part.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = {"where": where(), **arguments.work(arguments)}
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


def where() -> dict[str, Any]:
    """The device, the versions, the day."""
    return {
        "device": str(jax.devices()[0].device_kind),
        "devices": jax.device_count(),
        "versions": {name: version(name) for name in ("isthmus", "jax", "jaxlib")},
        "date": date.today().isoformat(),
    }


def measure_speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """The rounds of benchmarks/training_speed.py, whose sides take a GPU where they find one."""
    import tempfile

    import training_speed
    from peer_processes import peer_python

    arguments.adam, arguments.channels_last = "fused", False
    python = arguments.peer_python or (peer_python() if arguments.peers else Path(sys.executable))
    with tempfile.TemporaryDirectory() as directory:
        rows = Path(directory) / "rows.npz"
        training_speed.write_rows(rows, arguments.rows)
        pairs = [(network, batch) for network in ("mlp", "convolutional") for batch in arguments.batch]
        results = [training_speed.measure(*pair, rows, arguments, python) for pair in pairs]
    for result in results:
        print(training_speed.summary(result), flush=True)
    return {"rounds": results}


def follow_schedule(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train until the time is over or the schedule is, and tell how far it came; at its end, how well."""
    arguments.run.mkdir(parents=True, exist_ok=True)
    training, test = (load(name, arguments.rows) for name in ("train", "test"))
    model = published_model(training)
    began = time.perf_counter()
    progress, total = train_slice(model, training, arguments)
    spent = arguments.run / "seconds.json"
    seconds = time.perf_counter() - began + (json.loads(spent.read_text()) if spent.is_file() else 0.0)
    spent.write_text(json.dumps(seconds))
    found = {"step": progress.step, "steps": total, "training_seconds": seconds, "published_nll": 88.71}
    if progress.step < total:
        return found
    fitted = eqx.combine(progress.state.parameters, split_parameters(model)[1])
    began = time.perf_counter()
    bound = importance_weighted_bound(fitted, test, k=arguments.draws)
    return {
        **found,
        "negative_log_likelihood": -float(bound),
        "draws": arguments.draws,
        "test_rows": len(test),
        "evaluation_seconds": time.perf_counter() - began,
    }


def load(name: str, rows: int | None) -> np.ndarray:
    """One of the three sets, [row, 784] of zeros and ones."""
    with np.load(DATA) as archive:
        return np.unpackbits(archive[name][:rows], axis=1)[:, :784].astype(np.float32)


def published_model(training: np.ndarray) -> Any:
    """One stochastic layer of 50, two hidden layers of 200 each way."""
    centre = Fixed(jnp.asarray(training.mean(0)))
    ends = Ends(MatrixInputs(centre, Fixed(jnp.ones(784))), BernoulliLikelihood(centre))
    return assemble_vae(ends, Architecture(50, (200, 200), "tanh"), jax.random.key(SEED))


def train_slice(model: Any, training: np.ndarray, arguments: argparse.Namespace) -> tuple[Progress, int]:
    """(the progress after so many minutes, the steps of the whole schedule)."""
    boundaries = np.cumsum([3**i * arguments.epochs * len(training) / BATCH for i in STAGES]).round().astype(np.int32)
    total, limit = int(boundaries[-1]), time.monotonic() + 60.0 * arguments.minutes
    devices = choose_devices(BATCH)
    parameters, rest = split_parameters(model)
    checkpoint = Checkpoint(arguments.run / "checkpoint.safetensors", resume=True)
    name = f"published schedule, {total} steps, {len(training)} rows"
    progress = checkpoint.begin(Progress.start(parameters, ADAM, devices), name, devices)
    feed = MemoryFeed(training, BATCH, SEED, devices)
    stages = Stages(jnp.asarray(boundaries), jnp.asarray([1e-3 * 10 ** (-i / 7) for i in STAGES], jnp.float32))
    loss = VariationalLoss(jnp.float32(1.0), jnp.float32(0.0), elbo, samples=1)
    fixed = devices.everywhere((rest, loss, stages, jax.random.key(SEED, impl="threefry2x32")))
    task = Task(*fixed[:2], ADAM, *fixed[2:])
    while progress.step < total and time.monotonic() < limit:
        steps = min(feed.longest, total - progress.step)
        work = (task, feed.take(progress.step, steps), devices.everywhere(np.int32(steps)))
        progress = replace(progress, state=run_block(work, progress.state))
        if checkpoint.due:
            checkpoint.keep(progress)
    checkpoint.keep(progress)
    return progress, total


if __name__ == "__main__":
    main()
