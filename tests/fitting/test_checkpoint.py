"""A fit that was stopped, anywhere, goes on to the bit as if it never had been; and other fits are refused."""

import os
import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from test_training import a_line, loss, rows, settings

from isthmus.fitting import Checkpoint, FitInterrupted, train
from isthmus.fitting import checkpoint as checkpoint_module
from isthmus.fitting import loop as loop_module
from isthmus.storage import ModelFileError

STEPS = 300


class Stopped(Exception):  # noqa: N818 - it stands for a kill
    pass


class Score:
    """A held-out score that stops the fit, as a kill would, when it is asked for the n-th time."""

    def __init__(self, n=None):
        self.left = n

    def __call__(self, model):
        if self.left is not None:
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


def fit(**changes):
    return train(a_line(), loss(), rows(), settings(steps=STEPS, seed=3), held_out=Score(), **changes)


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
            held_out=Score(looks),
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
    return train(a_line(), loss(), rows(), settings(steps=STEPS, seed=seed), held_out=Score(), checkpoint=checkpoint)


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
        {"settings": settings(steps=STEPS, seed=3, patience=5)},
        {"settings": settings(steps=STEPS, seed=3, precision="bfloat16")},
        {"settings": settings(steps=STEPS, seed=3, optimiser=optax.scale_by_adam(b1=0.8))},
        {"held_out": lambda model: -float(model.slope)},
        {"loss": loss(bad_from=7)},
        {"model": jax.tree.map(lambda a: a + 0.5, a_line())},
    ],
    ids=[
        "other values",
        "fewer rows",
        "another seed",
        "more steps",
        "another rate",
        "patience",
        "another precision",
        "another optimiser",
        "another score",
        "another loss",
        "other weights",
    ],
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


def test_a_score_that_is_not_finite_is_kept_as_it_is(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    for resume in (False, True):
        with pytest.raises(ValueError, match="no held-out score was finite"):
            train(
                a_line(),
                loss(),
                rows(),
                settings(steps=STEPS),
                held_out=no_number,
                checkpoint=Checkpoint(path, minutes=0, resume=resume),
            )


def no_number(model):
    return float("nan")


def test_a_signal_while_the_last_state_is_written_is_heard(tmp_path, monkeypatch):
    write = checkpoint_module.write_model_file

    def written(path, arrays, metadata):
        write(path, arrays, metadata)
        if metadata["checkpoint"][-1]["progress"]["verdict"]:
            monkeypatch.setattr(checkpoint_module, "write_model_file", write)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(checkpoint_module, "write_model_file", written)
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(FitInterrupted, match="stopped by SIGTERM at step 300 of 300"):
        fit(checkpoint=Checkpoint(path))
    monkeypatch.undo()
    assert_same(fit(checkpoint=Checkpoint(path, resume=True)), fit())


FINGERPRINT = """
import equinox as eqx, jax, jax.numpy as jnp
from isthmus.fitting.fingerprints import fingerprint
scale = 2.0
parts = (eqx.nn.MLP(2, 2, 2, 1, key=jax.random.key(0)), jnp.ones(3, jnp.bfloat16), jax.random.key(1))
print(fingerprint(*parts, lambda x: scale * x), fingerprint(*parts, lambda x: scale + x))
"""


def test_fingerprints_of_functions_and_keys_are_the_same_in_every_process():
    told = [
        subprocess.run([sys.executable, "-c", FINGERPRINT], check=True, capture_output=True, text=True).stdout.split()
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert told[0][0] != told[0][1]
