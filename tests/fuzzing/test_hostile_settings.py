"""Settings of any type and size are taken or refused by one ValueError of one line, before any memory is asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import VAE, Autoencoder
from isthmus.cli.errors import WrongCall
from isthmus.cli.fitting import model_arguments
from isthmus.estimators import COMMAND_LINE_NAMES

NAMES = sorted({name for kind in COMMAND_LINE_NAMES.values() for name in kind.configuration_type.model_fields})
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-(10**5000), 10**5000) | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
TOO_LARGE = {
    "n_components": 10**9,
    "hidden_sizes": (10**9,),
    "batch_size": 10**12,
    "max_epochs": 10**12,
    "image_shape": (10**9, 10**9),
    "random_state": 2**32,
    "patience": 10**30,
    "maximum": 10**9,
}
TEXTS = st.one_of(
    st.text(),
    st.tuples(
        st.sampled_from(NAMES), st.sampled_from(["1e999", "nan", "[" * 3000, "9" * 5000, "-1", "{a=1}", "'x'"])
    ).map(" = ".join),
)


def refusal(kind, function, *arguments):
    """The message of an error of this very kind; None without one. Any other error passes through."""
    try:
        function(*arguments)
    except kind as error:
        if type(error) is not kind:
            raise
        return str(error)


@pytest.mark.parametrize("model", COMMAND_LINE_NAMES)
@settings(deadline=None, max_examples=60, derandomize=True)
@given(arguments=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), VALUES, max_size=4))
def test_arguments_are_taken_or_refused(model, arguments):
    told = refusal(ValueError, COMMAND_LINE_NAMES[model].configuration_type.checked, arguments)
    assert told is None or 0 < len(told) < 1000


@settings(deadline=None, max_examples=200, derandomize=True)
@given(text=TEXTS)
def test_a_configuration_file_is_taken_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("settings") / "settings.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert refusal(WrongCall, model_arguments, "vae", {}, path) != ""


@pytest.mark.parametrize("name", TOO_LARGE)
def test_sizes_beyond_any_memory_are_refused(name):
    with pytest.raises(ValueError, match=name):
        COMMAND_LINE_NAMES["autoencoder"].configuration_type.checked({name: TOO_LARGE[name]})


def test_more_layers_than_can_be_traced_are_refused():
    with pytest.raises(ValueError, match="hidden_sizes"):
        COMMAND_LINE_NAMES["vae"].configuration_type.checked({"hidden_sizes": (4,) * 1000})


@pytest.mark.parametrize("estimator", [VAE, Autoencoder])
def test_networks_beyond_the_machines_memory_are_refused_before_they_are_made(estimator):
    with pytest.raises(ValueError, match=r"take .* GiB in training, and this process has .* pass smaller sizes"):
        estimator(2, hidden_sizes=(10**6, 10**6)).fit(np.random.default_rng(0).normal(size=(20, 3)))
