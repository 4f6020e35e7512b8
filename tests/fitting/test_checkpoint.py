"""A fit that was stopped, anywhere, goes on to the bit as if it never had been; and other fits are refused."""

import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_training import a_line, loss, rows, settings

from isthmus.fitting import Checkpoint, FitInterrupted, train
from isthmus.fitting import loop as loop_module
from isthmus.storage import ModelFileError

STEPS = 300


class Stopped(Exception):  # noqa: N818 - it stands for a kill
    pass


class StopAt:
    """A held-out score that stops the fit, as a kill would, when it is asked for the n-th time."""

    def __init__(self, n):
        self.left = n

    def __call__(self, model):
        self.left -= 1
        if self.left == 0:
            raise Stopped
        return -abs(float(model.slope) - 2.0)


class PaceOf:
    """Blocks of one number of steps, so that a checkpoint falls between looks."""

    def __init__(self, steps):
        self.most = steps

    def __call__(self, longest, devices):
        return self

    def steps(self, left):
        return min(left, self.most)

    def took(self, taken):
        pass


def score(model):
    return -abs(float(model.slope) - 2.0)


def fit(**changes):
    return train(a_line(), loss(), rows(), settings(steps=STEPS, seed=3), held_out=score, **changes)


def assert_same(one, other):
    assert one.model.slope == other.model.slope
    assert one.history == other.history
    assert (one.best_step, one.verdict) == (other.best_step, other.verdict)


@pytest.mark.parametrize("looks", [1, 2, 4])
@pytest.mark.parametrize("pace", [7, 50])
def test_a_fit_that_was_killed_goes_on_as_if_it_never_had_been(tmp_path, monkeypatch, looks, pace):
    undisturbed = fit()
    monkeypatch.setattr(loop_module, "_Pace", PaceOf(pace))
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stopped):
        train(
            a_line(),
            loss(),
            rows(),
            settings(steps=STEPS, seed=3),
            held_out=StopAt(looks),
            checkpoint=Checkpoint(path, minutes=0),
        )
    told = []
    resumed = fit(checkpoint=Checkpoint(path, minutes=0, resume=True), on_record=told.append)
    assert_same(resumed, undisturbed)
    assert told == list(undisturbed.history[-len(told) :])
    assert len(told) == len(undisturbed.history) - looks + 1


def test_a_finished_fit_is_not_trained_again(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    first = fit(checkpoint=Checkpoint(path))
    told = []
    assert_same(fit(checkpoint=Checkpoint(path, resume=True), on_record=told.append), first)
    assert not told


def test_several_models_of_one_fit_share_the_file(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    kept = Checkpoint(path)
    first, second = (fit_from(seed, kept) for seed in (1, 2))
    resumed = Checkpoint(path, resume=True)
    assert_same(fit_from(1, resumed), first)
    assert_same(fit_from(2, resumed), second)


def fit_from(seed, checkpoint):
    return train(a_line(), loss(), rows(), settings(steps=STEPS, seed=seed), held_out=score, checkpoint=checkpoint)


def test_a_fit_without_held_out_rows_resumes_too(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    plain = train(a_line(), loss(), rows(), settings(steps=STEPS))
    with pytest.raises(Stopped):
        train(
            a_line(),
            loss(),
            rows(),
            settings(steps=STEPS),
            on_record=stop_at_the_second,
            checkpoint=Checkpoint(path, minutes=0),
        )
    resumed = train(a_line(), loss(), rows(), settings(steps=STEPS), checkpoint=Checkpoint(path, resume=True))
    assert_same(resumed, plain)


def stop_at_the_second(record):
    if record.step > 64:
        raise Stopped


@pytest.mark.parametrize(
    "changed",
    [
        {"data": rows(slope=3.0)},
        {"data": rows(99)},
        {"settings": settings(steps=STEPS, seed=4)},
        {"settings": settings(steps=STEPS + 1, seed=3)},
        {"settings": settings(steps=STEPS, seed=3, learning_rate=0.01)},
        {"loss": loss(bad_from=7)},
        {"model": jax.tree.map(lambda a: a + 0.5, a_line())},
    ],
    ids=["other values", "fewer rows", "another seed", "more steps", "another rate", "another loss", "other weights"],
)
def test_a_checkpoint_of_another_fit_is_refused(tmp_path, changed):
    path = tmp_path / "checkpoint.safetensors"
    same = {"model": a_line(), "loss": loss(), "data": rows(), "settings": settings(steps=STEPS, seed=3)}
    train(**same, checkpoint=Checkpoint(path))
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors is of a fit to other rows or with other settings"):
        train(**{**same, **changed}, checkpoint=Checkpoint(path, resume=True))


def test_without_resume_the_file_is_replaced(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    train(a_line(), loss(), rows(slope=3.0), settings(steps=STEPS), checkpoint=Checkpoint(path))
    assert_same(fit(checkpoint=Checkpoint(path)), fit())


def test_a_damaged_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    fit(checkpoint=Checkpoint(path))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="altered or damaged"):
        Checkpoint(path, resume=True)
    assert path.read_bytes() == content


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_the_checkpoint_and_ends_the_fit(tmp_path, number):
    path = tmp_path / "checkpoint.safetensors"
    before = signal.getsignal(number)

    def ask(record):
        if record.step > 64:
            os.kill(os.getpid(), number)

    name = signal.Signals(number).name
    with pytest.raises(FitInterrupted, match=f"stopped by {name} at step 128 of 300; .*holds what is needed to go on"):
        fit(checkpoint=Checkpoint(path, minutes=60), on_record=ask)
    assert signal.getsignal(number) is before
    assert_same(fit(checkpoint=Checkpoint(path, resume=True)), fit())


def test_a_fit_that_diverged_stays_diverged(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    for resume in (False, True):
        with pytest.raises(RuntimeError, match="gradients in a row were not finite") as caught:
            train(
                a_line(),
                loss(bad_from=100, bad_steps=1000),
                rows(),
                settings(steps=STEPS),
                checkpoint=Checkpoint(path, resume=resume),
            )
        assert np.isfinite(jnp.asarray(caught.value.fit.model.slope))
