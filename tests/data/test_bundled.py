"""The bundled data sets are what their descriptions say."""

import dataclasses

import numpy as np
import pytest

from isthmus.data import bundled_names, inspect_columns, load_bundled, read_rows

SHAPES = {
    "digits": (1797, 64),
    "wine": (178, 13),
    "breast_cancer": (569, 30),
    "iris": (150, 4),
    "diabetes": (442, 10),
}


def test_every_bundled_name_is_tested():
    assert bundled_names().keys() == SHAPES.keys()


@pytest.mark.parametrize("name", SHAPES)
def test_a_bundled_set_is_whole(name):
    dataset = load_bundled(name)
    assert dataset.values.shape == SHAPES[name]
    assert dataset.source == name
    assert len(set(dataset.names)) == SHAPES[name][1]
    assert dataset.labels.shape == (SHAPES[name][0],)
    assert bundled_names()[name].startswith(f"{SHAPES[name][0]:,} ")
    inspect_columns(dataset.values, dataset.names)


@pytest.mark.parametrize("name", SHAPES)
def test_reading_a_name_is_loading_it(name):
    read, loaded = read_rows(name), load_bundled(name)
    for field in dataclasses.fields(loaded):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(loaded, field.name))


def test_digits_are_images_of_whole_grey_levels():
    digits = load_bundled("digits")
    seen = inspect_columns(digits.values, digits.names)
    assert digits.image_shape == (8, 8)
    assert seen.integer.all()
    assert (seen.minimum.min(), seen.maximum.max()) == (0, 16)
    assert {load_bundled(name).image_shape for name in SHAPES if name != "digits"} == {None}


def test_diabetes_is_in_its_own_units():
    diabetes = load_bundled("diabetes")
    age = diabetes.values[:, diabetes.names.index("age")]
    assert (age.min(), age.max()) == (19, 79)


def test_some_rows_of_a_set_keep_their_labels_and_names():
    iris = load_bundled("iris")
    index = np.array([149, 0, 75])
    some = iris.rows(index)
    np.testing.assert_array_equal(some.values, iris.values[index])
    np.testing.assert_array_equal(some.labels, iris.labels[index])
    assert (some.source, some.names, some.image_shape) == (iris.source, iris.names, iris.image_shape)
    assert dataclasses.replace(iris, labels=None).rows(index).labels is None


def test_changing_the_list_of_names_changes_nothing():
    bundled_names().clear()
    assert bundled_names()


@pytest.mark.parametrize("name", ["mnist", "", "Iris"])
def test_an_unknown_name_is_answered_by_the_known_ones(name):
    with pytest.raises(KeyError, match=f"no bundled data set is named '{name}'; there are digits, wine"):
        load_bundled(name)
