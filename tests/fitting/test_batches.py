"""The stream of batches: every row equally often, made again from any step on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.fitting.batches import batch_indices, next_power_of_two, pad_rows


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(1, 40), batch_size=st.integers(1, 50), epochs=st.integers(1, 4))
def test_each_epoch_holds_every_row_once(rows, batch_size, epochs):
    steps = -(-rows * epochs // batch_size)
    stream = batch_indices(3, rows, batch_size, 0, steps).ravel()[: rows * epochs]
    for epoch in stream.reshape(epochs, rows):
        assert sorted(epoch) == list(range(rows))


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(1, 40), batch_size=st.integers(1, 50), first=st.integers(0, 30), steps=st.integers(1, 10))
def test_a_block_can_be_made_again_from_its_first_step(rows, batch_size, first, steps):
    whole = batch_indices(3, rows, batch_size, 0, first + steps)
    np.testing.assert_array_equal(batch_indices(3, rows, batch_size, first, steps), whole[first:])


def test_seeds_and_epochs_differ():
    one, other = (batch_indices(seed, 100, 100, 0, 2) for seed in (0, 1))
    assert not np.array_equal(one[0], one[1])
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize(("number", "power"), [(1, 1), (2, 2), (3, 4), (64, 64), (65, 128)])
def test_rows_are_padded_to_a_power_of_two(number, power):
    assert next_power_of_two(number) == power
    assert pad_rows({"x": np.ones((number, 3))})["x"].shape == (power, 3)
