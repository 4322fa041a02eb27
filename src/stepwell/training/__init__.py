"""Experiments, the loop, steps, hooks, schedules, evaluation."""

from stepwell.training.evaluation import Evaluation, evaluate, predict
from stepwell.training.experiment import Experiment
from stepwell.training.fit import fit
from stepwell.training.minimise import Descent, minimise
from stepwell.training.training import Training

__all__ = ["Descent", "Evaluation", "Experiment", "Training", "evaluate", "fit", "minimise", "predict"]
