"""Networks that OpenCV runs, so that analysing a video needs no torch: TFLite and our ONNX."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32

from hmrm import onnx_format, reading
from hmrm.errors import WeightsError

TENSORS_DIGEST = "safetensors_sha256"
"""Key in an ONNX file's metadata: hex digest of the safetensors that it was built from."""

_EXPORT_AGAIN = "reinstall hmrm, or export the weights again: hmrm weights export"


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportedNetwork:
    """A network of an ONNX file that ``hmrm weights export`` wrote.

    Attributes:
        outputs: names, in the order in which a call gives them.
        metadata: what the file states of itself.
    """

    net: cv2.dnn.Net
    outputs: tuple[str, ...]
    metadata: Mapping[str, str]

    def __call__(self, values: Float32[np.ndarray, "n ..."]) -> tuple[np.ndarray, ...]:
        """All outputs of one batch, float32."""
        self.net.setInput(np.ascontiguousarray(values))
        # Copies: OpenCV may hand out memory that the next call writes to.
        return tuple(np.array(found) for found in self.net.forward(self.outputs))


def read_onnx(path: Path, *, network: str, outputs: tuple[str, ...]) -> ExportedNetwork:
    """One of our ONNX files.

    Args:
        network: what the file must state to be.
        outputs: names of those that a call gives.

    Raises:
        WeightsError: missing, damaged, another network's, or not readable by this OpenCV.
    """
    try:
        content = reading.read_bytes(path)
    except (OSError, reading.DamagedError) as error:
        raise WeightsError(f"{path}: cannot be read ({error}); {_EXPORT_AGAIN}") from error
    found = open_onnx(content, path, outputs=outputs)
    if found.metadata.get("network") != network:
        raise WeightsError(
            f"{path}: holds network {found.metadata.get('network')!r}, expected {network!r}; "
            "give another file"
        )
    return found


def open_onnx(content: bytes, path: Path, *, outputs: tuple[str, ...]) -> ExportedNetwork:
    """The network in the content of a file of ours; ``path`` is for messages.

    Raises:
        WeightsError: damaged, or not readable by this OpenCV.
    """
    engine = getattr(cv2.dnn, "ENGINE_NEW", None)
    if engine is None:
        # Version 4 would read some of them and answer wrongly.
        raise WeightsError(
            f"{path}: needs OpenCV 5, this is {cv2.__version__}: pip install "
            "'opencv-contrib-python-headless>=5'"
        )
    try:
        metadata = onnx_format.checked_metadata(content)
        # The classic engine crashes when a batch grows.
        net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8), engine)
    except onnx_format.OnnxError as error:
        raise WeightsError(f"{path}: {error}; {_EXPORT_AGAIN}") from error
    except cv2.error as error:
        raise _unreadable(path, error) from error
    return ExportedNetwork(net=net, outputs=outputs, metadata=metadata)


def read_tflite(path: Path, *, outputs: tuple[str, ...]) -> cv2.dnn.Net:
    """A TFLite network through OpenCV.

    Raises:
        WeightsError: missing, damaged, without these outputs, or not readable by this OpenCV.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such weight file; reinstall hmrm, or give another file")
    # OpenCV 5's new engine gives only the last output; version 4 knows no choice of engine.
    engine = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
    try:
        if engine is None:
            net = cv2.dnn.readNetFromTFLite(str(path))
        else:
            net = cv2.dnn.readNetFromTFLite(str(path), engine)
        names = set(net.getUnconnectedOutLayersNames())
    except cv2.error as error:
        raise _unreadable(path, error) from error
    if not set(outputs) <= names:
        raise WeightsError(
            f"{path}: outputs {sorted(names)}, expected {sorted(outputs)}; it is another network's"
        )
    return net


def _unreadable(path: Path, error: cv2.error) -> WeightsError:
    reason = str(error).strip().splitlines()[0]
    return WeightsError(
        f"{path}: OpenCV {cv2.__version__} cannot read it ({reason}); reinstall hmrm, or "
        "opencv-contrib-python-headless 5"
    )
