"""Both remedies for an intractable posterior, held to what is known of it.

    python benchmarks/posteriors.py [--parts recovery calibration models images] [--datasets N] [--out FILE]

recovery: a linear regression whose posterior and evidence have closed forms, by every method and family.
calibration: ranks of the parameters that made simulated data among NUTS draws given these, which are uniform where the
    sampler is right (Talts et al. 2018, Validating Bayesian inference algorithms with simulation-based calibration);
    three models, chi-squared over 20 bins.
models: eight schools, a logistic regression and hierarchical counts, as numpyro writes them, through both remedies.
images: the posteriors of 1,000 digits under a VAE, by one call.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpyro import handlers
from records import HERE, table
from scipy.stats import chisquare
from sklearn.datasets import load_digits, load_wine

import isthmus
from isthmus.inference import Posterior, fit_posterior, sample_posterior

sys.path.insert(0, str(HERE.parent / "tests"))
import graphical_models as known

BINS = 20
PARTS = ("recovery", "calibration", "models", "images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--datasets", type=int, default=300, help="simulated for each model of the calibration")
    parser.add_argument("--out", type=Path, help="the figures, as JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    run: dict[str, Callable[[], Any]] = {
        "recovery": recovery,
        "calibration": lambda: calibration(arguments.datasets),
        "models": models,
        "images": images,
    }
    results = {part: run[part]() for part in arguments.parts}
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n")


def recovery() -> list[dict[str, Any]]:
    """Every method against the closed forms."""
    case = known.regression()
    methods: dict[str, Callable[[], Posterior]] = {
        "NUTS": lambda: sample_posterior(case.model, case.data),
        "HMC": lambda: sample_posterior(case.model, case.data, method="hmc"),
        **{
            f"{family}, {objective}": lambda family=family, objective=objective: fit_posterior(
                case.model, case.data, family=family, objective=objective, draws=4000
            )
            for family in ("mean_field", "full_covariance", "low_rank", "flow")
            for objective in ("reverse_kl", "forward_kl", "renyi", "importance_weighted")
        },
    }
    rows = [{"method": name, **_recovered(method(), case)} for name, method in methods.items()]
    header = ["method", "means off, in standard errors", "variance over exact", "ELBO", "evidence", "Pareto k"]
    print(f"exact evidence {case.log_evidence[0]:.4f} nats\n")
    print(table(header, [[row["method"], *(row[name] for name in ("means", "variances", *BOUNDS))] for row in rows]))
    return rows


BOUNDS = ("elbo", "evidence", "pareto_k")


def _recovered(posterior: Posterior, case: Any) -> dict[str, Any]:
    u = posterior.unconstrained.reshape(-1, posterior.unconstrained.shape[-1])
    size = posterior.diagnostics.effective_sample_size if posterior.elbo is None else len(u)
    variances = np.diag(case.covariance)
    ratios = u.var(0) / variances
    off = np.abs(u.mean(0) - case.mean[0]) / np.sqrt(variances / np.minimum(size, len(u)))
    return {
        "means": f"{off.max():.1f}",
        "variances": f"{ratios.min():.3f} to {ratios.max():.3f}",
        "elbo": "" if posterior.elbo is None else f"{float(posterior.elbo):.4f}",
        "evidence": _evidence(posterior),
        "pareto_k": f"{float(posterior.diagnostics.pareto_k):.2f}",  # type: ignore[arg-type]
    }


def _evidence(posterior: Posterior) -> str:
    if posterior.evidence is None:
        return "none quoted"
    return f"{float(posterior.evidence):.3f} ± {float(posterior.evidence.stderr):.3f}"  # type: ignore[arg-type]


def problems() -> dict[str, tuple[Any, dict[str, Any], str]]:
    """{name: (numpyro model, its arguments without data, the argument that the data are)}"""
    generator = np.random.default_rng(0)
    group = np.arange(40) % 8
    wine = load_wine()
    first = (wine.data[:130] - wine.data[:130].mean(0)) / wine.data[:130].std(0)
    return {
        "eight schools": (known.eight_schools, {"schools": 8, "errors": known.ERRORS}, "effects"),
        "logistic regression": (known.logistic_regression, {"X": first[:, :6]}, "labels"),
        "hierarchical counts": (
            known.hierarchical_counts,
            {"group": group, "exposure": generator.uniform(0.5, 2.0, 40), "groups": 8},
            "counts",
        ),
    }


def calibration(datasets: int) -> dict[str, Any]:
    """{model: {parameter: p-value}} of uniform ranks."""
    found = {}
    for name, (model, arguments, data) in problems().items():
        began = time.perf_counter()
        truths, simulated = _simulate(model, arguments, datasets, seed=0)
        rows = {key: _repeated(value, datasets) for key, value in arguments.items()} | {data: simulated[data]}
        posterior = sample_posterior(model, rows, each_row=True, chains=1, draws=990, warm_up=500, seed=1)
        found[name] = {site: _uniformity(truths[site], posterior.samples[site][:, 0, ::10]) for site in truths}
        lowest = {site: min(p) for site, p in found[name].items()}
        shown = ", ".join(f"{site} {p:.3f}" for site, p in lowest.items())
        print(f"{name}: least p over each site's entries: {shown} ({time.perf_counter() - began:.0f} s)", flush=True)
    return found


def _simulate(model: Any, arguments: dict[str, Any], datasets: int, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    def draw(key):
        trace = handlers.trace(handlers.seed(model, key)).get_trace(**arguments)
        return {name: site["value"] for name, site in trace.items() if site["type"] == "sample"}

    with jax.enable_x64(True):
        sites = jax.device_get(jax.vmap(draw)(jax.random.split(jax.random.key(seed), datasets)))
    observed = {"effects", "labels", "counts"}
    return (
        {name: value for name, value in sites.items() if name not in observed},
        {name: value for name, value in sites.items() if name in observed},
    )


def _repeated(value: Any, times: int) -> Any:
    return np.repeat(np.asarray(value)[None], times, axis=0) if isinstance(value, np.ndarray) else value


def _uniformity(truth: np.ndarray, draws: np.ndarray) -> list[float]:
    """The p-value of uniform ranks of each entry of a site; draws [data set, draw, ...] nearly independent."""
    ranks = (draws < truth[:, None]).sum(1).reshape(len(truth), -1)
    counts = [np.bincount(column * BINS // (draws.shape[1] + 1), minlength=BINS) for column in ranks.T]
    return [float(chisquare(one).pvalue) for one in counts]


def models() -> dict[str, Any]:
    """Each famous model through both remedies."""
    found, rows = {}, []
    labels = (load_wine().target[:130] == 0).astype(np.int32)
    for name, (model, arguments, data) in problems().items():
        if name == "eight schools":
            values = known.EFFECTS
        elif name == "logistic regression":
            values = labels
        else:
            values = _simulate(model, arguments, 1, seed=5)[1]["counts"][0]
        given = {**arguments, data: values}
        sampled = sample_posterior(model, given)
        fitted, bent = (fit_posterior(model, given, family=f, draws=4000) for f in ("full_covariance", "flow"))
        u = [p.unconstrained.reshape(-1, p.unconstrained.shape[-1]) for p in (sampled, fitted)]
        apart = np.abs(u[0].mean(0) - u[1].mean(0)) / u[0].std(0)
        scales = u[1].std(0) / u[0].std(0)
        cells = [
            f"{np.max(sampled.diagnostics.r_hat):.3f}",
            f"{np.min(sampled.diagnostics.effective_sample_size):.0f}",
            _evidence(sampled),
            f"{float(fitted.elbo):.2f}",  # type: ignore[arg-type]
            _evidence(fitted),
            f"{float(bent.elbo):.2f}",  # type: ignore[arg-type]
            _evidence(bent),
            f"{apart.max():.2f}",
            f"{scales.min():.2f} to {scales.max():.2f}",
        ]
        rows.append([name, *cells])
        found[name] = {"r_hat": float(np.max(sampled.diagnostics.r_hat)), "cells": cells}  # type: ignore[arg-type]
    header = ["model", "R-hat", "least effective size", "evidence, chains", "ELBO, normal q", "evidence, normal q"]
    header += ["ELBO, flow", "evidence, flow", "normal's means off, in deviations", "its scales over those of chains"]
    print(table(header, rows))
    return found


def images(count: int = 1000) -> dict[str, Any]:
    """NUTS on the posteriors of `count` digits at once."""
    rows = load_digits().data
    model = isthmus.VAE(8, hidden_sizes=(64,), random_state=0).fit(rows)
    seen = model.model_, rows[:count].astype(np.float32)
    began = time.perf_counter()
    posterior = sample_posterior(*seen, chains=2, draws=250, warm_up=250)
    seconds = time.perf_counter() - began
    assert posterior.diagnostics.r_hat is not None
    mixed = float(np.mean(posterior.diagnostics.r_hat.max(1) < 1.05))
    found = {"images": count, "seconds": seconds, "share_mixed": mixed}
    print(f"{count} images, 2 chains of 250 + 250 moves each: {seconds:.0f} s; R-hat below 1.05 in {mixed:.1%}")
    return found


if __name__ == "__main__":
    main()
