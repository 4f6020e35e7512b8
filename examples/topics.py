"""Topics of documents by variational inference: all documents at a time, and by minibatches."""

import numpy as np

from isthmus.inference.conjugate import (
    LatentDirichletAllocation,
    coordinate_ascent,
    stochastic_natural_gradient,
)

SUBJECTS = [
    ["court", "judge", "law", "trial", "appeal"],
    ["gene", "cell", "protein", "tissue", "enzyme"],
    ["goal", "match", "league", "coach", "striker"],
]
WORDS = np.concatenate(SUBJECTS)

rng = np.random.default_rng(0)
topics = np.kron(np.eye(3), np.ones(5)) + 0.02
proportions = rng.dirichlet(np.full(3, 0.3), size=400)
counts = rng.multinomial(60, proportions @ (topics / topics.sum(axis=1, keepdims=True)))
training, held_out = counts[:300], counts[300:]

model = LatentDirichletAllocation(topics=3, words=len(WORDS))
fit = coordinate_ascent(model, training)
print(f"ELBO {fit.bound:.1f} nats after {len(fit.bounds)} iterations, converged: {fit.converged}")
for topic in fit.parameters:
    print("  ", " ".join(WORDS[np.argsort(-topic)[:5]]))

stochastic = stochastic_natural_gradient(model, training, batch_size=50, epochs=40)
for name, parameters in {"coordinate ascent": fit.parameters, "minibatches": stochastic.parameters}.items():
    bound = np.sum(model.document_bounds(parameters, held_out)) / np.sum(held_out)
    print(f"held-out bound, {name}: {bound:.4f} nats a word")
