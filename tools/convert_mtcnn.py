"""Convert the MTCNN weights of the ``mtcnn`` 1.0.0 wheel to one safetensors file.

Run once, in a throw-away environment with ``mtcnn==1.0.0 --no-deps``, joblib, lz4, torch and
safetensors; the package itself needs none of the first three::

    python tools/convert_mtcnn.py src/hmrm/weights/mtcnn.safetensors

The wheel stores joblib pickles, so their sha256 is compared before they are opened.
"""

import argparse
import hashlib
from importlib import util
from pathlib import Path

import joblib
import numpy as np
from safetensors.numpy import save_file

SHA256 = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
# Layers in the order of the files; "slope" is a PReLU, which is stored without a bias.
LAYERS = {
    "pnet": "conv1 slope1 conv2 slope2 conv3 slope3 box score",
    "rnet": "conv1 slope1 conv2 slope2 conv3 slope3 full slope4 box score",
    "onet": "conv1 slope1 conv2 slope2 conv3 slope3 conv4 slope4 full slope5 box points score",
}


def convert(name: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Name the arrays of one network and bring them to torch's axis order."""
    tensors: dict[str, np.ndarray] = {}
    queue = iter(arrays)
    for layer in LAYERS[name].split():
        weight = next(queue)
        if layer.startswith("slope"):
            tensors[f"{name}.{layer}.weight"] = weight.reshape(-1)
            continue
        axes = (3, 2, 0, 1) if weight.ndim == 4 else (1, 0)
        tensors[f"{name}.{layer}.weight"] = np.ascontiguousarray(weight.transpose(axes))
        tensors[f"{name}.{layer}.bias"] = next(queue)
    if next(queue, None) is not None:
        raise SystemExit(f"{name}: more arrays than layers")
    return tensors


def main() -> None:
    """Find the installed wheel's files without importing it, check, convert, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    target = parser.parse_args().target
    spec = util.find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise SystemExit("install the wheel first: pip install --no-deps mtcnn==1.0.0")
    folder = Path(spec.origin).parent / "assets" / "weights"
    tensors: dict[str, np.ndarray] = {}
    for name, expected in SHA256.items():
        path = folder / f"{name}.lz4"
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"{path.name}: sha256 {found}, expected {expected}")
        tensors |= convert(name, joblib.load(path))
    save_file(tensors, target, metadata={"origin": "mtcnn 1.0.0", "license": "MIT"})


if __name__ == "__main__":
    main()
