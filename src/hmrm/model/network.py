"""The HMRM recognition network: flow map → region tokens → Mamba encoder → fusion → classes."""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from hmrm.clip import CLASSES
from hmrm.errors import ConfigError
from hmrm.model import inference
from hmrm.model.grained_mamba import GrainedMambaBlock, GrainedMambaEncoder, fill_uniform
from hmrm.model.region_fusion import MeanFusion, RegionFusion
from hmrm.model.sizes import HMRMConfig
from hmrm.model.tokens import Grains, RegionTokens

_FACE_CELLS = 4

SCALES = ("coarse", "fine", "fused")
"""The scales that are classified, in the order of the loss's weights."""


class Logits(NamedTuple):
    """What the network says of each map, before softmax or sigmoid.

    ``fused`` is the decision; ``coarse`` and ``fine`` are the auxiliary heads that MS-WCE trains;
    ``units`` holds one logit per action unit. ``(b, 0)`` where the network has no such head.
    """

    coarse: Tensor
    fine: Tensor
    fused: Tensor
    units: Tensor


class HMRM(nn.Module):
    """The network. Number and names of the classes come from the data.

    Args:
        classes: names in label order.
        action_units: names of the optional action-unit head, trained where units are known.
        generator: only source of randomness of the initial weights.
    """

    def __init__(
        self,
        config: HMRMConfig,
        *,
        classes: tuple[str, ...] = CLASSES,
        action_units: tuple[str, ...] = (),
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if len(classes) < 2 or len(set(classes)) != len(classes):
            raise ConfigError(f"classes {classes}: at least two, all different")
        self.config, self.classes, self.action_units = config, classes, action_units
        dim = config.dim
        self.tokens = RegionTokens(config)
        self.encoder = GrainedMambaEncoder(config)
        self.face = nn.Linear(config.channels * _FACE_CELLS**2, dim) if config.face_token else None
        self.fusion = MeanFusion(config) if config.fusion == "mean" else RegionFusion(config)
        coarse, fine = config.regions
        fused = config.fused_vectors * dim
        self.coarse_head = nn.Linear(coarse * dim, len(classes)) if coarse else None
        self.fine_head = nn.Linear(fine * dim, len(classes)) if fine else None
        self.fused_head = nn.Linear(fused, len(classes))
        self.unit_head = nn.Linear(fused, len(action_units)) if action_units else None
        self._initialise(generator)

    def forward(
        self, maps: Float[Tensor, "b c s s"], generator: torch.Generator | None = None
    ) -> Logits:
        """Classify flow maps.

        Args:
            maps: robustly centred and scaled u, v and strain.
            generator: source of dropout's randomness; without one nothing is dropped.

        Raises:
            DataError: wrong size. Values are not looked at; ``predict`` refuses bad ones.
        """
        # An exported program has its sizes in its signature; a symbolic batch is no int.
        if not torch.compiler.is_compiling():
            inference.check_shape(tuple(maps.shape), self.config)
        grains = self.encoder(self.tokens(maps))
        fused = self._fused(maps, grains)
        if generator is not None and self.training and self.config.dropout > 0:
            keep = 1 - self.config.dropout
            fused = fused * torch.empty_like(fused).bernoulli_(keep, generator=generator) / keep
        return Logits(
            coarse=_predicted(self.coarse_head, grains.coarse.flatten(1)),
            fine=_predicted(self.fine_head, grains.fine.flatten(1)),
            fused=self.fused_head(fused),
            units=_predicted(self.unit_head, fused),
        )

    def _fused(self, maps: Float[Tensor, "b c s s"], grains: Grains) -> Float[Tensor, "b f"]:
        face = None
        if self.face is not None:
            cells = functional.adaptive_avg_pool2d(maps, _FACE_CELLS)
            face = self.face(cells.flatten(1))[:, None]
        fused: Tensor = self.fusion(grains, face)
        return fused.flatten(1)

    def features(self, maps: Float[Tensor, "b c s s"]) -> Float[Tensor, "b f"]:
        """The concatenated fused vectors, 20 × dim, that the classifier sees."""
        return self._fused(maps, self.encoder(self.tokens(maps)))

    def predict(self, maps: Float[Tensor, "..."]) -> Float[Tensor, "b k"]:
        """Class probabilities of maps from outside.

        Raises:
            DataError: wrong size, or a map without any motion.
            NumericalError: NaN or infinity in a map.
        """
        self.check(maps)
        was_training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                fused: Tensor = self(maps).fused
        finally:
            self.train(was_training)
        return fused.softmax(-1)

    def region_contributions(
        self, maps: Float[Tensor, "b c s s"], targets: Int[Tensor, " b"]
    ) -> Float[Tensor, "b 16"]:
        """How much each fine region's motion speaks for a class: gradient × input, summed.

        To first order, the change of the class's logit (over the mean of all logits) when the
        region's motion vanishes; positive speaks for the class. Regions in the order of
        ``faces.regions.FINE``.
        """
        self.check(maps)
        with torch.enable_grad():
            maps = maps.detach().clone().requires_grad_()
            logits = self(maps).fused
            chosen = logits.gather(1, targets[:, None])[:, 0] - logits.mean(1)
            (gradient,) = torch.autograd.grad(chosen.sum(), maps)
        product = gradient * maps.detach()
        cells = rearrange(
            product,
            "b c (cy fy h) (cx fx w) -> b (cy cx fy fx) (c h w)",
            cy=2,
            cx=2,
            fy=2,
            fx=2,
        )
        return cells.sum(-1)

    def check(self, maps: Tensor) -> None:
        """Refuse maps the network cannot classify.

        Raises:
            DataError: wrong size, or a map without any motion.
            NumericalError: NaN or infinity in a map.
        """
        inference.check_maps(maps.detach().cpu().numpy(), self.config)

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator) -> None:
        for tokens in (self.tokens.coarse, self.tokens.fine):
            if tokens is None:
                continue
            fill_uniform(tokens.project.weight, tokens.project.in_features, generator)
            tokens.project.bias.zero_()
            for position in (tokens.token_position, tokens.region_position):
                # Vim's and ViT's choice; the cut at two standard deviations never matters here.
                nn.init.trunc_normal_(position, std=0.02, generator=generator)
        for block in self.encoder.blocks:
            assert isinstance(block, GrainedMambaBlock)
            block.initialise(generator)
        if isinstance(self.fusion, RegionFusion):
            self.fusion.initialise(generator)
        heads = (self.coarse_head, self.fine_head, self.fused_head, self.unit_head)
        for head in (*heads, self.face):
            if head is not None:
                fill_uniform(head.weight, head.in_features, generator)
                head.bias.zero_()


def _predicted(head: nn.Linear | None, vectors: Float[Tensor, "b f"]) -> Float[Tensor, "b k"]:
    if head is None:
        return vectors.new_empty(vectors.shape[0], 0)
    stated: Tensor = head(vectors)
    return stated


def parameter_count(module: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in module.parameters())
