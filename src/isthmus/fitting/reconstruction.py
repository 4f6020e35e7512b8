"""The loss of deterministic models: the distortion of what they make of rows, corrupted or not."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from isthmus.fitting.checkpoint import Checkpoint
from isthmus.fitting.loop import Fit, TrainingSettings, train
from isthmus.fitting.progress import FitRecord
from isthmus.fitting.step import ADAM
from isthmus.information.precision import in_float32
from isthmus.models import Corruption, DeterministicAutoencoder, NoiseUnits
from isthmus.models.rows import map_rows

HELD_OUT_NOISE = 7
"""Held-out rows are corrupted once, by noise of their own, so that all looks judge the same task."""


class Noise(eqx.Module):
    """A corruption and the units that it is measured in."""

    corruption: Corruption
    units: NoiseUnits

    def __call__(self, rows: Any, key: Array, progress: Array) -> Any:
        return self.corruption(rows, self.units, key, progress)


class ReconstructionLoss(eqx.Module):
    """-log p(x | encode(x~)) in nats, the mean over rows; x~ is x where there is no noise.

    steps: of the whole training, by which a level of noise may change.  latent_cost: in nats, of each unit of |z|.
    """

    steps: Array
    latent_cost: Array
    noise: Noise | None = None

    def __call__(self, model: DeterministicAutoencoder, rows: Any, key: Array, step: Array) -> Array:
        noise_key, network_key = jax.random.split(key)
        shown = rows if self.noise is None else self.noise(rows, noise_key, step / self.steps)
        keys = jax.random.split(network_key, jax.tree.leaves(rows)[0].shape[0])
        return jnp.mean(jax.vmap(partial(_loss_of_row, model, self.latent_cost))(rows, shown, keys))


@in_float32
def fit_reconstruction(
    model: DeterministicAutoencoder,
    training: Any,
    held_out: Any,
    settings: TrainingSettings,
    noise: Noise | None = None,
    latent_cost: float = 0.0,
    on_record: Callable[[FitRecord], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Minimise the distortion of training rows, [row, ...] in the model's units.

    held_out: rows whose distortion decides which weights are kept; None for the last ones.  latent_cost: as in the
    loss.
    """
    noise = None if noise is None else jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), noise)
    loss = ReconstructionLoss(jnp.float32(settings.steps), jnp.float32(latent_cost), noise)
    score = None if held_out is None else _held_out_score(held_out, noise)
    return train(model, loss, training, settings, score, on_record, checkpoint)


@lru_cache(maxsize=8)
def adam(weight_decay: float) -> optax.GradientTransformation:
    """Adam, with decoupled decay of weights, not of biases (Loshchilov and Hutter 2019). Made once for each decay: a
    rebuilt optimiser would be compiled anew."""
    if weight_decay == 0:
        return ADAM
    return optax.chain(ADAM, optax.add_decayed_weights(weight_decay, mask=_is_weight))


def _held_out_score(held_out: Any, noise: Noise | None) -> Callable[[DeterministicAutoencoder], float]:
    pairs = (held_out, held_out if noise is None else _corrupted_once(noise, held_out))

    def score(candidate: DeterministicAutoencoder) -> float:
        return float(np.mean(map_rows(_log_likelihood, candidate, pairs)))

    return score


def _is_weight(parameters: Any) -> Any:
    def of_leaf(path: Any, leaf: Array) -> bool:
        # The biases of convolutions have axes for height and width.
        return leaf.ndim >= 2 and getattr(path[-1], "name", "") != "bias"

    return jax.tree_util.tree_map_with_path(of_leaf, parameters)


def _loss_of_row(model: DeterministicAutoencoder, latent_cost: Array, row: Any, shown: Any, key: Array) -> Array:
    encoder_key, decoder_key = jax.random.split(key)
    latent = model.encode(shown, key=encoder_key)
    return latent_cost * jnp.sum(jnp.abs(latent)) - model.likelihood(latent, key=decoder_key).log_prob(row)


def _log_likelihood(model: DeterministicAutoencoder, pair: tuple[Any, Any]) -> Array:
    row, shown = pair
    return model.likelihood(model.encode(shown)).log_prob(row)


def _corrupted_once(noise: Noise, rows: Any) -> Any:
    key = jax.random.key(HELD_OUT_NOISE, impl="threefry2x32")
    return jax.tree.map(np.asarray, noise(jax.tree.map(jnp.asarray, rows), key, jnp.float32(0.5)))
