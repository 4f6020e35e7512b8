"""JSON values have one spelling, and what has two meanings or none is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.storage import strict_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))

NOT_JSON = {
    "nothing": "",
    "NaN": '{"a":NaN}',
    "infinity": "[Infinity]",
    "minus infinity": "[-Infinity]",
    "overflow": "1e999",
    "minus overflow": '{"a":[-1e999]}',
    "repeated key": '{"a":1,"a":1}',
    "repeated key, nested": '[{"b":{"a":1,"c":2,"a":3}}]',
    "repeated key, spelt otherwise": '{"a":1,"\\u0061":2}',
    "trailing text": "{} {}",
    "trailing comma": "[1,]",
    "cut off": '{"a":[1,2',
    "comment": "[1] // one",
    "single quotes": "{'a':1}",
    "key without quotes": "{a:1}",
    "nested too deeply": "[" * 10**5 + "]" * 10**5,
    "digits without end": "9" * 10**4,
    "not UTF-8": b'"\xff"',
}
NOT_ENCODABLE = {
    "NaN": float("nan"),
    "infinity": {"a": [float("inf")]},
    "minus infinity": -float("inf"),
}


@settings(deadline=None, max_examples=100)
@given(value=VALUES)
def test_decoding_inverts_encoding(value):
    text = strict_json.encode(value)
    for spelling in (text, text.encode()):
        decoded = strict_json.decode(spelling)
        assert decoded == value
        assert strict_json.encode(decoded) == text


@settings(deadline=None, max_examples=50)
@given(value=st.dictionaries(TEXT, SCALARS, max_size=6), random=st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_show(value, random):
    items = list(value.items())
    random.shuffle(items)
    assert strict_json.encode(dict(items)) == strict_json.encode(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.0, True, None]}, '{"a":[1.0,true,null],"b":1}'),
        ("é\n", '"é\\n"'),
        ((1, 2), "[1,2]"),
        (-0.0, "-0.0"),
        (1e300, "1e+300"),
    ],
)
def test_the_spelling(value, text):
    assert strict_json.encode(value) == text


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_refused(name):
    with pytest.raises(ValueError):  # noqa: PT011
        strict_json.decode(NOT_JSON[name])


@pytest.mark.parametrize("name", NOT_ENCODABLE)
def test_what_json_lacks_is_not_written(name):
    with pytest.raises(ValueError, match="JSON"):
        strict_json.encode(NOT_ENCODABLE[name])
