"""From an untrained model and rows to a trained VAE: what a configuration stands for, and the latent size."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import equinox as eqx
import jax
import numpy as np

from isthmus.data.room import memory_of_machine
from isthmus.estimators.configuration import NetworkConfiguration, VAEConfiguration
from isthmus.estimators.inspection import Inspected
from isthmus.estimators.splits import HELD_OUT_STREAM, MOST_HELD_OUT, bootstrap_rows, split_rows
from isthmus.fitting import Checkpoint, Fit, FitRecord, StreamedRows, agreed, count_rows
from isthmus.inference import fit, sample_importance_weights
from isthmus.inference.objectives import Objective, elbo, importance_weighted, trimmed_importance_weighted
from isthmus.models import (
    Architecture,
    Ends,
    Observation,
    VariationalAutoencoder,
    assemble_vae,
    choose_hidden_sizes,
    choose_latent_size,
    hide_values,
)
from isthmus.models.assembly import LARGEST_LATENT
from isthmus.models.growth import grow_latent
from isthmus.models.rows import row_count

STEP_BUDGET = 4000
"""Without max_epochs a fit takes about so many steps, and at least FEWEST_EPOCHS passes over the rows."""
FEWEST_EPOCHS = 30
MOST_STEPS = 20_000
"""Passes over millions of rows are not worth their time: without max_epochs no fit takes more steps than this."""
DRAWS_WITH_HOLES = 5
COPIES_IN_TRAINING = 4
"""Of each weight: itself, its gradient, and two moments."""
INITIALISATION_STREAM = 2**32 - 1
SIZE_DRAWS = 64


@dataclass(frozen=True)
class SizeTried:
    """A latent size on the path: the held-out bound on log p(x) in nats, and its gain over the size before with the
    standard error of that difference over rows; None at the first."""

    n_components: int
    bound: float
    gain: float | None
    stderr: float | None


@dataclass(frozen=True)
class Trained:
    """The fit, its architecture, and the latent sizes that were tried."""

    fit: Fit
    architecture: Architecture
    path: tuple[SizeTried, ...] = ()


def train_vae(
    seen: Inspected,
    configuration: VAEConfiguration,
    image_shape: tuple[int, int] | None = None,
    on_record: Callable[[FitRecord], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """A trained model for what a fit has seen of its rows; its latent size as asked for, or chosen.

    image_shape: of rows that are images, where the configuration names none.
    """
    asked, columns = configuration.n_components, seen.rows.column_count
    architecture = choose_architecture(seen, configuration, None if asked == "auto" else asked, image_shape)
    require_memory(partial(assemble_vae, seen.ends, architecture, initial_key(configuration)))
    training, held_out = hold_out(seen, configuration)
    if asked != "auto" or columns == 1:
        untrained = assemble_vae(seen.ends, architecture, initial_key(configuration))
        return Trained(_fit(untrained, training, held_out, configuration, on_record, checkpoint), architecture)
    largest = min(columns - 1, LARGEST_LATENT)
    return train_path(seen.ends, architecture, largest, training, held_out, configuration, on_record, checkpoint)


def choose_architecture(
    seen: Inspected,
    configuration: NetworkConfiguration,
    latent_size: int | None,
    image_shape: tuple[int, int] | None = None,
) -> Architecture:
    """The sizes and the kind of network that were asked for, or suit the columns."""
    columns, table = seen.rows.column_count, isinstance(seen.training, Observation)
    # A single column has no structure for a latent to find, and is fitted nonetheless.
    alone = latent_size is None and columns == 1 and table
    size = choose_latent_size(columns, latent_size, configuration.overcomplete or alone)
    convolutional = configuration.network == "convolutional"
    if convolutional and table:
        raise ValueError("network='convolutional' takes no rows of a table; pass network='mlp'")
    if configuration.image_shape is not None and not convolutional:
        raise ValueError(
            f"image_shape is {configuration.image_shape}, which network='mlp' takes no notice of; pass "
            "network='convolutional' too, or leave image_shape out"
        )
    kind = "convolutional" if convolutional else "residual" if table else "plain"
    hidden = configuration.hidden_sizes
    hidden = choose_hidden_sizes(columns, kind) if hidden is None else hidden
    if convolutional and not hidden:
        raise ValueError("hidden_sizes is (); network='convolutional' has at least one layer of channels")
    shape = (configuration.image_shape or image_shape) if convolutional else None
    return Architecture(size, hidden, configuration.activation, kind, shape)


def require_memory(make: Callable[[], Any]) -> None:
    """ValueError where training the model that is made takes more memory than there is, before any is asked for."""
    # Of shapes alone: nothing is computed, and nothing compiled.
    shapes = [leaf for leaf in jax.tree.leaves(eqx.filter_eval_shape(make)) if isinstance(leaf, jax.ShapeDtypeStruct)]
    numbers = sum(math.prod(leaf.shape) for leaf in shapes)
    if (needed := COPIES_IN_TRAINING * 4 * numbers) > memory_of_machine():
        raise ValueError(
            f"the {numbers:.3g} numbers of this model take {needed / 2**30:.3g} GiB in training, and this process has "
            f"{memory_of_machine() / 2**30:.3g} GiB; pass smaller sizes"
        )


def hold_out(seen: Inspected, configuration: NetworkConfiguration) -> tuple[Any, Any]:
    """(rows to train on, rows for early stopping or None)."""
    if seen.stream is not None:
        return seen.stream, seen.held_out
    share = min(configuration.validation_fraction, MOST_HELD_OUT / row_count(seen.training))
    return split_rows(seen.training, share, configuration.random_state, HELD_OUT_STREAM)


def train_path(
    ends: Ends,
    architecture: Architecture,
    largest: int,
    training: Any,
    held_out: Any,
    configuration: VAEConfiguration,
    on_record: Callable[[FitRecord], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Latent sizes 1, 2, 4, ... up to `largest`, each started from the one before, until the held-out bound gains less
    than twice the standard error of its paired difference; the last size that gained is kept."""
    if held_out is None and isinstance(training, StreamedRows):
        raise ValueError(
            "n_components='auto' compares sizes on rows held out from the stream; pass validation_fraction"
        )
    judged = training if held_out is None else held_out
    best: Trained | None = None
    best_bounds, tried = np.zeros(0), []
    for size in [*(2**i for i in range(math.ceil(math.log2(largest)))), largest]:
        sized = replace(architecture, latent_size=size)
        untrained = assemble_vae(ends, sized, initial_key(configuration))
        start = untrained if best is None else grow_latent(best.fit.model, untrained)
        fitted = _fit(start, training, held_out, configuration, on_record, checkpoint)
        bounds = sample_importance_weights(fitted.model, judged, SIZE_DRAWS).log_evidence
        difference = bounds - best_bounds if best is not None else None
        gain = None if difference is None else float(difference.mean())
        stderr = None if difference is None else float(difference.std(ddof=1) / math.sqrt(len(difference)))
        tried.append(SizeTried(size, float(bounds.mean()), gain, stderr))
        # Several processes go on, or break off, together.
        if gain is not None and stderr is not None and not agreed(gain - 2.0 * stderr) > 0:
            break
        best, best_bounds = Trained(fitted, sized), bounds
    assert best is not None
    return replace(best, path=tuple(tried))


def refit_on_bootstrap(
    ends: Ends, architecture: Architecture, rows: Any, configuration: VAEConfiguration
) -> VariationalAutoencoder:
    """A model fitted to as many rows drawn with replacement; those that were not drawn decide when to stop."""
    training, held_out = bootstrap_rows(rows, configuration.random_state)
    untrained = assemble_vae(ends, architecture, initial_key(configuration))
    return _fit(untrained, training, held_out, configuration).model


def epochs(configuration: NetworkConfiguration, rows: int) -> float:
    """Passes over the rows: as asked for, or about 4,000 steps, at least 30 passes, at most 20,000 steps."""
    if configuration.max_epochs is not None:
        return configuration.max_epochs
    batch = configuration.batch_size
    return min(max(STEP_BUDGET * batch / rows, FEWEST_EPOCHS), MOST_STEPS * batch / rows)


def draws(configuration: VAEConfiguration, rows: Any) -> int:
    """Posterior draws a row and step: as asked for; else 1, and more where values are missing, for what is missing
    widens the posterior beyond what one normal can follow."""
    if configuration.draws is not None:
        return configuration.draws
    return DRAWS_WITH_HOLES if _has_holes(rows) else 1


def _has_holes(rows: Any) -> bool:
    if isinstance(rows, StreamedRows):
        return rows.has_holes
    return isinstance(rows, Observation) and not np.all(rows.observed)


def _is_masked(rows: Any) -> bool:
    return rows.masked if isinstance(rows, StreamedRows) else isinstance(rows, Observation)


def _fit(
    start: VariationalAutoencoder,
    training: Any,
    held_out: Any,
    configuration: VAEConfiguration,
    on_record: Callable[[FitRecord], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    samples = draws(configuration, training)
    return fit(
        start,
        training,
        _objective(configuration.trim, samples),
        held_out=held_out,
        samples=samples,
        beta=configuration.beta,
        warm_up=configuration.warm_up,
        epochs=epochs(configuration, count_rows(training) + (0 if held_out is None else row_count(held_out))),
        batch_size=configuration.batch_size,
        learning_rate=configuration.learning_rate,
        precision=configuration.precision,
        patience=configuration.patience,
        seed=configuration.random_state,
        on_record=on_record,
        # Rows of which different parts are hidden are not comparable, and trimming compares them.
        corruption=hide_values if _is_masked(training) and configuration.trim == 0 else None,
        held_out_trim=configuration.trim,
        checkpoint=checkpoint,
    )


@lru_cache(maxsize=8)
def _objective(trim: float, samples: int) -> Objective:
    """Made once for each pair: the compiled step takes it for a constant, and another object would be compiled anew."""
    if trim > 0:
        return partial(trimmed_importance_weighted, share=trim)
    return elbo if samples == 1 else importance_weighted


def initial_key(configuration: NetworkConfiguration) -> jax.Array:
    """The key of the first weights, which no training step has."""
    seed = jax.random.key(configuration.random_state, impl="threefry2x32")
    return jax.random.fold_in(seed, INITIALISATION_STREAM)
