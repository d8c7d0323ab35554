"""A run's summary as a test needs it: every field there, the interesting ones chosen."""

from hmrm.clip import CLASSES
from hmrm.evaluation.results import Estimate, PartScores, RunSummary
from hmrm.evaluation.settings import Plan
from hmrm.evaluation.statistics import Chance
from hmrm.provenance import make_stamp


def estimate(mean=0.5, low=0.4):
    chance = Chance(majority=0.2, uniform=0.3, permuted=0.3, permuted_high=0.35)
    return Estimate(
        mean=mean,
        sd=None,
        count=1,
        by_seed=(mean,),
        low=low,
        high=0.9,
        bootstrap_sd=0.1,
        chance=chance,
    )


def part(uf1):
    return PartScores(
        clips=4,
        subjects=4,
        uf1=uf1,
        uar=estimate(),
        accuracy=estimate(),
        f1_by_class=(0.5,) * 3,
        recall_by_class=(0.5,) * 3,
        precision_by_class=(0.5,) * 3,
        confusion=((2, 0, 0), (0, 1, 0), (0, 0, 1)),
    )


def summary(*, uf1=None, plan=None, **changes):
    given = {
        "model": "toy",
        "selection": "fixed",
        "selection_words": "no epochs to choose",
        "folds": "loso",
        "fold_count": 4,
        "seeds": (0,),
        "classes": CLASSES,
        "clips": 4,
        "subjects": 4,
        "skipped": (),
        "epochs": None,
        "transductive": False,
        "warnings": (),
        "leaks": (),
        "scores": {"composite": part(uf1 or estimate())},
        "config": (plan or Plan(model="toy")).tables,
        "provenance": make_stamp(),
    }
    return RunSummary(**{**given, **changes})
