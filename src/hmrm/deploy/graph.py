"""Builds an ONNX graph operation by operation."""

from collections.abc import Mapping, Sequence

import numpy as np

from hmrm import onnx_format
from hmrm.onnx_format import Attribute


class Graph:
    """A graph under construction; every value is known by its name.

    Args:
        name: what the network is.
        inputs: shape of every input; a side of any length has a name instead of a number.

    Example:
        >>> graph = Graph("double", {"x": ("n", 3)})
        >>> y = graph.add("Mul", "x", graph.constant(np.float32([2, 2, 2])))
        >>> content = graph.file({"y": (y, ("n", 3))}, {"network": "double"})
        >>> onnx_format.checked_metadata(content)["network"]
        'double'
    """

    def __init__(self, name: str, inputs: Mapping[str, Sequence[int | str]]) -> None:
        self._name, self._inputs = name, inputs
        self._nodes: list[bytes] = []
        self._constants: dict[bytes, str] = {}

    def add(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """The value of one operation."""
        return self.add_many(kind, *inputs, outputs=1, **attributes)[0]

    def add_many(
        self, kind: str, *inputs: str, outputs: int, **attributes: Attribute
    ) -> tuple[str, ...]:
        """The values of an operation that has several."""
        names = tuple(f"{kind}_{len(self._nodes)}_{i}" for i in range(outputs))
        self._nodes.append(onnx_format.node(kind, inputs, names, attributes))
        return names

    def constant(self, values: np.ndarray) -> str:
        """A constant, kept once; whole numbers become int64, all others float32."""
        whole = np.issubdtype(values.dtype, np.integer)
        content = onnx_format.tensor(values.astype(np.int64 if whole else np.float32))
        return self._constants.setdefault(content, f"constant_{len(self._constants)}")

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        """The same elements in another shape; -1 is what is left."""
        return self.add("Reshape", value, self.constant(np.array(shape)))

    def slice(self, value: str, axis: int, start: int, stop: int) -> str:
        """A stretch along one axis."""
        stretch = (self.constant(np.array([number])) for number in (start, stop, axis))
        return self.add("Slice", value, *stretch)

    def split(self, value: str, axis: int, sizes: Sequence[int]) -> tuple[str, ...]:
        """Stretches along one axis, one after the other."""
        borders = self.constant(np.array(sizes))
        return self.add_many("Split", value, borders, outputs=len(sizes), axis=axis)

    def linear(self, value: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        """``value @ weight.T + bias``, as torch's linear layers."""
        product = self.add("MatMul", value, self.constant(weight.T))
        return product if bias is None else self.add("Add", product, self.constant(bias))

    def file(
        self,
        outputs: Mapping[str, tuple[str, Sequence[int | str]]],
        metadata: Mapping[str, str],
    ) -> bytes:
        """The whole file.

        Args:
            outputs: name of every output → value and shape.
            metadata: what the file states of itself.
        """
        named = [onnx_format.node("Identity", [v], [n], {}) for n, (v, _) in outputs.items()]
        graph = b"".join(
            [
                *(onnx_format.field(1, one) for one in (*self._nodes, *named)),
                onnx_format.field(2, self._name),
                *(
                    onnx_format.field(5, content + onnx_format.field(8, name))
                    for content, name in self._constants.items()
                ),
                *(
                    onnx_format.field(11, onnx_format.value_info(name, shape))
                    for name, shape in self._inputs.items()
                ),
                *(
                    onnx_format.field(12, onnx_format.value_info(name, shape))
                    for name, (_, shape) in outputs.items()
                ),
            ]
        )
        return onnx_format.model(graph, metadata)
