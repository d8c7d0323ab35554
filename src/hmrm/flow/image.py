"""Flow as colour, arrows and maps; always on a fixed scale, so that noise looks like noise."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from hmrm.clip import FlowMap

# The ring of colours of Baker et al. (2011): corner colour and the fraction of the turn up to the
# next corner, from red (motion to the right) through yellow (down) and so on, clockwise on screen.
_CORNERS = (
    ((255, 0, 0), 15),
    ((255, 255, 0), 6),
    ((0, 255, 0), 4),
    ((0, 255, 255), 11),
    ((0, 0, 255), 13),
    ((255, 0, 255), 6),
)
_TOO_FAST = 0.75
_UNKNOWN = (0, 0, 0)


def flow_image(
    flow: Float[np.ndarray, "2 h w"], *, max_px: float = 2.0
) -> UInt8[np.ndarray, "h w 3"]:
    """Colour a flow: hue is direction, saturation is length, white is no motion.

    The scale is fixed by ``max_px`` and never by the image: scaling each image by its own
    maximum makes noise look like motion. Longer vectors are fully saturated and darker,
    NaN is black.

    Args:
        flow: px, u right and v down.
        max_px: length at which a colour is fully saturated.

    Returns:
        RGB. The ring follows the Middlebury flow benchmark: right is red, down yellow, left blue.
    """
    known = np.isfinite(flow).all(axis=0)
    u, v = np.where(known, flow, 0.0).astype(np.float64)
    length = np.hypot(u, v) / max_px
    ring = _ring(np.arctan2(v, u))
    inside = 1.0 - np.minimum(length, 1.0)[..., None] * (1.0 - ring)
    colour = np.where(length[..., None] <= 1.0, inside, ring * _TOO_FAST)
    image = np.rint(colour * 255.0).astype(np.uint8)
    image[~known] = _UNKNOWN
    return image


def _ring(angle: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    """Fully saturated colour (0 to 1) of a direction in radians, clockwise from the right."""
    starts = np.cumsum([0, *(fraction for _, fraction in _CORNERS)])
    corners = np.array([*(colour for colour, _ in _CORNERS), _CORNERS[0][0]]) / 255.0
    position = np.mod(angle, 2 * math.pi) / (2 * math.pi) * starts[-1]
    return np.stack([np.interp(position, starts, corners[:, c]) for c in range(3)], axis=-1)


def legend_image(*, max_px: float = 2.0, size: int = 224) -> UInt8[np.ndarray, "s s 3"]:
    """The colour wheel that belongs to ``flow_image``, with its lengths written in px.

    Circles at half and at the whole of ``max_px`` carry their length; the rim beyond shows how
    longer vectors look.

    Args:
        size: side of the image, at least 96 px.
    """
    centre = (size - 1) / 2
    radius = 0.84 * centre
    y, x = np.mgrid[:size, :size].astype(np.float64) - centre
    flow = np.stack([x, y]) * (max_px / radius)
    image = flow_image(flow, max_px=max_px)
    image[np.hypot(x, y) > centre] = 255
    canvas, axes = _canvas(image, size=size)
    turn = np.linspace(0.0, 2.0 * math.pi, 181)
    for fraction in (0.5, 1.0):
        reach = radius * fraction
        ring_xy = centre + reach * np.cos(turn), centre + reach * np.sin(turn)
        axes.plot(*ring_xy, lw=0.6, color="black")
        axes.text(
            centre + reach * 0.92 * math.cos(0.7),
            centre - reach * 0.92 * math.sin(0.7),
            f"{max_px * fraction:g} px",
            fontsize=_font_px(size),
            ha="right",
            va="top",
            color="black",
        )
    return _rendered(canvas)


def flow_and_legend_image(
    flow: Float[np.ndarray, "2 h w"], *, max_px: float = 2.0
) -> UInt8[np.ndarray, "H W 3"]:
    """``flow_image`` with its legend to the right, on white."""
    legend = legend_image(max_px=max_px, size=int(np.clip(flow.shape[1], 120, 240)))
    return alongside(flow_image(flow, max_px=max_px), legend)


def alongside(*images: UInt8[np.ndarray, "_ _ 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """Images of any height in a row on white, 8 px apart."""
    height = max(image.shape[0] for image in images)
    width = sum(image.shape[1] + 8 for image in images) - 8
    row = np.full((height, width, 3), 255, np.uint8)
    left = 0
    for image in images:
        row[: image.shape[0], left : left + image.shape[1]] = image
        left += image.shape[1] + 8
    return row


def quiver_image(
    face: UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"],
    flow: Float[np.ndarray, "2 h w"],
    *,
    max_px: float = 2.0,
    step_px: int = 14,
    zoom: int = 2,
) -> UInt8[np.ndarray, "H W 3"]:
    """Arrows over an image; an arrow of ``max_px`` is as long as the arrows are apart.

    Args:
        face: the onset.
        flow: px, of the same size; each arrow shows the mean over its ``step_px`` square.
        zoom: the result is that many times larger.
    """
    height, width = flow.shape[1:]
    rows, columns = max(height // step_px, 1), max(width // step_px, 1)
    kept = np.nan_to_num(flow[:, : rows * step_px, : columns * step_px], nan=0.0)
    u, v = kept.reshape(2, rows, kept.shape[1] // rows, columns, -1).mean(axis=(2, 4))
    y, x = np.mgrid[:rows, :columns] * step_px + (step_px - 1) / 2
    grey = face if face.ndim == 3 else np.repeat(face[..., None], 3, axis=2)
    canvas, axes = _canvas(grey, size=max(width, height) * zoom)
    colour = _ring(np.arctan2(v, u)).reshape(-1, 3) * 0.9
    axes.quiver(
        *(x, y, u, v),
        color=colour,
        angles="xy",
        scale_units="xy",
        scale=max_px / step_px,
        units="dots",
        width=0.07 * step_px * zoom,
        headwidth=4,
        minlength=0,
    )
    return _rendered(canvas)


def map_image(flow_map: FlowMap, *, zoom: int = 6) -> UInt8[np.ndarray, "H W 3"]:
    """The three planes of a flow map side by side: u, v, strain.

    u and v run from blue (left, up) through white to red (right, down) at ±3 times the map's
    scale, strain from white to black at 3; each plane is ``zoom`` times as large as the map.
    """
    u, v, strain = flow_map.values.astype(np.float64) / 3.0
    planes = [
        _diverging(u),
        _diverging(v),
        1.0 - np.clip(strain, 0.0, 1.0)[..., None].repeat(3, 2),
    ]
    gap = np.ones((u.shape[0] * zoom, zoom, 3))
    large = [np.kron(plane, np.ones((zoom, zoom, 1))) for plane in planes]
    row = np.concatenate([large[0], gap, large[1], gap, large[2]], axis=1)
    return np.rint(row * 255.0).astype(np.uint8)


def _diverging(values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    amount = np.clip(values, -1.0, 1.0)
    anchors = [-1.0, 0.0, 1.0]
    colours = np.array([(33, 72, 173), (255, 255, 255), (178, 24, 43)]) / 255.0
    return np.stack([np.interp(amount, anchors, colours[:, c]) for c in range(3)], axis=-1)


def _font_px(size: int) -> float:
    return size / 18


def _canvas(image: UInt8[np.ndarray, "h w 3"], *, size: int) -> tuple[Any, Any]:
    """Canvas and axes: the longer side is ``size`` px, coordinates are the image's px.

    72 dots an inch make font sizes px. pyplot would keep global state; ``Figure`` has none.
    """
    # Loading matplotlib takes a second, which colouring a flow should not cost.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = image.shape[:2]
    shrink = size / max(height, width)
    figure = Figure(figsize=(width * shrink / 72, height * shrink / 72), dpi=72)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(image, interpolation="nearest", aspect="auto")
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_axis_off()
    return FigureCanvasAgg(figure), axes


def _rendered(canvas: Any) -> UInt8[np.ndarray, "h w 3"]:
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
