"""One step of each conjugate model, row by row and word by word, from the textbooks' formulae in NumPy."""

import numpy as np
from scipy import stats
from scipy.special import digamma, gammaln, logsumexp, multigammaln


def normal_wishart_log_density(mean, precision, location, strength, degrees, scale):
    normal = stats.multivariate_normal(location, np.linalg.inv(strength * precision)).logpdf(mean)
    return normal + stats.wishart(degrees, np.linalg.inv(scale)).logpdf(precision)


def expected_normal_log_density(x, location, strength, degrees, scale):
    """E[log Normal(x | mean, precision)] under a normal-Wishart: Bishop 2006, (10.64) and (10.65)."""
    size = len(location)
    log_precision = sum(digamma((degrees - i) / 2) for i in range(size)) + size * np.log(2)
    log_precision -= np.linalg.slogdet(scale)[1]
    distance = (x - location) @ np.linalg.solve(scale, x - location)
    return 0.5 * (log_precision - size / strength - degrees * distance - size * np.log(2 * np.pi))


def mixture_step(rows, concentrations, components):
    """Responsibilities [row, component] and bounds [row] from the four parameters of each normal component."""
    log_weights = digamma(concentrations) - digamma(np.sum(concentrations))
    scores = np.array(
        [[w + expected_normal_log_density(x, *c) for w, c in zip(log_weights, components, strict=True)] for x in rows]
    )
    bounds = logsumexp(scores, axis=1)
    return np.exp(scores - bounds[:, None]), bounds


def topic_step(counts, topics, document_concentration, iterations):
    """Statistics [topic, word], bounds [document] and concentrations [document, topic] (Blei, Ng and Jordan 2003)."""
    log_words = digamma(topics) - digamma(topics.sum(axis=1, keepdims=True))
    statistics, bounds, local = np.zeros_like(topics), [], []
    for document in counts:
        gamma = np.full(len(topics), document_concentration + document.sum() / len(topics))
        for _ in range(iterations):
            phi = _assignments(gamma, log_words)
            gamma = document_concentration + phi @ document
        phi, log_topics = _assignments(gamma, log_words), digamma(gamma) - digamma(gamma.sum())
        bound = -_dirichlet_divergence(gamma, np.full(len(topics), document_concentration))
        for word, count in enumerate(document):
            for topic, p in enumerate(phi[:, word]):
                bound += count * p * (log_topics[topic] + log_words[topic, word] - np.log(p)) if p > 0 else 0.0
        statistics += phi * document
        bounds.append(bound)
        local.append(gamma)
    return statistics, np.array(bounds), np.array(local)


def regression_posterior(X, y, strength, concentration, rate):
    """Mean, precision, concentration, rate and log evidence: Murphy 2012, section 7.6.3."""
    prior = strength * np.eye(X.shape[1])
    precision = prior + X.T @ X
    mean = np.linalg.solve(precision, X.T @ y)
    a, b = concentration + len(y) / 2, rate + 0.5 * (y @ y - mean @ precision @ mean)
    evidence = 0.5 * (np.linalg.slogdet(prior)[1] - np.linalg.slogdet(precision)[1] - len(y) * np.log(2 * np.pi))
    evidence += concentration * np.log(rate) - a * np.log(b) + gammaln(a) - gammaln(concentration)
    return mean, precision, a, b, evidence


def scikit_learn_constant(rows, size, concentration, strength, degrees, scale):
    """What BayesianGaussianMixture's bound leaves out of the ELBO: the prior's normalisers, and the rows' 2 pi."""
    columns = rows.shape[1]
    wishart = -0.5 * degrees * np.linalg.slogdet(scale)[1] + 0.5 * degrees * columns * np.log(2)
    wishart += multigammaln(degrees / 2, columns) - 0.5 * columns * np.log(strength)
    weights = size * gammaln(concentration) - gammaln(size * concentration)
    # scikit-learn has the gammas of the Wishart's normaliser without pi's power.
    powers = size * columns * (columns - 1) / 4 * np.log(np.pi)
    return powers - size * wishart - weights - 0.5 * rows.size * np.log(2 * np.pi)


def _assignments(gamma, log_words):
    scores = (digamma(gamma) - digamma(gamma.sum()))[:, None] + log_words
    return np.exp(scores - logsumexp(scores, axis=0))


def _dirichlet_divergence(p, q):
    normaliser = gammaln(p.sum()) - gammaln(p).sum() - gammaln(q.sum()) + gammaln(q).sum()
    return normaliser + (p - q) @ (digamma(p) - digamma(p.sum()))
