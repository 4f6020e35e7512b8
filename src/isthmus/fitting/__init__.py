"""From a model, a loss and rows to a fitted model.

In come an immutable module, a loss (a callable of model, rows, key and step) and a held-out score; out comes a `Fit`:
the best weights, the history and the verdict. What the loss means the loop does not know. Linear models need no loop:
their closed forms and EM are here too.

    loop          blocks of compiled steps, held-out scores, early stopping, best weights
    step          the compiled block of steps
    batches       which rows each step sees
    feeds         how they reach the devices: from memory, or from a stream
    streams       the stream of rows that stay on disk
    devices       the devices and processes that share the rows of each step
    progress      how far a fit has come
    checkpoint    the same on disk; a fit that goes on from there is the one that never stopped
    fingerprints  what tells it from others
    interruption  what SIGTERM and Ctrl-C do meanwhile
    moments, principal_components       what linear models need of rows, in closed form
    factor_analysis                     linear-Gaussian models of greatest likelihood, from moments
    expectation_maximisation            the same from rows with holes
    reconstruction      the loss of deterministic models
    gradient_components                 principal components by the loop, as the deep models are trained
"""

from isthmus.fitting.checkpoint import Checkpoint
from isthmus.fitting.devices import agreed
from isthmus.fitting.expectation_maximisation import expectation_maximisation
from isthmus.fitting.factor_analysis import LinearFit, factor_analysis, probabilistic_components
from isthmus.fitting.feeds import RowStream
from isthmus.fitting.gradient_components import gradient_components
from isthmus.fitting.interruption import FitInterrupted
from isthmus.fitting.loop import Fit, Precision, TrainingDiverged, TrainingSettings, train
from isthmus.fitting.moments import Moments, moments_of
from isthmus.fitting.principal_components import (
    PrincipalComponents,
    components_of_moments,
    principal_components,
    randomised_components,
)
from isthmus.fitting.progress import FitRecord
from isthmus.fitting.reconstruction import Noise, fit_reconstruction
from isthmus.fitting.step import ADAM, Loss
from isthmus.fitting.streams import StreamedRows, count_rows

__all__ = [
    "ADAM",
    "Checkpoint",
    "Fit",
    "FitInterrupted",
    "FitRecord",
    "LinearFit",
    "Loss",
    "Moments",
    "Noise",
    "Precision",
    "PrincipalComponents",
    "RowStream",
    "StreamedRows",
    "TrainingDiverged",
    "TrainingSettings",
    "agreed",
    "components_of_moments",
    "count_rows",
    "expectation_maximisation",
    "factor_analysis",
    "fit_reconstruction",
    "gradient_components",
    "moments_of",
    "principal_components",
    "probabilistic_components",
    "randomised_components",
    "train",
]
