"""The recognition network as an ONNX graph; the twin of `hmrm.model.network.HMRM`.

The selective scan is unrolled, since OpenCV runs no ONNX loop: all that does not depend on the
state is computed for all steps at once, so that a step is one product and one sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hmrm.deploy.graph import Graph
from hmrm.model.exported import LOGITS, MAPS, UNITS, VIEWS
from hmrm.model.sizes import COARSE_REGIONS, FINE_PER_COARSE, FINE_REGIONS, Grain, HMRMConfig

_EPSILON = 1e-5  # of torch's LayerNorm

Tensors = Mapping[str, np.ndarray]
Patches = Mapping[Grain, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class _Grain:
    """Tokens of one grain: ``(maps x regions, length, dim)``."""

    value: str
    name: Grain
    regions: int
    length: int


HEADS = {LOGITS: "fused_head", UNITS: "unit_head"}
"""Output of the file → the head that gives it."""


def unsupported(config: HMRMConfig) -> tuple[str, ...]:
    """Settings that no graph is built for: those of ablations."""
    usual = {"grains": "both", "mixer": "scan", "face_token": False}
    usual |= {"fusion": "global" if config.fusion == "global" else "window"}
    return tuple(
        f"{name} = {getattr(config, name)}"
        for name, value in usual.items()
        if getattr(config, name) != value
    )


def hmrm_graph(
    config: HMRMConfig, tensors: Tensors, patches: Patches, metadata: dict[str, str]
) -> bytes:
    """Content of the file: a clip's six maps, see `model.exported`, → 18 rows of logits.

    Logits of the classes, and of the action units where the network has a head for them.

    A region's vector depends on that region's motion alone, so four maps in which every fourth
    region has grown are enough to know the logits for each of the 16 regions grown alone.

    Args:
        tensors: of the network, by name.
        patches: flat positions of every token's pixels, by grain; see `model.tokens`.
        metadata: what the file states of itself.
    """
    shape = (MAPS, config.channels, config.map_size, config.map_size)
    network = _Network(config, tensors, Graph("hmrm", {"maps": shape}))
    grains = [network.tokens(name, patches[name]) for name in patches]
    for number in range(config.depth):
        grains = [network.block(grain, f"encoder.blocks.{number}") for grain in grains]
    vectors = (network.vectors(grain) for grain in grains)
    picked = (network.picked(*pair) for pair in zip(vectors, source_maps(), strict=True))
    fused, rows = network.fused(*picked), VIEWS + FINE_REGIONS
    outputs = {
        name: (network.linear(fused, head), (rows, len(tensors[f"{head}.bias"])))
        for name, head in HEADS.items()
        if f"{head}.bias" in tensors
    }
    return network.graph.file(outputs, metadata)


def source_maps() -> tuple[np.ndarray, np.ndarray]:
    """From which of the six maps each region's vector comes, by row of logits: coarse, fine.

    The two views come from themselves. Where one fine region has grown, it and its parent come
    from the map in which it has, all others from the clip as it is.
    """
    coarse = np.zeros((VIEWS + FINE_REGIONS, COARSE_REGIONS), np.int64)
    fine = np.zeros((VIEWS + FINE_REGIONS, FINE_REGIONS), np.int64)
    coarse[1], fine[1] = 1, 1
    for region in range(FINE_REGIONS):
        parent, child = divmod(region, FINE_PER_COARSE)
        coarse[VIEWS + region, parent] = fine[VIEWS + region, region] = VIEWS + child
    return coarse, fine


@dataclass(frozen=True)
class _Network:
    config: HMRMConfig
    tensors: Tensors
    graph: Graph

    def tokens(self, name: Grain, index: np.ndarray) -> _Grain:
        """Patches, gathered and projected, at their places."""
        graph, prefix = self.graph, f"tokens.{name}"
        regions, length, pixels = index.shape
        flat = graph.reshape("maps", (-1, self.config.channels * self.config.map_size**2))
        picked = graph.add("Gather", flat, graph.constant(index.reshape(-1)), axis=1)
        patches = graph.reshape(picked, (-1, regions * length, pixels))
        projected = self.linear(patches, f"{prefix}.project")
        places = (
            self.tensors[f"{prefix}.token_position"] + self.tensors[f"{prefix}.region_position"]
        )
        placed = graph.add("Add", projected, graph.constant(places.reshape(1, -1, self.config.dim)))
        value = graph.reshape(placed, (-1, length, self.config.dim))
        return _Grain(value=value, name=name, regions=regions, length=length)

    def block(self, grain: _Grain, prefix: str) -> _Grain:
        """One bidirectional block of the encoder on one grain."""
        graph, inner = self.graph, self.config.inner
        normed = self.norm(grain.value, f"{prefix}.norm")
        x, z = graph.split(self.linear(normed, f"{prefix}.in_proj"), 2, (inner, inner))
        ways = 2 if self.config.directions == "both" else 1
        branches = [self._branch(x, grain, prefix, way) for way in range(ways)]
        mixed = graph.add("Add", *branches) if ways == 2 else branches[0]
        update = self.linear(graph.add("Mul", mixed, self.silu(z)), f"{prefix}.out_proj")
        value = graph.add("Add", grain.value, update)
        return _Grain(value=value, name=grain.name, regions=grain.regions, length=grain.length)

    def vectors(self, grain: _Grain) -> str:
        """The mean of each region's tokens, ``(n, regions, dim)``."""
        normed = self.norm(grain.value, "encoder.norm")
        mean = self.graph.add("ReduceMean", normed, axes=(1,), keepdims=0)
        return self.graph.reshape(mean, (-1, grain.regions, self.config.dim))

    def picked(self, vectors: str, maps: np.ndarray) -> str:
        """Vectors ``(rows, regions, dim)``, each region's from the map that ``maps`` names."""
        rows, regions = maps.shape
        flat = self.graph.reshape(vectors, (-1, self.config.dim))
        index = self.graph.constant((maps * regions + np.arange(regions)).reshape(-1))
        found = self.graph.add("Gather", flat, index, axis=0)
        return self.graph.reshape(found, (rows, regions, self.config.dim))

    def fused(self, coarse: str, fine: str) -> str:
        """Fusion of the regions' vectors: what the heads see."""
        if self.config.fusion == "window":
            coarse, fine = self._inside_windows(coarse, fine)
        count, dim = COARSE_REGIONS + FINE_REGIONS, self.config.dim
        vectors = self.graph.add("Concat", coarse, fine, axis=1)
        fused = self.norm(self._attended(vectors, count), "fusion.out_norm")
        return self.graph.reshape(fused, (-1, count * dim))

    def _inside_windows(self, coarse: str, fine: str) -> tuple[str, str]:
        graph, dim, group = self.graph, self.config.dim, 1 + FINE_PER_COARSE
        parts = (
            graph.reshape(coarse, (-1, COARSE_REGIONS, 1, dim)),
            graph.reshape(fine, (-1, COARSE_REGIONS, FINE_PER_COARSE, dim)),
        )
        windows = graph.reshape(graph.add("Concat", *parts, axis=2), (-1, group, dim))
        own, children = graph.split(self._attended(windows, group), 1, (1, FINE_PER_COARSE))
        return (
            graph.reshape(own, (-1, COARSE_REGIONS, dim)),
            graph.reshape(children, (-1, FINE_REGIONS, dim)),
        )

    def _attended(self, value: str, count: int) -> str:
        """Residual self-attention among ``count`` vectors."""
        graph, dim, heads = self.graph, self.config.dim, self.config.heads
        width = dim // heads
        packed = self.linear(self.norm(value, "fusion.norm"), "fusion.attention.qkv")
        query, key, values = (
            graph.add("Transpose", graph.reshape(part, (-1, count, heads, width)), perm=order)
            for part, order in zip(
                graph.split(packed, 2, (dim, dim, dim)),
                ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)),
                strict=True,
            )
        )
        scale = graph.constant(np.array(width**-0.5))
        scores = graph.add("Softmax", graph.add("Mul", graph.add("MatMul", query, key), scale))
        mixed = graph.add("Transpose", graph.add("MatMul", scores, values), perm=(0, 2, 1, 3))
        out = self.linear(graph.reshape(mixed, (-1, count, dim)), "fusion.attention.out")
        return graph.add("Add", value, out)

    def _branch(self, x: str, grain: _Grain, prefix: str, way: int) -> str:
        """Convolution, SiLU and selective scan in one direction."""
        graph, rank, state = self.graph, self.config.rank, self.config.state
        kernels = self.config.own_kernels
        own = grain.name if grain.name in kernels else kernels[0]
        u = self.silu(self._convolved(x, grain.length, f"{prefix}.convolutions.{own}", way))
        projected = graph.linear(u, self.tensors[f"{prefix}.x_proj"][way])
        low, B, C = graph.split(projected, 2, (rank, state, state))
        weight, bias = (self.tensors[f"{prefix}.{name}"][way] for name in ("dt_proj", "dt_bias"))
        dt = graph.add("Softplus", graph.linear(low, weight, bias))
        log_A = self.tensors[f"{prefix}.A_log"][way]
        scanned = self._scan(u, dt, log_A, B, C, grain.length, backward=way == 1)
        skip = graph.add("Mul", u, graph.constant(self.tensors[f"{prefix}.D"][way]))
        return graph.add("Add", scanned, skip)

    def _convolved(self, x: str, length: int, prefix: str, way: int) -> str:
        """Depthwise convolution along the sequence that sees only what it has passed."""
        graph = self.graph
        weight, bias = (self.tensors[f"{prefix}.{name}"][way] for name in ("weight", "bias"))
        taps = weight.shape[1]
        pads = (0, 0, 0, 0, taps - 1, 0) if way == 1 else (0, taps - 1, 0, 0, 0, 0)
        padded = graph.add("Pad", x, graph.constant(np.array(pads)))
        found = graph.constant(bias)
        for tap in range(taps):
            start = taps - 1 - tap if way == 1 else tap
            seen = graph.slice(padded, 1, start, start + length)
            product = graph.add("Mul", seen, graph.constant(weight[:, tap]))
            found = graph.add("Add", product, found)
        return found

    def _scan(
        self, u: str, dt: str, log_A: np.ndarray, B: str, C: str, length: int, *, backward: bool
    ) -> str:
        graph, inner, state = self.graph, self.config.inner, self.config.state
        # Channels last: the longest axis is then the one that OpenCV runs along.
        column, row = (-1, length, state, 1), (-1, length, 1, inner)
        # The exponential is left to OpenCV: its last bits differ between machines, the file's not.
        A = graph.add("Neg", graph.add("Exp", graph.constant(log_A.T[None, None])))
        decays = graph.add("Exp", graph.add("Mul", graph.reshape(dt, row), A))
        driven = graph.add(
            "Mul", graph.reshape(graph.add("Mul", dt, u), row), graph.reshape(B, column)
        )
        ones: Sequence[int] = (1,) * length
        decay, drive = graph.split(decays, 1, ones), graph.split(driven, 1, ones)
        states: list[str] = [""] * length
        before = None
        for t in reversed(range(length)) if backward else range(length):
            states[t] = drive[t]
            if before is not None:
                states[t] = graph.add("Add", graph.add("Mul", decay[t], before), drive[t])
            before = states[t]
        whole = graph.add("Concat", *states, axis=1)
        read = graph.add("MatMul", graph.reshape(C, (-1, length, 1, state)), whole)
        return graph.reshape(read, (-1, length, inner))

    def linear(self, value: str, prefix: str) -> str:
        return self.graph.linear(
            value, self.tensors[f"{prefix}.weight"], self.tensors.get(f"{prefix}.bias")
        )

    def norm(self, value: str, prefix: str) -> str:
        weight, bias = (
            self.graph.constant(self.tensors[f"{prefix}.{n}"]) for n in ("weight", "bias")
        )
        return self.graph.add("LayerNormalization", value, weight, bias, axis=-1, epsilon=_EPSILON)

    def silu(self, value: str) -> str:
        return self.graph.add("Mul", value, self.graph.add("Sigmoid", value))
