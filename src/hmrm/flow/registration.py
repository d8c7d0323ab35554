"""How one face moved since an earlier frame, cell by cell, head motion apart.

Lucas and Kanade's registration (1981) in overlapping cells of the canonical crop: least squares on
grey values, each cell with its own gain and bias, so that changes of light are not motion. What
most cells agree on is the head's motion: an affine warp first, then a quadratic field, which is
what a slightly turned, convex face looks like. The rest is the face's own.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.faces.align import apply, compose
from hmrm.faces.crops import IMAGE_WH_PX, Transform
from hmrm.faces.regions import ANATOMICAL

Cells = Float[np.ndarray, "n 2"]

_MARGIN = 0.25
_EYES = ("left_eye", "right_eye")

_UPPER = [(i, j) for i in range(4) for j in range(i, 4)]
_BOTH_HALVES = np.array(
    [[_UPPER.index((min(i, j), max(i, j))) for j in range(4)] for i in range(4)]
)
"""A symmetric 4 × 4 matrix from its upper half."""


@dataclass(frozen=True, kw_only=True)
class RegistrationConfig:
    """How a crop is registered to an earlier one.

    Attributes:
        crop_width_px: width of the crop; its height follows from the canonical image.
        cells_across: cells along the width; as many along the height as make them square.
        blur_px: Gaussian blur of the crop, which widens the reach and lowers noise.
        shade_px: side of the window whose mean is subtracted everywhere: what is smoother is
            light, and light that changes across the face would look like motion.
        noise_grey: grey levels of noise; a cell with little texture is pulled towards rest.
        agreement_px: px of this crop within which cells agree on the head's motion.
        refinements: further steps with every cell's own motion warped away.
        settled_px: a step of the head that moved the crop by less is the last: what it left is far
            smaller, and is taken out with the face's own motion.
    """

    crop_width_px: int = 160
    cells_across: int = 9
    blur_px: float = 0.8
    noise_grey: float = 2.0
    agreement_px: float = 0.04
    refinements: int = 1
    settled_px: float = 0.3
    shade_px: int = 25

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """Width and height of the crop."""
        width, height = IMAGE_WH_PX
        return self.crop_width_px, round(self.crop_width_px * height / width)


class Grid:
    """Overlapping cell windows over a crop, and everything that depends on geometry alone."""

    def __init__(self, config: RegistrationConfig) -> None:
        self.config = config
        width, height = config.size_wh_px
        cell_px = width / config.cells_across
        self.columns, self.rows = config.cells_across, round(height / cell_px)
        self.across = _windows(width, self.columns)
        self.down = _windows(height, self.rows)
        x, y = np.meshgrid(_centres(width, self.columns), _centres(height, self.rows))
        u, v = (x.ravel() + 0.5) * 2 / width - 1, (y.ravel() + 0.5) * 2 / height - 1
        one = np.ones_like(u)
        self.affine = np.stack([one, u, v], -1)
        self.bent = np.stack([one, u, v, u * u, u * v, v * v], -1)
        # Coefficients of a bent field → of the affine field nearest to it.
        self.straightened = np.linalg.pinv(self.affine) @ self.bent
        gy, gx = np.mgrid[0:height, 0:width].astype(np.float32)
        self.map_x, self.map_y = gx, gy
        # (1, u, v) of the affine fit → px of the crop
        self.from_unit = np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1]])
        masks = {name: region.mask(config.size_wh_px) for name, region in ANATOMICAL.items()}
        self.eyes = [np.flatnonzero(masks[name]) for name in _EYES]
        self.regions = tuple(n for n in ANATOMICAL if n not in _EYES)
        # Lids and gaze are the strongest motion of a face: no cell looks at them.
        self.looked_at = 1 - np.maximum(*(masks[name] for name in _EYES)).astype(np.float32)
        areas = self.sums(np.stack([masks[n] for n in self.regions]).astype(np.float32))
        fractions = areas.reshape(len(self.regions), -1) / self.area.ravel()
        self.region_fractions = fractions.astype(np.float64)
        # Cells outside the face's oval are hair or background, and hardly count.
        self.rigid = 0.05 + ((u / 1.1) ** 2 + (v / 1.2) ** 2 < 1.0).astype(np.float64)

    def sums(self, images: Float32[np.ndarray, "k h w"]) -> Float32[np.ndarray, "k r c"]:
        """Sums of pixels under every cell's window."""
        return self.down @ images @ self.across.T

    def moved(self, to_frame: Transform, fit: Float[np.ndarray, "3 2"]) -> Transform:
        """The transform crop px → frame px, after a motion of the crop by an affine fit, px."""
        motion = np.concatenate([np.eye(2), np.zeros((2, 1))], 1)
        motion += fit[1:].T @ self.from_unit
        motion[:, 2] += fit[0]
        return compose(to_frame, motion)

    def field(self, cells: Cells) -> Float32[np.ndarray, "2 h w"]:
        """Smooth field of the cells' motion."""
        planes = cells.T.reshape(2, self.rows, self.columns).astype(np.float32)
        return self.down.T @ planes @ self.across

    @cached_property
    def area(self) -> Float32[np.ndarray, "r c"]:
        """Pixels used under every window."""
        return np.maximum(self.sums(self.looked_at[None])[0], 1e-3)


class Template:
    """A crop with all that registering later crops to it needs."""

    def __init__(self, crop: Float32[np.ndarray, "h w"], grid: Grid) -> None:
        self.crop, self.grid = crop, grid
        self.whole = _Pattern(crop.ravel())
        self.eyes = tuple(_Pattern(crop.ravel()[eye]) for eye in grid.eyes)
        gx = cv2.Scharr(crop, cv2.CV_32F, 1, 0) / 32
        gy = cv2.Scharr(crop, cv2.CV_32F, 0, 1) / 32
        mean = grid.down.T @ (grid.sums((crop * grid.looked_at)[None])[0] / grid.area) @ grid.across
        features = np.stack([-gx, -gy, crop - mean, np.ones_like(crop)])
        self.features = features * grid.looked_at
        above = grid.sums(np.stack([self.features[i] * features[j] for i, j in _UPPER]))
        normal = above.reshape(10, -1).T[:, _BOTH_HALVES].astype(np.float64)
        noise = grid.config.noise_grey**2
        # Prior: motion of 1 px, gain of 20 %, any bias.
        normal += noise * np.diag([1.0, 1.0, 25.0, 1e-4])
        self.solution = np.linalg.inv(normal)[:, :2]
        a, b, c = normal[:, :2, :2], normal[:, :2, 2:], normal[:, 2:, 2:]
        inner = a - b @ np.linalg.inv(c) @ b.swapaxes(1, 2)
        strength = np.trace(inner, axis1=1, axis2=2) / 2
        self.trust = grid.rigid * strength / (strength + np.median(strength))
        # Information of every cell about either direction, shared out to the regions.
        fraction = np.einsum("rn,nij->rnij", grid.region_fractions, inner)
        total = fraction.sum(1) + noise * np.eye(2)
        weights = np.einsum("rij,rnjk->rink", np.linalg.inv(total), fraction)
        self.region_weights = weights.reshape(2 * len(total), -1)

    def step(self, crop: Float32[np.ndarray, "h w"]) -> Cells:
        """One Gauss-Newton step: motion of every cell from this crop to that one, px."""
        sums = self.grid.sums(self.features * (crop - self.crop))
        return (self.solution @ sums.reshape(4, -1).T[:, :, None])[:, :, 0]


def agreed(
    cells: Cells,
    trust: Float[np.ndarray, " n"],
    basis: Float[np.ndarray, "n k"],
    *,
    within_px: float,
) -> Float[np.ndarray, "k 2"]:
    """Coefficients of the motion most cells agree on: reweighted least squares towards L1."""
    weights, across = trust, basis.T.copy()
    for _ in range(5):
        weighted = across * weights
        # Of OpenCV's, because numpy takes several times as long for a matrix as small as this.
        _, coefficients = cv2.solve(weighted @ basis, weighted @ cells, flags=cv2.DECOMP_CHOLESKY)
        away = cells - basis @ coefficients
        away *= away
        weights = trust / np.sqrt(np.maximum(away[:, 0] + away[:, 1], within_px**2))
    return coefficients


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """The part of a frame around a face, in float32, shrunk where the face is large.

    Attributes:
        pixels: grey levels.
        from_frame: frame px → px of ``pixels``.
    """

    pixels: Float32[np.ndarray, "h w"]
    from_frame: Transform

    @classmethod
    def around(
        cls, grey: UInt8[np.ndarray, "h w"], to_frame: Transform, config: RegistrationConfig
    ) -> "View":
        """The view that holds the crop of ``to_frame`` (crop px → frame px) with a margin.

        A face more than twice as large as in the crop is shrunk by area averaging, since sampling
        every second pixel would turn texture into motion. The blocks lie on a fixed grid.
        """
        width, height = config.size_wh_px
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
        places = apply(to_frame, corners)
        margin = _MARGIN * float(np.ptp(places, axis=0).max())
        factor = max(1, int(np.hypot(*to_frame[:, 0])))
        low = np.maximum(0, (places.min(0) - margin) // factor * factor).astype(int)
        high = np.minimum(grey.shape[::-1], places.max(0) + margin + 1).astype(int)
        blocks = np.maximum(1, (high - low) // factor)
        # A face that left the image leaves an empty view; one block of the border stands for it.
        low = np.minimum(low, np.array(grey.shape[::-1]) - factor)
        high = low + blocks * factor
        pixels = grey[low[1] : high[1], low[0] : high[0]].astype(np.float32)
        if factor > 1:
            size = (int(blocks[0]), int(blocks[1]))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        middle = (factor - 1) / 2
        return cls(
            pixels=pixels,
            from_frame=np.array(
                [[1, 0, -(low[0] + middle)], [0, 1, -(low[1] + middle)]], dtype=np.float64
            )
            / factor,
        )


def crop_of(
    view: View, to_frame: Transform, config: RegistrationConfig
) -> Float32[np.ndarray, "h w"]:
    """The crop through the transform crop px → frame px, without its smooth shading."""
    crop = cv2.warpAffine(
        view.pixels,
        compose(view.from_frame, to_frame),
        config.size_wh_px,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    fine = cv2.GaussianBlur(crop, (0, 0), config.blur_px)
    return cv2.subtract(fine, cv2.blur(crop, (config.shade_px, config.shade_px)))


def register(
    template: Template, view: View, to_frame: Transform, *, steps: int
) -> tuple[Transform, Float32[np.ndarray, "h2 w2"]]:
    """Let the transform (crop px → frame px) follow the head; also the crop through it."""
    grid, config = template.grid, template.grid.config
    crop = crop_of(view, to_frame, config)
    for _ in range(steps):
        fit = agreed(
            template.step(crop), template.trust, grid.affine, within_px=config.agreement_px
        )
        to_frame = grid.moved(to_frame, fit)
        crop = crop_of(view, to_frame, config)
        if np.abs(fit).sum(axis=0).max() < config.settled_px:
            break
    return to_frame, crop


def own_motion(
    template: Template, crop: Float32[np.ndarray, "h w"]
) -> Float[np.ndarray, "regions 2"]:
    """Motion of every region against the head, px of the crop."""
    return own_and_head_motion(template, crop)[0]


def own_and_head_motion(
    template: Template, crop: Float32[np.ndarray, "h w"]
) -> tuple[Float[np.ndarray, "regions 2"], Float[np.ndarray, "3 2"]]:
    """Motion of every region against the head, and the head's as an affine fit, px of the crop."""
    grid, config = template.grid, template.grid.config
    cells = template.step(crop)
    for _ in range(config.refinements):
        field = grid.field(cells)
        moved = cv2.remap(
            crop,
            grid.map_x + field[0],
            grid.map_y + field[1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        cells = cells + template.step(moved)
    head = agreed(cells, template.trust, grid.bent, within_px=config.agreement_px)
    own = template.region_weights @ (cells - grid.bent @ head).ravel()
    return own.reshape(-1, 2), grid.straightened @ head


def eye_change(template: Template, crop: Float32[np.ndarray, "h w"]) -> float:
    """How different the eyes look: 0 alike to 2; one minus correlation, the larger of both."""
    pixels = crop.ravel()
    pairs = zip(template.eyes, template.grid.eyes, strict=True)
    return max(1.0 - pattern.correlation(pixels[eye]) for pattern, eye in pairs)


def crop_correlation(template: Template, crop: Float32[np.ndarray, "h w"]) -> float:
    """Correlation of a crop with the template's."""
    return template.whole.correlation(crop.ravel())


class _Pattern:
    """Pixels that others are correlated with again and again."""

    def __init__(self, pixels: Float32[np.ndarray, " n"]) -> None:
        centred = pixels - pixels.mean()
        self._contrast = float(np.sqrt(centred @ centred))
        self._unit = centred / max(self._contrast, 1e-6)

    def correlation(self, pixels: Float32[np.ndarray, " n"]) -> float:
        """Pearson's correlation; 0 where one of the two has no contrast."""
        centred = pixels - pixels.mean()
        contrast = float(np.sqrt(centred @ centred))
        if contrast * self._contrast <= 1e-6:
            return 0.0
        return float(self._unit @ centred) / contrast


def _centres(length: int, cells: int) -> Float[np.ndarray, " n"]:
    return (np.arange(cells) + 0.5) * length / cells - 0.5


def _windows(length: int, cells: int) -> Float32[np.ndarray, "n l"]:
    """Quadratic B-splines: they overlap, are smooth, and add up to one."""
    x = np.abs(np.arange(length)[None] - _centres(length, cells)[:, None]) * cells / length
    return np.where(x < 0.5, 0.75 - x**2, 0.5 * np.clip(1.5 - x, 0, None) ** 2).astype(np.float32)
