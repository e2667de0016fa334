"""Experiments: what a variant of a page, an ad or a holdout brought against its control, and how sure."""

from attribution.experiments.chances import Setting
from attribution.experiments.experiment import Experiment, Rules, experiment
from attribution.experiments.planning import Plan, detectable, plan_of, power, sample_size

__all__ = [
    "Experiment",
    "Plan",
    "Rules",
    "Setting",
    "detectable",
    "experiment",
    "plan_of",
    "power",
    "sample_size",
]
