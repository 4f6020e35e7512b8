"""What autoencoders without a prior, plain and denoising, have in common."""

import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self, final

import jax
import numpy as np

from isthmus.data import Dataset, RowSource
from isthmus.estimators.anomalies import outlier_threshold
from isthmus.estimators.assumptions import network_assumptions
from isthmus.estimators.autoencoder_training import TrainedAutoencoder, assemble, train_autoencoder
from isthmus.estimators.baselines import make_baselines
from isthmus.estimators.configuration import AutoencoderConfiguration
from isthmus.estimators.fitted import Fitted
from isthmus.estimators.inspection import Inspected
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.network import NetworkEstimator
from isthmus.estimators.parts import as_record
from isthmus.estimators.stream_inspection import inspect
from isthmus.evidence import Ledger, diagnose_copying, make_reconstruction_ledger
from isthmus.fitting import Checkpoint, FitRecord
from isthmus.inference import log_likelihood_at_code
from isthmus.models import Architecture, Corruption, Ends, Observation

MOST_JUDGED = 1000


class DeterministicEstimator(NetworkEstimator):
    """What plain and denoising autoencoders have in common."""

    configuration_type: ClassVar[type[AutoencoderConfiguration]]

    @abstractmethod
    def _corruption(self, configuration: Any, seen: Inspected) -> Corruption | None:
        """What is done to rows in training."""

    @final
    def fit(
        self,
        X,
        y=None,
        *,
        on_record: Callable[[FitRecord], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit to rows X; y is ignored. on_record is told of every look at held-out rows; checkpoint keeps the state.

        Warns of a fit that is a copy. Raises ValueError for rows or arguments that cannot be used, TrainingDiverged
        where gradients stay non-finite.
        """
        configuration = self.configuration_type.checked(self.get_params(deep=False))
        seen = inspect(self, X, configuration)
        corruption = self._corruption(configuration, seen)
        shape = X.image_shape if isinstance(X, Dataset | RowSource) else None
        trained = train_autoencoder(seen, configuration, corruption, shape, on_record, checkpoint)
        model = trained.fit.model
        threshold = outlier_threshold(
            lambda rows: log_likelihood_at_code(model, rows)[0], seen.training, configuration.contamination
        )
        self._keep(
            Fitted(
                configuration,
                seen.rows,
                trained.architecture,
                model,
                make_baselines(seen, trained.architecture),
                threshold,
                seen.calibration,
                _facts(trained, seen, corruption),
            )
        )
        self.history_ = trained.fit.history
        self._warn_of_a_copy(trained.judged)
        return self

    def _scores(self, rows: Any) -> np.ndarray:
        return log_likelihood_at_code(self.model_, rows)[0]

    def _column_scores(self, rows: Any) -> np.ndarray:
        found = log_likelihood_at_code(self.model_, rows)[1]
        assert found is not None
        return found

    def _account(self, rows: Any, draws: int, gaps: bool = False) -> Ledger:
        return make_reconstruction_ledger(self.model_, rows, self._fitted.baseline.independent, **self._ledger_units())

    def _assumptions(self) -> dict[str, Any]:
        configuration: Any = self._fitted.configuration
        return network_assumptions(
            self._fitted,
            prior=None,
            dropout=configuration.dropout,
            weight_decay=configuration.weight_decay,
            sparsity=as_record(configuration.sparsity),
            corruption=self._fitted.facts["corruption"],
        )

    @classmethod
    def _blank(cls, ends: Ends, architecture: Architecture, configuration: Any, modules: dict[str, Any]) -> Any:
        return assemble(ends, architecture, jax.random.key(0), configuration)

    def _warn_of_a_copy(self, judged: Any) -> None:
        columns = len(self.column_names_)
        if self.n_components_ < columns or isinstance(judged, Observation):
            return
        told = diagnose_copying(self._account(judged[:MOST_JUDGED], 0).entries, self.n_components_, columns)
        if told:
            warnings.warn(" ".join(told), UserWarning, stacklevel=3)


def _facts(trained: TrainedAutoencoder, seen: Inspected, corruption: Corruption | None) -> dict[str, Any]:
    spread = None
    if trained.noise is not None and isinstance(seen.rows, MatrixRows):
        spread = (np.asarray(trained.noise.units.spread.array, np.float64) * seen.rows.scale).tolist()
    return {"corruption": as_record(corruption), "noise_spread": spread}
