"""How far a flow network in training is: its errors on pairs that are held out."""

import numpy as np
import torch
from torch import Tensor

from hmrm.flow.gru_aofe.network import GruAofe
from hmrm.flow.gru_aofe.weights import FlowErrors
from hmrm.flow.raft.network import Raft
from hmrm.training.flow.batches import Batch

FlowNetwork = GruAofe | Raft

_BINS_PX = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)


@torch.inference_mode()
def validate(network: FlowNetwork, batches: list[Batch]) -> FlowErrors:
    """Mean end-point error of all pixels and by true motion, alongside that of zero flow."""
    device = next(network.parameters()).device
    errors, motions, static = [], [], []
    for batch in batches:
        found = network(batch.onset.to(device), batch.apex.to(device))[-1].flow.cpu()
        known = batch.flow.isfinite().all(dim=1)
        error = (found - batch.flow).norm(dim=1)[known]
        motion = batch.flow.norm(dim=1)[known]
        errors.append(error)
        motions.append(motion)
        if not motion.any():
            static.append(float(error.mean()))
    error, motion = torch.cat(errors), torch.cat(motions)
    bins = torch.bucketize(motion, torch.tensor(_BINS_PX[1:]))
    by_motion = {
        f"{low:g}": (_rounded(error[bins == i].mean()), _rounded(motion[bins == i].mean()))
        for i, low in enumerate(_BINS_PX)
        if (bins == i).any()
    }
    return FlowErrors(
        epe_px=_rounded(error.mean()),
        zero_epe_px=_rounded(motion.mean()),
        static_px=_rounded(float(np.mean(static)) if static else 0.0),
        by_motion=by_motion,
    )


def _rounded(value: Tensor | float) -> float:
    return round(float(value), 5)
