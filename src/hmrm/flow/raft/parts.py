"""The layers of RAFT; modules are named so that torchvision's state dicts fit."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Norm = Literal["instance", "batch"] | None


def convolved(
    before: int,
    after: int,
    *,
    kernel: int,
    norm: Norm = None,
    stride: int = 1,
    activation: bool = True,
) -> nn.Sequential:
    """Convolution with bias, then norm and ReLU where asked for."""
    layers: list[nn.Module] = [nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2)]
    if norm is not None:
        layers.append(nn.InstanceNorm2d(after) if norm == "instance" else nn.BatchNorm2d(after))
    return nn.Sequential(*layers, *([nn.ReLU()] if activation else []))


class _Block(nn.Module):
    """Layers in a row, added to the input, which is brought to their size where they stride."""

    def __init__(self, before: int, after: int, *, norm: Norm, stride: int) -> None:
        super().__init__()
        self.downsample = (
            nn.Identity()
            if stride == 1
            else convolved(before, after, kernel=1, norm=norm, stride=stride, activation=False)
        )

    def _added(self, maps: Tensor, layers: tuple[nn.Module, ...]) -> Tensor:
        found = maps
        for layer in layers:
            found = layer(found)
        return torch.relu(self.downsample(maps) + found)


class ResidualBlock(_Block):
    """Two convolutions of 3 × 3."""

    def __init__(self, before: int, after: int, *, norm: Norm, stride: int) -> None:
        super().__init__(before, after, norm=norm, stride=stride)
        self.convnormrelu1 = convolved(before, after, kernel=3, norm=norm, stride=stride)
        self.convnormrelu2 = convolved(after, after, kernel=3, norm=norm)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d v u"]:
        """Maps after the block."""
        return self._added(maps, (self.convnormrelu1, self.convnormrelu2))


class BottleneckBlock(_Block):
    """1 × 1 to a quarter of the width, 3 × 3, and 1 × 1 back."""

    def __init__(self, before: int, after: int, *, norm: Norm, stride: int) -> None:
        super().__init__(before, after, norm=norm, stride=stride)
        self.convnormrelu1 = convolved(before, after // 4, kernel=1, norm=norm)
        self.convnormrelu2 = convolved(after // 4, after // 4, kernel=3, norm=norm, stride=stride)
        self.convnormrelu3 = convolved(after // 4, after, kernel=1, norm=norm)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d v u"]:
        """Maps after the block."""
        return self._added(maps, (self.convnormrelu1, self.convnormrelu2, self.convnormrelu3))


class Encoder(nn.Module):
    """An image to features at an eighth of its size: a stem, three layers of two blocks, 1 × 1."""

    def __init__(
        self,
        block: type[ResidualBlock] | type[BottleneckBlock],
        widths: tuple[int, int, int, int, int],
        *,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.convnormrelu = convolved(3, widths[0], kernel=7, norm=norm, stride=2)
        strides = (1, 2, 2)
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(
                block(widths[i], widths[i + 1], norm=norm, stride=strides[i]),
                block(widths[i + 1], widths[i + 1], norm=norm, stride=1),
            )
            for i in range(3)
        )
        self.conv = nn.Conv2d(widths[3], widths[4], 1)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c i j"]:
        """Features."""
        stem = self.convnormrelu(image)
        return self.conv(self.layer3(self.layer2(self.layer1(stem))))


class MotionEncoder(nn.Module):
    """Windows of correlations and the flow so far to motion features; the last two are the flow."""

    def __init__(
        self,
        windows: int,
        *,
        correlation: tuple[int, ...],
        flow: tuple[int, int],
        outputs: int,
    ) -> None:
        super().__init__()
        self.convcorr1 = convolved(windows, correlation[0], kernel=1)
        self.convcorr2 = (
            convolved(correlation[0], correlation[1], kernel=3)
            if len(correlation) > 1
            else nn.Identity()
        )
        self.convflow1 = convolved(2, flow[0], kernel=7)
        self.convflow2 = convolved(flow[0], flow[1], kernel=3)
        self.conv = convolved(correlation[-1] + flow[-1], outputs - 2, kernel=3)

    def forward(
        self, correlations: Float[Tensor, "b k h w"], flow: Float[Tensor, "b 2 h w"]
    ) -> Float[Tensor, "b m h w"]:
        """Motion features."""
        parts = [self.convcorr2(self.convcorr1(correlations)), self.convflow2(self.convflow1(flow))]
        return torch.cat([self.conv(torch.cat(parts, dim=1)), flow], dim=1)


class ConvGru(nn.Module):
    """A gated recurrent unit of convolutions."""

    def __init__(self, hidden: int, inputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convz, self.convr, self.convq = (
            nn.Conv2d(hidden + inputs, hidden, kernel, padding=padding) for _ in range(3)
        )

    def forward(
        self, hidden_state: Float[Tensor, "b s h w"], inputs: Float[Tensor, "b x h w"]
    ) -> Float[Tensor, "b s h w"]:
        """The new hidden state."""
        both = torch.cat([hidden_state, inputs], dim=1)
        update, reset = torch.sigmoid(self.convz(both)), torch.sigmoid(self.convr(both))
        candidate = torch.tanh(self.convq(torch.cat([reset * hidden_state, inputs], dim=1)))
        return (1 - update) * hidden_state + update * candidate


class RecurrentBlock(nn.Module):
    """One unit, or two in a row: along rows, then along columns."""

    def __init__(self, hidden: int, *, inputs: int, kernels: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        self.convgru1 = ConvGru(hidden, inputs, kernels[0])
        self.convgru2 = ConvGru(hidden, inputs, kernels[1]) if len(kernels) > 1 else None

    def forward(self, hidden_state: Tensor, inputs: Tensor) -> Tensor:
        """The new hidden state."""
        hidden_state = self.convgru1(hidden_state, inputs)
        return hidden_state if self.convgru2 is None else self.convgru2(hidden_state, inputs)


class FlowHead(nn.Module):
    """Hidden state to the change of the flow, in cells."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(hidden, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, 2, 3, padding=1)

    def forward(self, hidden_state: Float[Tensor, "b s h w"]) -> Float[Tensor, "b 2 h w"]:
        """Change of the flow."""
        return self.conv2(torch.relu(self.conv1(hidden_state)))


class MaskPredictor(nn.Module):
    """Hidden state to the logits of each new pixel's 3 × 3 cells, a quarter as large (RAFT)."""

    def __init__(self, hidden: int, *, cell_px: int) -> None:
        super().__init__()
        self.convrelu = convolved(hidden, 256, kernel=3)
        self.conv = nn.Conv2d(256, 9 * cell_px**2, 1)

    def forward(self, hidden_state: Float[Tensor, "b s h w"]) -> Float[Tensor, "b k h w"]:
        """Logits."""
        return 0.25 * self.conv(self.convrelu(hidden_state))
