"""Small objects among the arguments, as JSON and back: kinds of noise, levels of it, sparsity. A closed list of names,
so that a model file can only name what is written here."""

import dataclasses
import math
from numbers import Real
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from isthmus.models import (
    L1,
    Annealed,
    Constant,
    Corruption,
    FeatureSwap,
    GaussianNoise,
    Level,
    LogUniform,
    Masking,
    SaltAndPepper,
    Sparsity,
    TopK,
    Uniform,
)

_CORRUPTIONS = {"gaussian": GaussianNoise, "masking": Masking, "salt_and_pepper": SaltAndPepper, "swap": FeatureSwap}
_LEVELS = {"constant": Constant, "uniform": Uniform, "log_uniform": LogUniform, "annealed": Annealed}
_SPARSITIES = {"l1": L1, "top_k": TopK}
_SHARES = (Masking, SaltAndPepper, FeatureSwap)


def as_corruption(value: Any) -> Corruption | None:
    """A Corruption, its name, or {"kind": name, "level": number or {"kind": ..., ...}}; ValueError for all else."""
    found = _made(value, _CORRUPTIONS, "a corruption")
    if found is None:
        return None
    level = _made(found.level, _LEVELS, "a level") if isinstance(found.level, dict) else found.level
    numbers = list(vars(level).values()) if isinstance(level, Level) else [level]
    largest = 1.0 if isinstance(found, _SHARES) else math.inf
    least = 0.0 if not isinstance(level, LogUniform) else math.ulp(0.0)
    in_order = not isinstance(level, Uniform | LogUniform) or level.low <= level.high
    if not (all(_is_number(number) and least <= number <= largest for number in numbers) and in_order):
        what = "a share from 0 to 1" if largest == 1 else "spreads from 0"
        raise ValueError(f"the level of {type(found).__name__} is {found.level!r}; expected {what}, or a Level of such")
    plain = type(level)(*map(float, numbers)) if isinstance(level, Level) else float(level)
    return type(found)(plain)


def as_sparsity(value: Any) -> Sparsity | None:
    """L1, TopK, or {"kind": "l1", "weight": ...}, {"kind": "top_k", "kept": ...}; ValueError for all else."""
    found = _made(value, _SPARSITIES, "a sparsity")
    if isinstance(found, L1):
        if not (_is_number(found.weight) and found.weight >= 0):
            raise ValueError(f"the weight of L1 is {found.weight!r}; expected a number from 0")
        return L1(float(found.weight))
    if isinstance(found, TopK):
        if not (_is_number(found.kept) and found.kept >= 1 and found.kept == int(found.kept)):
            raise ValueError(f"kept of TopK is {found.kept!r}; expected a whole number above 0")
        return TopK(int(found.kept))
    return None


def as_record(value: Any) -> Any:
    """What `as_corruption` and `as_sparsity` read."""
    names = {kind: name for kinds in (_CORRUPTIONS, _LEVELS, _SPARSITIES) for name, kind in kinds.items()}
    if type(value) not in names:
        return value
    fields = {field.name: as_record(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return {"kind": names[type(value)], **fields}


def _made(value: Any, kinds: dict[str, type], what: str) -> Any:
    if value is None or isinstance(value, tuple(kinds.values())):
        return value
    record = {"kind": value} if isinstance(value, str) else value
    kind = record.get("kind") if isinstance(record, dict) else None
    if isinstance(record, dict) and isinstance(kind, str) and kind in kinds:
        try:
            return kinds[kind](**{name: item for name, item in record.items() if name != "kind"})
        except TypeError as error:
            raise ValueError(f"{record} is not {what}: {error}") from None
    raise ValueError(f"{value!r} is not {what}; expected one of {', '.join(k.__name__ for k in kinds.values())}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


CorruptionSetting = Annotated[Any, PlainValidator(as_corruption), PlainSerializer(as_record, when_used="json")]
SparsitySetting = Annotated[Any, PlainValidator(as_sparsity), PlainSerializer(as_record, when_used="json")]
