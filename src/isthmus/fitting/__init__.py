"""From a model, a loss and rows to a fitted model.

In come an immutable module, a loss (a callable of model, rows, key and step) and a held-out score; out comes a `Fit`:
the best weights, the history and the verdict. What the loss means is not known here.

    loop       blocks of compiled steps, held-out scores, early stopping, best weights
    step       the compiled block of steps
    batches    which rows each step sees
"""

from isthmus.fitting.loop import Fit, FitRecord, TrainingDiverged, TrainingSettings, train
from isthmus.fitting.step import ADAM, Loss

__all__ = ["ADAM", "Fit", "FitRecord", "Loss", "TrainingDiverged", "TrainingSettings", "train"]
