"""A small table of every kind of column, with holes, in which one latent number holds the columns together."""

import numpy as np
import pandas as pd


def mixed_frame(rows: int, holes: float = 0.15, seed: int = 0) -> pd.DataFrame:
    """A frame of `rows` rows; a share of `holes` of the values is missing, but for the identifier's."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=rows)
    frame = pd.DataFrame(
        {
            "person": [f"p{i}" for i in range(rows)],
            "height": np.round(170 + 8 * common + rng.normal(size=rows), 1),
            "income": np.round(np.exp(10 + common + 0.5 * rng.normal(size=rows)), 2),
            "visits": rng.negative_binomial(2, 1 / (1 + np.exp(common))),
            "smoker": np.where(common + rng.normal(size=rows) > 0, "yes", "no"),
            "town": np.array(["Bern", "Oslo", "Rome"])[np.clip((common + 1.5).astype(int), 0, 2)],
            "grade": np.clip(np.round(common + 3), 1, 5),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.round(50 * common), unit="D"),
        }
    )
    for name in frame.columns[1:]:
        frame.loc[rng.random(rows) < holes, name] = None
    return frame
