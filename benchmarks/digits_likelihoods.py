"""Held-out log p(x) of the bundled digits under the two likelihoods for bounded integers, at the same settings.

    python benchmarks/digits_likelihoods.py

It is why `auto` takes the discretised logistic for integers with a known maximum.
"""

import numpy as np
from sklearn.datasets import load_digits

from isthmus import VAE


def main() -> None:
    X = load_digits().data
    order = np.random.default_rng(0).permutation(len(X))
    training, test = X[order[360:]], X[order[:360]]
    for likelihood in ("binomial", "discretised_logistic"):
        ledger = VAE(likelihood=likelihood, maximum=16).fit(training).ledger(test)
        print(f"{likelihood:<22}{ledger['log_likelihood_lower']}")


if __name__ == "__main__":
    main()
