"""Graphical models in: a three-method model, a numpyro model, or a prior with a log-likelihood, each as a log joint.

log_joint       log p(x, z) as a function of one real vector
numpyro_model   the same of a model written in numpyro
data            its rows: arrays of numbers
problem         from whatever a user calls a model to a log joint and its data, checked
"""

from isthmus.inference.graphical.log_joint import LogJoint
from isthmus.inference.graphical.problem import Problem, as_problem, log_joint

__all__ = ["LogJoint", "Problem", "as_problem", "log_joint"]
