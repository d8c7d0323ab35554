"""The three networks of MTCNN as ONNX graphs; twins of `hmrm.faces.mtcnn_torch`."""

from collections.abc import Mapping, Sequence

import numpy as np

from hmrm.deploy.graph import Graph
from hmrm.dnn import TENSORS_DIGEST

Tensors = Mapping[str, np.ndarray]

_SIDES: Mapping[str, tuple[int | str, int | str]] = {
    "pnet": ("height", "width"),
    "rnet": (24, 24),
    "onet": (48, 48),
}


def mtcnn_graphs(tensors: Tensors, sha256: str) -> dict[str, bytes]:
    """Contents of the three files, by network.

    Args:
        tensors: of ``mtcnn.safetensors``: ``pnet.conv1.weight`` and so on.
        sha256: hex digest of that file, which the graphs carry.
    """
    built = {"pnet": _proposal, "rnet": _refinement, "onet": _output}
    return {
        name: build(_Layers(name, tensors), {"network": name, TENSORS_DIGEST: sha256})
        for name, build in built.items()
    }


class _Layers:
    """Layers of one network, each with its tensors."""

    def __init__(self, network: str, tensors: Tensors) -> None:
        self.network = network
        self._tensors = {
            name.removeprefix(f"{network}."): values
            for name, values in tensors.items()
            if name.startswith(f"{network}.")
        }
        self.graph = Graph(network, {"image": ("n", 3, *_SIDES[network])})

    def conv(self, value: str, name: str) -> str:
        weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        constants = self.graph.constant(weight), self.graph.constant(bias)
        return self.graph.add("Conv", value, *constants, kernel_shape=weight.shape[2:])

    def slope(self, value: str, number: int, *, spatial: bool = True) -> str:
        weight = self._tensors[f"slope{number}.weight"]
        shaped = weight.reshape(-1, 1, 1) if spatial else weight
        return self.graph.add("PRelu", value, self.graph.constant(shaped))

    def step(self, value: str, number: int) -> str:
        return self.slope(self.conv(value, f"conv{number}"), number)

    def pool(self, value: str, side: int) -> str:
        """Stride 2; a last window that hangs over the edge counts what it has."""
        return self.graph.add(
            "MaxPool", value, kernel_shape=(side, side), strides=(2, 2), ceil_mode=1
        )

    def full(self, value: str, number: int) -> str:
        # The weights were trained on column-major images, hence width first.
        flat = self.graph.add("Transpose", value, perm=(0, 3, 2, 1))
        width = self._tensors["full.weight"].shape[1]
        hidden = self.head(self.graph.reshape(flat, (-1, width)), "full")
        return self.slope(hidden, number, spatial=False)

    def score(self, logits: str) -> str:
        """How much a face, 0 to 1: the second of two classes."""
        _, face = self.graph.split(self.graph.add("Softmax", logits, axis=1), 1, (1, 1))
        return self.graph.add("Squeeze", face, self.graph.constant(np.array([1])))

    def head(self, value: str, name: str) -> str:
        return self.graph.linear(
            value, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        )


def _proposal(layers: _Layers, metadata: dict[str, str]) -> bytes:
    x = layers.pool(layers.step("image", 1), 2)
    x = layers.step(layers.step(x, 2), 3)
    score, cells = layers.score(layers.conv(x, "score")), ("rows", "columns")
    outputs = {"box": (layers.conv(x, "box"), ("n", 4, *cells)), "score": (score, ("n", *cells))}
    return layers.graph.file(outputs, metadata)


def _refinement(layers: _Layers, metadata: dict[str, str]) -> bytes:
    x = layers.pool(layers.step("image", 1), 3)
    x = layers.pool(layers.step(x, 2), 3)
    x = layers.full(layers.step(x, 3), 4)
    return layers.graph.file(_found(layers, x), metadata)


def _output(layers: _Layers, metadata: dict[str, str]) -> bytes:
    x = layers.pool(layers.step("image", 1), 3)
    x = layers.pool(layers.step(x, 2), 3)
    x = layers.pool(layers.step(x, 3), 2)
    x = layers.full(layers.step(x, 4), 5)
    outputs = _found(layers, x) | {"points": (layers.head(x, "points"), ("n", 10))}
    return layers.graph.file(outputs, metadata)


def _found(layers: _Layers, hidden: str) -> dict[str, tuple[str, Sequence[int | str]]]:
    """Box and score of one square."""
    score = layers.score(layers.head(hidden, "score"))
    return {"box": (layers.head(hidden, "box"), ("n", 4)), "score": (score, ("n",))}
