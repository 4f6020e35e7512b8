"""A variational autoencoder of one's own: three methods, and everything else follows."""

import equinox as eqx
import jax
import jax.numpy as jnp
from numpyro.distributions import BinomialLogits, Normal
from sklearn.datasets import load_digits

import isthmus
from isthmus.evidence import elbo, importance_weighted_bound


class MyVAE(isthmus.ProbabilisticModel):
    encoder: eqx.nn.MLP
    decoder: eqx.nn.MLP

    def __init__(self, key, columns=64, latent=8):
        one, two = jax.random.split(key)
        self.encoder = eqx.nn.MLP(columns, 2 * latent, width_size=64, depth=2, key=one)
        self.decoder = eqx.nn.MLP(latent, columns, width_size=64, depth=2, key=two)

    def prior(self, c=None):
        return Normal(jnp.zeros(8), 1.0).to_event(1)

    def likelihood(self, z, c=None, *, key=None):
        return BinomialLogits(self.decoder(z), total_count=16).to_event(1)

    def posterior(self, x, c=None, *, key=None):
        mean, log_scale = jnp.split(self.encoder(x / 16), 2)
        return Normal(mean, jnp.exp(log_scale)).to_event(1)


X = load_digits().data.astype("float32")
result = isthmus.fit(MyVAE(jax.random.key(0)), X[:1500], epochs=100)
print(result.verdict, "after step", result.history[-1].step)
print("ELBO     ", elbo(result.model, X[1500:]))
print("log p(x) ", importance_weighted_bound(result.model, X[1500:], k=500))
