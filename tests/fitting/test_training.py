"""The training loop: reproducible, one compilation a shape, best weights kept, bad steps skipped and counted."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from isthmus.fitting import TrainingDiverged, TrainingSettings, train
from isthmus.models import Fixed


class Line(eqx.Module):
    """y = slope x, with a constant that must not be trained."""

    slope: jax.Array
    offset: Fixed

    def __call__(self, x):
        return self.slope * x + self.offset.value


class SquaredError(eqx.Module):
    """Counts its traces; gives NaN from `bad_from` on, for `bad_steps` steps."""

    bad_from: jax.Array
    bad_steps: jax.Array
    traces: list = eqx.field(static=True)

    def __call__(self, model, rows, key, step):
        self.traces.append(None)
        bad = (step >= self.bad_from) & (step < self.bad_from + self.bad_steps)
        error = jnp.mean((jax.vmap(model)(rows[:, 0]) - rows[:, 1]) ** 2)
        return jnp.where(bad, jnp.nan, error)


class Traces(list):
    """A list that jax may take as static: equal to itself alone."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def a_line():
    return Line(jnp.zeros(()), Fixed(jnp.asarray(1.0)))


def rows(count=100, slope=2.0):
    x = np.linspace(-1, 1, count).astype(np.float32)
    return np.column_stack([x, slope * x + 1])


def loss(bad_from=10**6, bad_steps=0, traces=None):
    return SquaredError(jnp.int32(bad_from), jnp.int32(bad_steps), Traces() if traces is None else traces)


def settings(**changes):
    return TrainingSettings(**{"steps": 300, "batch_size": 16, "learning_rate": 0.05, **changes})


def test_it_learns_and_leaves_fixed_arrays_alone():
    fit = train(a_line(), loss(), rows(), settings())
    assert abs(float(fit.model.slope) - 2.0) < 1e-2
    assert float(fit.model.offset.array) == 1.0
    assert fit.verdict == "finished"
    assert fit.history[-1].step == 300


def test_the_same_arguments_give_the_same_model():
    one, other = (train(a_line(), loss(), rows(), settings(seed=3)) for _ in range(2))
    assert one.model.slope == other.model.slope
    assert one.history == other.history


def test_row_counts_within_a_power_of_two_and_all_rates_and_seeds_share_one_trace():
    traces = Traces()
    for count, rate, seed in ((65, 0.1, 0), (100, 0.1, 0), (128, 0.01, 0), (100, 0.1, 5)):
        train(a_line(), loss(traces=traces), rows(count), settings(learning_rate=rate, seed=seed, steps=70))
    one_trace = len(traces)
    train(a_line(), loss(traces=traces), rows(129), settings(steps=70))
    assert len(traces) == 2 * one_trace


def test_a_bucket_is_one_trace_for_any_batch_size():
    traces = Traces()
    train(a_line(), loss(traces=traces), rows(9300), settings(batch_size=100, steps=10))
    one_trace = len(traces)
    train(a_line(), loss(traces=traces), rows(14_000), settings(batch_size=100, steps=10))
    assert len(traces) == one_trace


def test_the_weights_of_the_best_held_out_score_are_kept():
    fit = train(a_line(), loss(), rows(), settings(), held_out=lambda model: -abs(float(model.slope) - 1.0))
    best = max(fit.history, key=lambda look: look.held_out)
    assert fit.best_step == best.step
    assert -abs(float(fit.model.slope) - 1.0) == best.held_out


def test_patience_ends_a_fit_but_not_before_it_has_settled():
    flat = {"steps": 3000, "patience": 2}
    early = train(a_line(), loss(), rows(), settings(**flat), held_out=lambda model: 0.0)
    late = train(a_line(), loss(), rows(), settings(**flat, settle=1000), held_out=lambda model: 0.0)
    assert early.verdict == late.verdict == "stopped early"
    assert early.history[-1].step < 1000 < late.history[-1].step


def test_without_a_finite_held_out_score_there_is_no_best():
    with pytest.raises(ValueError, match="no held-out score was finite"):
        train(a_line(), loss(), rows(), settings(steps=70), held_out=lambda model: float("nan"))


def test_steps_without_a_finite_gradient_are_skipped_and_counted():
    fit = train(a_line(), loss(bad_from=20, bad_steps=5), rows(), settings())
    assert fit.skipped_steps == 5
    assert abs(float(fit.model.slope) - 2.0) < 1e-2
    assert all(np.isfinite(look.loss) for look in fit.history)


def test_many_such_steps_in_a_row_stop_the_fit_at_the_last_good_state():
    with pytest.raises(TrainingDiverged, match="smaller learning rate") as caught:
        train(a_line(), loss(bad_from=40, bad_steps=10**6), rows(), settings())
    fit = caught.value.fit
    assert fit.verdict == "diverged"
    assert fit.history[-1].step == 50
    assert 0 < float(fit.model.slope) < 2.5


@pytest.mark.parametrize("count", [2, 15, 16, 17])
def test_any_number_of_rows_can_be_batched(count):
    fit = train(a_line(), loss(), rows(count), settings(steps=5))
    assert np.isfinite(float(fit.model.slope))


class Product(eqx.Module):
    """A loss with a matrix product; keeps what the trace says of its precision."""

    seen: list = eqx.field(static=True)

    def __call__(self, model, rows, key, step):
        made = jax.make_jaxpr(jnp.matmul)(rows, rows.T)
        self.seen.append(str(made.eqns[0].params["precision"]))
        return jnp.mean((rows @ rows.T) * model.slope**2)


@pytest.mark.parametrize(
    ("precision", "wanted"), [("float32", "HIGHEST"), ("tensorfloat32", "HIGH"), ("bfloat16", "BF16_BF16_F32")]
)
def test_products_have_the_precision_that_was_asked_for(precision, wanted):
    seen = Traces()
    fit = train(a_line(), Product(seen), rows(), settings(steps=3, precision=precision))
    assert seen
    assert all(wanted in one for one in seen)
    assert fit.model.slope.dtype == jnp.float32
