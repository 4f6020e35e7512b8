"""What a fitted model's figures rest on, as plain values."""

from typing import Any

from isthmus.estimators.configuration import NetworkConfiguration
from isthmus.estimators.fitted import Fitted
from isthmus.estimators.training import DRAWS_WITH_HOLES, FEWEST_EPOCHS, MOST_STEPS, STEP_BUDGET

_AUTOMATIC = {
    "likelihood": "by the columns' values",
    "n_components": "half of the columns, at most 32: dimensions without use fall silent",
    "hidden_sizes": "two layers, twice as wide as the columns, within bounds",
    "draws": f"{DRAWS_WITH_HOLES} where values are missing, else 1",
    "max_epochs": f"about {STEP_BUDGET:,} steps, at least {FEWEST_EPOCHS} epochs, at most {MOST_STEPS:,} steps",
    "corruption": "values swapped between rows in tables, hidden in all else",
}
"""What is chosen where the argument is left out, and how."""


def network_assumptions(fitted: Fitted, **more: Any) -> dict[str, Any]:
    """The likelihood and why it was chosen, its measure, the sizes, the training, and what one estimator adds."""
    configuration: Any = fitted.configuration
    assert isinstance(configuration, NetworkConfiguration)
    return {
        **fitted.rows.assumptions(),
        "measure": fitted.model.family.measure,
        "n_components": fitted.architecture.latent_size,
        "network": fitted.architecture.network,
        "hidden_sizes": list(fitted.architecture.hidden_sizes),
        "activation": fitted.architecture.activation,
        **more,
        "max_epochs": configuration.max_epochs,
        "batch_size": configuration.batch_size,
        "learning_rate": configuration.learning_rate,
        "random_state": configuration.random_state,
        "automatic": {
            name: reason for name, reason in _AUTOMATIC.items() if getattr(configuration, name, "") in (None, "auto")
        },
    }
