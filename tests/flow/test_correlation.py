import numpy as np
import pytest
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hmrm.flow.gru_aofe.correlation import (
    NearCorrelations,
    correlation_pyramid,
    pooled,
)

SIZES = [(8, 8), (7, 9), (3, 5), (1, 4), (16, 2)]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def centres(batch: int, height: int, width: int, spread: float = 2.0) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([x, y]).double().expand(batch, -1, -1, -1)
    return grid + spread * random(batch, 2, height, width, seed=9)


def lookup_twin(onset: Tensor, apex: Tensor, centre: Tensor, levels: int, radius: int) -> Tensor:
    """One number at a time, from the paper's words: correlate, pool the volume, read."""
    batch, channels, height, width = onset.shape
    out = []
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                volume = torch.einsum("c,cij->ij", onset[b, :, y, x], apex[b]) / channels**0.5
                numbers = []
                for level in range(levels):
                    plane = pool_twin(volume, 2**level)
                    cx, cy = (float((v + 0.5) / 2**level - 0.5) for v in centre[b, :, y, x])
                    numbers += [
                        read_twin(plane, cx + dx, cy + dy)
                        for dy in range(-radius, radius + 1)
                        for dx in range(-radius, radius + 1)
                    ]
                out.append(torch.stack(numbers))
    return torch.stack(out).view(batch, height, width, -1).permute(0, 3, 1, 2)


def pool_twin(plane: Tensor, side: int) -> Tensor:
    """Mean over blocks, the halves one after the other as pooling by 2 again and again does."""
    while side > 1:
        rows = [plane[i : i + 2] for i in range(0, plane.shape[0], 2)]
        blocks = [[r[:, j : j + 2].mean() for j in range(0, plane.shape[1], 2)] for r in rows]
        plane = torch.stack([torch.stack(row) for row in blocks])
        side //= 2
    return plane


def read_twin(plane: Tensor, x: float, y: float) -> Tensor:
    total = plane.new_zeros(())
    for row in (int(np.floor(y)), int(np.floor(y)) + 1):
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                weight = (1 - abs(y - row)) * (1 - abs(x - column))
                total = total + weight * plane[row, column]
    return total


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 7), (1, 3)])
def test_lookup_agrees_with_the_papers_words(height: int, width: int):
    onset, apex = random(2, 6, height, width), random(2, 6, height, width, seed=1)
    centre = centres(2, height, width)
    found = correlation_pyramid(onset, apex, levels=3, radius=2).lookup(centre)
    expected = lookup_twin(onset, apex, centre, 3, 2)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def read_bilinear(
    values: Float[Tensor, "b c h w"], at: Float[Tensor, "b 2 i j"]
) -> Float[Tensor, "b c i j"]:
    """``values`` at (x, y) in px, 0 beyond the border."""
    height, width = values.shape[-2:]
    # Sizes, not sizes less one: grid_sample's other convention cannot tell places in one pixel.
    size = torch.tensor([width, height], dtype=at.dtype, device=at.device).view(1, 2, 1, 1)
    grid = rearrange((2 * at + 1) / size - 1, "b xy i j -> b i j xy")
    return functional.grid_sample(values, grid, padding_mode="zeros", align_corners=False)


def window_on_demand(
    onset: Float[Tensor, "b c h w"],
    apex: Float[Tensor, "b c h w"],
    centre: Float[Tensor, "b 2 h w"],
    *,
    levels: int = 4,
    radius: int = 3,
) -> Float[Tensor, "b k h w"]:
    """Readable twin of a pyramid's ``lookup``, without the volume.

    Pooling and bilinear reading are linear, so that the apex's features can be pooled and read
    instead of the correlations. Takes memory in proportion to the pixels, and more time for each
    lookup.
    """
    channels = onset.shape[1]
    scaled = onset / channels**0.5
    steps = range(-radius, radius + 1)
    found = []
    for scale in range(levels):
        at = (centre + 0.5) / 2**scale - 0.5
        for step_y in steps:
            for step_x in steps:
                step = torch.tensor([step_x, step_y], dtype=at.dtype, device=at.device)
                read = read_bilinear(apex, at + step.view(1, 2, 1, 1))
                found.append((scaled * read).sum(dim=1))
        apex = pooled(apex)
    return torch.stack(found, dim=1)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("spread", [0.0, 1.5, 50.0])
def test_all_pairs_equals_on_demand(height: int, width: int, spread: float):
    onset, apex = random(2, 8, height, width), random(2, 8, height, width, seed=1)
    centre = centres(2, height, width, spread)
    pyramid = correlation_pyramid(onset, apex)
    found = pyramid.lookup(centre)
    assert found.shape == (2, pyramid.channels, height, width)
    expected = window_on_demand(onset, apex, centre)
    torch.testing.assert_close(found, expected, atol=1e-11, rtol=0)


def test_gradients_agree():
    tensors = [random(1, 4, 6, 5), random(1, 4, 6, 5, seed=1), centres(1, 6, 5, 1.0)]
    weight = random(1, 2 * 25, 6, 5, seed=2)

    def gradients(all_pairs: bool) -> tuple[Tensor, ...]:
        leaves = [t.clone().requires_grad_() for t in tensors]
        if all_pairs:
            out = correlation_pyramid(*leaves[:2], levels=2, radius=2).lookup(leaves[2])
        else:
            out = window_on_demand(*leaves, levels=2, radius=2)
        return torch.autograd.grad((out * weight).sum(), leaves)

    for one, two in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(one, two, atol=1e-10, rtol=0)


def test_the_best_match_is_where_the_features_went():
    """Features moved by 2 cells to the right: the window's peak is 2 to the right of the middle."""
    apex = functional.normalize(random(1, 64, 9, 12), dim=1)
    onset = apex.roll(-2, dims=3)
    pyramid = correlation_pyramid(onset, apex, levels=1, radius=3)
    window = pyramid.lookup(centres(1, 9, 12, 0.0)).view(7, 7, 9, 12)
    assert window[:, :, 4, 5].argmax() == 3 * 7 + 5


def test_far_centres_read_nothing_and_do_not_fail():
    pyramid = correlation_pyramid(random(1, 4, 5, 5), random(1, 4, 5, 5, seed=1))
    far = torch.full((1, 2, 5, 5), 1e30, dtype=torch.float64)
    assert not pyramid.lookup(far).any()
    assert not pyramid.lookup(-far).any()


def test_pooling_keeps_the_smaller_group_at_an_odd_border():
    values = torch.arange(5.0).view(1, 1, 1, 5)
    assert pooled(values).flatten().tolist() == [0.5, 2.5, 4.0]


def test_reading_at_whole_pixels_and_beyond():
    values = random(1, 2, 4, 6)
    at = centres(1, 4, 6, 0.0)
    torch.testing.assert_close(read_bilinear(values, at), values, atol=1e-12, rtol=0)
    assert not read_bilinear(values, at + 20).any()


@pytest.mark.parametrize(("height", "width"), [(64, 65), (37, 120), (120, 40)])
@pytest.mark.parametrize("spread", [0.0, 0.7, 40.0])
def test_large_images_are_correlated_nearby_with_the_same_numbers(
    height: int, width: int, spread: float
):
    onset, apex = random(1, 5, height, width), random(1, 5, height, width, seed=1)
    centre = centres(1, height, width, spread)
    whole = correlation_pyramid(onset, apex).lookup(centre)
    with torch.no_grad():
        near = correlation_pyramid(onset, apex)
        assert isinstance(near, NearCorrelations)
        found = near.lookup(centre)
        again = near.lookup(centre)
    torch.testing.assert_close(found, whole, atol=1e-12, rtol=0)
    torch.testing.assert_close(again, found, atol=0, rtol=0)
    # Where everything stays near, no level that is larger than that is correlated whole.
    larger = {i for i, one in enumerate(near.apexes) if min(one.shape[-2:]) > 2 * near.REACH}
    assert bool(larger & near._whole.keys()) == (spread == 40.0)


def test_a_flow_that_leaves_the_neighbourhood_later_on_is_followed():
    onset, apex = random(1, 4, 70, 70), random(1, 4, 70, 70, seed=1)
    with torch.inference_mode():
        near = correlation_pyramid(onset, apex)
        near.lookup(centres(1, 70, 70, 0.0))
        far = centres(1, 70, 70, 0.0) + 9.5
        found = near.lookup(far)
    torch.testing.assert_close(
        found, correlation_pyramid(onset, apex).lookup(far), atol=1e-12, rtol=0
    )
