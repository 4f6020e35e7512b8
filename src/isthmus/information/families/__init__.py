"""Exponential families in natural and mean coordinates; all identities derived once from the log-normaliser."""

from isthmus.information.families.family import ExponentialFamily

__all__ = ["ExponentialFamily"]
