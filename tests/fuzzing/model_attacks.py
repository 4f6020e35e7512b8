"""One mutated model file, and what became of it."""

import warnings
from pathlib import Path

import numpy as np
from byte_mutations import mutated
from model_seeds import SEEDS, model_file, model_record
from record_mutations import mutated_record
from refusals import require_memory_sufficed

import isthmus
from isthmus.storage import ModelFileError, write_model_file


def damage(path: Path, number: int, seeds: tuple[str, ...] = SEEDS) -> tuple[str, bytes]:
    """Write the file of this number: a seed with its bytes mutated; (what was done, the bytes before)."""
    generator = np.random.default_rng([1, number])
    seed = seeds[number % len(seeds)]
    original = model_file(seed)
    done, content = mutated(original, generator)
    path.write_bytes(content)
    return f"{seed} {done}", original


def forge(path: Path, number: int, seeds: tuple[str, ...] = SEEDS) -> str:
    """Write the file of this number: a seed with its content mutated under a checksum that fits; what was done."""
    generator = np.random.default_rng([2, number])
    seed = seeds[number % len(seeds)]
    done, (arrays, metadata) = mutated_record(model_record(seed), generator)
    try:
        write_model_file(path, arrays, metadata)
    except ValueError:
        path.write_bytes(b"")  # what our own writer refuses cannot be under a right checksum
    return f"{seed} {done}"


def outcome_of_damage(path: Path, original: bytes) -> str:
    """ "refused" or "equal"; "ALTERED" where other bytes than the original's were taken for a model."""
    try:
        isthmus.load(path)
    except ModelFileError as refusal:
        require_memory_sufficed(refusal)
        return "refused"
    return "equal" if path.read_bytes() == original else "ALTERED"


def load_forged(path: Path):
    """The estimator, or None where the file was refused."""
    try:
        return isthmus.load(path)
    except ModelFileError as refusal:
        require_memory_sufficed(refusal)
        return None


def use(estimator) -> str:
    """Put a loaded estimator to work; "usable", or an exception where it is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count = estimator.n_features_in_
        rows = np.ones((2, count))
        if estimator.is_table_:
            rows = estimator.schema_.decode(np.zeros((2, len(estimator.column_names_))))
        latents = estimator.transform(rows)
        assert latents.shape == (2, estimator.n_components_)
        assert estimator.score_samples(rows).shape == (2,)
        estimator.reconstruct(rows)
        assert isinstance(estimator.assumptions_, dict)
        repr(estimator)
    return "usable"
