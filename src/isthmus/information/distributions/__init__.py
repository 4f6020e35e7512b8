"""Quantities of numpyro distributions: a closed form where one is known, an exact sum over few values, or draws.

In come numpyro distributions, batches and wrappers included; out come Estimates of the shape of the batch.

    quantities        one function a verb: the closed form, or an estimate from draws
    closed_forms      entropies and divergences that are known, by dispatch on the pair
    cross_entropies, moments      the pairs that a few expectations give
    enumeration       exact sums over finitely many values
    monte_carlo       estimates from draws, with their variance
    normals           KL between normals, per dimension: the rate of a VAE
    structure         wrappers taken off: independent, expanded, masked, transformed
    supports          what is possible under what, and under which measure
"""
