import pytest
import torch

from hmrm.errors import ConfigError
from hmrm.model.sizes import HMRMConfig
from hmrm.model.tokens import RegionTokens, patch_indices


def slow_patches(image, cells, grid):
    """Pixels of every token, by plain slicing; regions in the order the module promises."""
    size = image.shape[-1]
    region = size // cells
    stride = region // grid
    patch = region - stride * (grid - 1)
    if cells == 2:
        corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    else:
        corners = [
            (2 * cy + fy, 2 * cx + fx)
            for cy in range(2)
            for cx in range(2)
            for fy in range(2)
            for fx in range(2)
        ]
    regions = []
    for row, column in corners:
        block = image[:, row * region : (row + 1) * region, column * region : (column + 1) * region]
        tokens = []
        for ty in range(grid):
            for tx in range(grid):
                y, x = ty * stride, tx * stride
                tokens.append(block[:, y : y + patch, x : x + patch].reshape(-1))
        regions.append(torch.stack(tokens))
    return torch.stack(regions)


@pytest.mark.parametrize("size", [28, 56])
@pytest.mark.parametrize(("cells", "grid"), [(2, 4), (4, 4), (4, 2), (2, 1), (4, 7), (2, 3)])
def test_patches_equal_slicing(size, cells, grid):
    image = torch.arange(3.0 * size * size).reshape(3, size, size)
    index = patch_indices(size, 3, cells, grid)
    assert torch.equal(image.reshape(-1)[index], slow_patches(image, cells, grid))


@pytest.mark.parametrize("grid", [1, 2, 3, 4, 5, 7])
def test_every_pixel_is_in_a_token_of_its_region(grid):
    index = patch_indices(28, 1, 4, grid)
    for region in index:
        assert len(region.unique()) == 49
    assert len(index.unique()) == 28 * 28


def test_tokens_equal_twin_with_gradients():
    module = RegionTokens(HMRMConfig(dim=8, coarse_grid=4, fine_grid=2)).double()
    g = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=g, dtype=torch.float64)
    maps = torch.randn(2, 3, 28, 28, generator=g, dtype=torch.float64, requires_grad=True)
    for grain, cells, grid in ((module.coarse, 2, 4), (module.fine, 4, 2)):
        patches = torch.stack([slow_patches(image, cells, grid) for image in maps])
        expected = patches @ grain.project.weight.T + grain.project.bias
        expected = expected + grain.token_position[None, None] + grain.region_position[None]
        got = grain(maps)
        torch.testing.assert_close(got, expected)
        weight = torch.randn(got.shape, generator=g, dtype=torch.float64)
        for ours, true in zip(
            torch.autograd.grad((got * weight).sum(), [maps, *grain.parameters()]),
            torch.autograd.grad((expected * weight).sum(), [maps, *grain.parameters()]),
            strict=True,
        ):
            torch.testing.assert_close(ours, true)


def test_motion_reaches_only_its_own_region():
    module = RegionTokens(HMRMConfig(dim=8, coarse_grid=4, fine_grid=2))
    maps = torch.zeros(1, 3, 28, 28)
    still = module(maps)
    maps[0, :, 10, 20] = 1.0  # top right; fine row 1, column 2
    moved = module(maps)
    assert (moved.coarse != still.coarse).any((2, 3))[0].tolist() == [False, True, False, False]
    touched = (moved.fine != still.fine).any((2, 3))[0].nonzero()[:, 0].tolist()
    assert touched == [1 * 4 + 1 * 2 + 0]


@pytest.mark.parametrize(("size", "grid"), [(30, 4), (28, 8), (28, 0)])
def test_impossible_partition_is_refused(size, grid):
    with pytest.raises(ConfigError, match="map_size"):
        RegionTokens(HMRMConfig(map_size=size, dim=8, coarse_grid=4, fine_grid=grid))
