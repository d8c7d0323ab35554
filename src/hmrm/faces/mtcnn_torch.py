"""MTCNN's networks in plain torch: what the exported ones are compared with; see `mtcnn`."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from hmrm.errors import WeightsError
from hmrm.faces.mtcnn import Network, Networks


class ProposalNet(nn.Module):
    """First network: a box and a face score for every 12 px cell, fully convolutional."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.slope1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.slope2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.slope3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.box, self.score = nn.Conv2d(32, 4, 1), nn.Conv2d(32, 2, 1)
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> tuple[Tensor, Tensor]:
        """Box offsets ``(n, 4, h', w')`` in cells and face scores ``(n, h', w')``."""
        x = self.pool(self.slope1(self.conv1(x)))
        x = self.slope3(self.conv3(self.slope2(self.conv2(x))))
        return self.box(x), self.score(x).softmax(dim=1)[:, 1]


class RefineNet(nn.Module):
    """Second network: 24 px crops → box offsets ``(n, 4)`` and face scores ``(n,)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.slope1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.slope2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.slope3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.full, self.slope4 = nn.Linear(576, 128), nn.PReLU(128)
        self.box, self.score = nn.Linear(128, 4), nn.Linear(128, 2)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x: Float[Tensor, "n 3 24 24"]) -> tuple[Tensor, Tensor]:
        """Box offsets ``(n, 4)`` in box sides and face scores ``(n,)``."""
        x = self.pool(self.slope1(self.conv1(x)))
        x = self.pool(self.slope2(self.conv2(x)))
        x = self.slope3(self.conv3(x))
        # The weights were trained on column-major images, hence width first.
        x = self.slope4(self.full(x.permute(0, 3, 2, 1).flatten(1)))
        return self.box(x), self.score(x).softmax(dim=1)[:, 1]


class OutputNet(nn.Module):
    """Third network: 48 px crops → offsets ``(n, 4)``, scores ``(n,)``, points ``(n, 10)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.slope1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.slope2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.slope3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.slope4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.full, self.slope5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.box, self.points, self.score = nn.Linear(256, 4), nn.Linear(256, 10), nn.Linear(256, 2)
        self.pool, self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(2, 2)

    def forward(self, x: Float[Tensor, "n 3 48 48"]) -> tuple[Tensor, Tensor, Tensor]:
        """Box offsets, face scores and points ``(n, 10)``, all x before all y, in box sides."""
        x = self.pool(self.slope1(self.conv1(x)))
        x = self.pool(self.slope2(self.conv2(x)))
        x = self.pool3(self.slope3(self.conv3(x)))
        x = self.slope4(self.conv4(x))
        x = self.slope5(self.full(x.permute(0, 3, 2, 1).flatten(1)))
        return self.box(x), self.score(x).softmax(dim=1)[:, 1], self.points(x)


def torch_networks(path: Path) -> Networks:
    """The networks of ``mtcnn.safetensors``.

    Raises:
        WeightsError: the weight file is missing, damaged or another network's.
    """
    nets = {"pnet": ProposalNet(), "rnet": RefineNet(), "onet": OutputNet()}
    try:
        nn.ModuleDict(nets).load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{path}: no MTCNN weights ({reason}); reinstall hmrm, or give another file"
        ) from error
    return Networks(*(_on_arrays(net.eval().requires_grad_(False)) for net in nets.values()))


def _on_arrays(net: nn.Module) -> Network:
    def run(values: Float32[np.ndarray, "n 3 h w"]) -> tuple[np.ndarray, ...]:
        with torch.inference_mode():
            return tuple(found.numpy() for found in net(torch.from_numpy(values)))

    return run
