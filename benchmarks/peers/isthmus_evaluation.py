"""Our side of evaluation_speed.py: fits a 784-400-20 VAE, writes its weights for the peers, evaluates rows.

    python isthmus_evaluation.py ROWS.npz WEIGHTS.npz

Answers `embed ROWS 1`, `score ROWS 128` and `bound ROWS DRAWS` with one line of JSON each. Rows come in blocks of those
in the file, as often as it takes.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np

from isthmus import VAE
from isthmus.inference import sample_importance_weights


def main() -> None:
    path, weights = sys.argv[1:]
    with np.load(path) as archive:
        rows = archive["rows"]
    estimator = VAE(20, likelihood="bernoulli", hidden_sizes=(400,), activation="relu", max_epochs=2, patience=None)
    estimator.fit(rows)
    write_weights(estimator.model_, weights)
    answer(**{name: version(name) for name in ("isthmus", "jax", "jaxlib", "numpy")})
    for line in sys.stdin:
        task, count, draws = line.split()
        began, total, left = time.perf_counter(), 0.0, int(count)
        while left > 0:
            total += evaluate(estimator, rows[:left], task, int(draws))
            left -= len(rows)
        answer(seconds=time.perf_counter() - began, rows=int(count), mean=total / int(count))


def evaluate(estimator: VAE, rows: np.ndarray, task: str, draws: int) -> float:
    """The sum over rows of what was found: of the first latent, or of the bound."""
    if task == "embed":
        return float(estimator.transform(rows)[:, 0].sum(dtype=np.float64))
    if task == "score":
        return float(estimator.score_samples(rows).sum())
    return float(sample_importance_weights(estimator.model_, rows.astype(np.float32), draws).log_evidence.sum())


def write_weights(model, path: str) -> None:
    """As rows of bits are multiplied by them: what centres and scales them is taken into the first layer."""
    first, second = model.encoder.layers
    centre, spread = (np.asarray(part.array, np.float64) for part in (model.inputs.centre, model.inputs.spread))
    weight = np.asarray(first.weight, np.float64) / spread[:, None]
    arrays = [weight, first.bias - centre @ weight, second.weight, second.bias]
    arrays += [array for layer in model.decoder.layers for array in (layer.weight, layer.bias)]
    np.savez(path, *(np.asarray(array, np.float32) for array in arrays))


def answer(**fields) -> None:
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    main()
