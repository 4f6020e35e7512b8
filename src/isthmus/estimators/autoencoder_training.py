"""From rows to a trained autoencoder: what a configuration stands for."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from isthmus.estimators.configuration import AutoencoderConfiguration
from isthmus.estimators.inspection import Inspected
from isthmus.estimators.table_rows import TableRows
from isthmus.estimators.training import choose_architecture, epochs, hold_out, initial_key, require_memory
from isthmus.fitting import Checkpoint, Fit, FitRecord, Noise, TrainingSettings, count_rows, fit_reconstruction
from isthmus.fitting.reconstruction import adam
from isthmus.models import (
    L1,
    Architecture,
    Corruption,
    DeterministicAutoencoder,
    Ends,
    FeatureSwap,
    Fixed,
    GaussianNoise,
    Masking,
    MatrixInputs,
    NoiseUnits,
    Observation,
    TopK,
    assemble_autoencoder,
)
from isthmus.models.rows import row_count


@dataclass(frozen=True)
class TrainedAutoencoder:
    """The fit, its architecture, the noise that it was trained with, and the rows that it was not trained on (those it
    was, where none were held out)."""

    fit: Fit
    architecture: Architecture
    noise: Noise | None
    judged: Any


def train_autoencoder(
    seen: Inspected,
    configuration: AutoencoderConfiguration,
    corruption: Corruption | None = None,
    image_shape: tuple[int, int] | None = None,
    on_record: Callable[[FitRecord], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainedAutoencoder:
    """A trained autoencoder for what a fit has seen of its rows; with a corruption a denoising one."""
    architecture = autoencoder_architecture(seen, configuration, image_shape)
    make = partial(assemble, seen.ends, architecture, initial_key(configuration), configuration)
    require_memory(make)
    untrained = make()
    training, held_out = hold_out(seen, configuration)
    noise = None if corruption is None else Noise(corruption, noise_units(seen))
    if noise is not None and isinstance(corruption, GaussianNoise) and not np.any(noise.units.spread.array):
        raise ValueError(
            "GaussianNoise changes measured columns only, and there are none here; pass corruption=FeatureSwap(), "
            "which columns of any kind can take"
        )
    rows = count_rows(training) + (0 if held_out is None else row_count(held_out))
    steps = epochs(configuration, rows) * count_rows(training) / configuration.batch_size
    settings = TrainingSettings(
        steps=math.ceil(steps),
        batch_size=configuration.batch_size,
        learning_rate=configuration.learning_rate,
        precision=configuration.precision,
        patience=configuration.patience,
        seed=configuration.random_state,
        optimiser=adam(configuration.weight_decay),
    )
    cost = configuration.sparsity.weight if isinstance(configuration.sparsity, L1) else 0.0
    fit = fit_reconstruction(untrained, training, held_out, settings, noise, cost, on_record, checkpoint)
    return TrainedAutoencoder(fit, architecture, noise, seen.training if held_out is None else held_out)


def assemble(
    ends: Ends, architecture: Architecture, key: jax.Array, configuration: AutoencoderConfiguration
) -> DeterministicAutoencoder:
    """An untrained model as configured."""
    kept = configuration.sparsity.kept if isinstance(configuration.sparsity, TopK) else None
    own = {name: getattr(configuration, name) for name in ("encoder", "decoder")}
    return assemble_autoencoder(ends, architecture, key, kept=kept, **own)


def autoencoder_architecture(
    seen: Inspected, configuration: AutoencoderConfiguration, image_shape: tuple[int, int] | None
) -> Architecture:
    """The sizes and the kind of network that were asked for, or suit the columns."""
    chosen = choose_architecture(seen, configuration, configuration.n_components, image_shape)
    if configuration.tied_weights and not (configuration.encoder is None and configuration.decoder is None):
        raise ValueError("tied weights need both networks to be ours; leave out encoder and decoder, or tied_weights")
    if chosen.network == "convolutional":
        if configuration.tied_weights or configuration.dropout:
            raise ValueError("network='convolutional' takes no tied weights or dropout; pass network='mlp'")
        return chosen
    kind = "tied" if configuration.tied_weights else chosen.network
    if kind == "tied" and isinstance(seen.training, Observation):
        raise ValueError("tied weights need rows of numbers under one likelihood; pass tied_weights=False")
    return replace(chosen, network=kind, dropout=configuration.dropout)


def choose_corruption(asked: Corruption | None, seen: Inspected) -> Corruption:
    """What was asked for; else values swapped between the rows of a table, and hidden in all else."""
    if asked is not None:
        return asked
    return FeatureSwap() if isinstance(seen.training, Observation) else Masking()


def noise_units(seen: Inspected) -> NoiseUnits:
    """What noise is measured by: the spread that the encoder's inputs have, and the ends of what was seen."""
    if isinstance(seen.training, Observation):
        values, observed = np.asarray(seen.training.values), np.asarray(seen.training.observed)
        low = np.where(observed, values, np.inf).min(0)
        high = np.where(observed, values, -np.inf).max(0)
        assert isinstance(seen.rows, TableRows)
        measured = [column.likelihood in ("normal", "student_t", "log_normal") for column in seen.rows.schema.columns]
        spread = np.where(measured, 1.0, 0.0)
    else:
        assert isinstance(seen.ends.inputs, MatrixInputs)
        low, high = seen.training.min(0), seen.training.max(0)
        spread = np.asarray(seen.ends.inputs.spread.array)
    spread = np.where(low < high, spread, 0.0)
    return NoiseUnits(*(Fixed(jnp.asarray(array, jnp.float32)) for array in (spread, low, high)))
