"""Exports weights for installations without torch, and proves each file before it is written.

A graph is described again (`hmrm_graph`, `mtcnn_graphs`), so it is only written once OpenCV's
answers are those of torch.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmrm import atomic, provenance
from hmrm.deploy.hmrm_graph import Patches, hmrm_graph, source_maps, unsupported
from hmrm.deploy.mtcnn_graphs import mtcnn_graphs
from hmrm.dnn import open_onnx
from hmrm.errors import MissingExtraError, WeightsError
from hmrm.model.exported import MAPS, outputs_of, statement
from hmrm.model.weight_card import SHIPPED, weights_path

LARGEST_DIFFERENCE = 1e-4
"""Between OpenCV and torch: of logits, box offsets, scores and points."""

MTCNN = "mtcnn"
_SAMPLES = 8

if TYPE_CHECKING:
    from hmrm.model.network import HMRM

Network = Callable[[np.ndarray], tuple[np.ndarray, ...]]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        paths: the ONNX files.
        difference: the largest between OpenCV and torch on random input.
    """

    paths: tuple[Path, ...]
    difference: float


def export_weights(name_or_path: str, folder: Path | None = None) -> Exported:
    """Write the ONNX files of shipped weights by name, or of any checkpoint by path.

    Args:
        folder: where to; None is next to the weights. Elsewhere the card is copied, too.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: the weights cannot be used, hold a network that no graph is built for, or
            OpenCV's answers are not torch's.
        OutputError: a file cannot be written.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"weights export: needs {error.name} to compare with: pip install 'hmrm[torch]'"
        ) from error
    with torch.inference_mode():
        if name_or_path == MTCNN:
            return _export_mtcnn(folder or SHIPPED)
        return _export_hmrm(weights_path(name_or_path), folder)


def _export_hmrm(path: Path, folder: Path | None) -> Exported:
    from hmrm.model.checkpoints import load_checkpoint

    network, card = load_checkpoint(path)
    settings = unsupported(card.config)
    if settings:
        raise WeightsError(
            f"{path}: {', '.join(settings)}: networks of ablations are not exported; use torch"
        )
    tensors = {name: value.numpy() for name, value in network.state_dict().items()}
    tokens = network.tokens
    assert tokens.coarse is not None and tokens.fine is not None
    patches: Patches = {"coarse": tokens.coarse.index.numpy(), "fine": tokens.fine.index.numpy()}
    stated = statement(card, provenance.sha256(path))
    content = hmrm_graph(card.config, tensors, patches, stated)
    target = (folder or path.parent) / f"{path.stem}.onnx"
    size = (MAPS, card.config.channels, card.config.map_size, card.config.map_size)
    difference = _compared(content, target, outputs_of(card), _reference(network), size)
    atomic.write_bytes(target, content)
    if target.parent.resolve() != path.parent.resolve():
        shutil.copyfile(path.with_suffix(".json"), target.with_suffix(".json"))
    return Exported(paths=(target,), difference=difference)


def _reference(network: "HMRM") -> Network:
    """What the graph must give: every region's vector from its source map, fused in torch."""
    import torch

    from hmrm.model.tokens import Grains

    def run(values: np.ndarray) -> tuple[np.ndarray, ...]:
        vectors = network.encoder(network.tokens(torch.from_numpy(values)))
        picked = (
            grain[torch.from_numpy(maps), torch.arange(grain.shape[1])]
            for grain, maps in zip(vectors, source_maps(), strict=True)
        )
        fused = network.fusion(Grains(*picked)).flatten(1)
        heads = (network.fused_head, network.unit_head)
        return tuple(head(fused).numpy() for head in heads if head is not None)

    return run


def _export_mtcnn(folder: Path) -> Exported:
    from safetensors.numpy import load_file

    from hmrm.faces.mtcnn_torch import torch_networks

    source = SHIPPED / "mtcnn.safetensors"
    contents = mtcnn_graphs(load_file(source), provenance.sha256(source))
    networks = torch_networks(source)
    proved: tuple[tuple[str, Network, tuple[str, ...], tuple[int, ...]], ...] = (
        ("pnet", networks.proposal, ("box", "score"), (1, 3, 90, 120)),
        ("rnet", networks.refinement, ("box", "score"), (_SAMPLES, 3, 24, 24)),
        ("onet", networks.output, ("box", "score", "points"), (_SAMPLES, 3, 48, 48)),
    )
    paths = {name: folder / f"mtcnn-{name}.onnx" for name in contents}
    differences = [
        _compared(contents[name], paths[name], outputs, reference, size)
        for name, reference, outputs, size in proved
    ]
    for name, content in contents.items():
        atomic.write_bytes(paths[name], content)
    return Exported(paths=tuple(paths.values()), difference=max(differences))


def _compared(
    content: bytes, path: Path, outputs: tuple[str, ...], reference: Network, size: tuple[int, ...]
) -> float:
    """Largest difference to torch on random input."""
    values = np.random.default_rng(0).normal(size=size).astype(np.float32)
    found, expected = open_onnx(content, path, outputs=outputs)(values), reference(values)
    difference = max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))
    # Not "greater than": NaN must not pass.
    if not difference <= LARGEST_DIFFERENCE:
        raise WeightsError(
            f"{path.name}: OpenCV differs from torch by {difference:.2g}, at most "
            f"{LARGEST_DIFFERENCE:g} is accepted; nothing was written; please report this"
        )
    return difference
