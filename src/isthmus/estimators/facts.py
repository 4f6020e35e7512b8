"""What a fit saw besides, as a model file holds it: checked on loading, because scoring and reports rely on it."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isthmus.estimators.parts import CorruptionSetting


class _Facts(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")


class ProjectionFacts(_Facts):
    """Of LinearAutoencoder."""

    count: float
    total_variance: Annotated[float, Field(ge=0)]
    explained_variance: list[float]
    whitened: bool


class StepFacts(_Facts):
    """Of ProbabilisticPCA and FactorAnalysis."""

    steps: int
    converged: bool
    with_holes: bool


class DrawFacts(_Facts):
    """Of VAE."""

    draws: Annotated[int, Field(gt=0)]


class CorruptionFacts(_Facts):
    """Of Autoencoder and DenoisingAutoencoder."""

    corruption: CorruptionSetting
    noise_spread: list[float] | None


_FACTS: dict[str, type[_Facts]] = {
    "LinearAutoencoder": ProjectionFacts,
    "ProbabilisticPCA": StepFacts,
    "FactorAnalysis": StepFacts,
    "VAE": DrawFacts,
    "Autoencoder": CorruptionFacts,
    "DenoisingAutoencoder": CorruptionFacts,
}


def checked_facts(estimator: str, facts: Any) -> dict[str, Any]:
    """The facts of a model file, as they stand there; ValueError where they are not those of the estimator."""
    try:
        _FACTS[estimator].model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"fact {'.'.join(map(str, first['loc']))[:80]!r}: {first['msg']}") from None
    return dict(facts)


def checked_threshold(threshold: Any) -> float:
    """A finite number; ValueError for anything else."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
        raise ValueError("the threshold is no finite number")
    return float(threshold)
