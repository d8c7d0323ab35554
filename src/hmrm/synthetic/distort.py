"""What stands between the true motion of a face and the flow map somebody measures of it.

Each step takes and gives ``(2, h, w)`` fields on a grid of cells, px, and samples from the given
generator only.
"""

import cv2
import numpy as np
from jaxtyping import Float32

from hmrm.facs.atlas import IMAGE_PX
from hmrm.facs.basis import MAP_SIDE
from hmrm.flow.rigid import fit_rigid

Field = Float32[np.ndarray, "2 h w"]
Plane = Float32[np.ndarray, "h w"]


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def head_motion(depth: Plane, rng: np.random.Generator, *, most_px: float) -> Field:
    """Small rigid motion of the head: shift, roll, approach, and turns, which parallax shows.

    Args:
        most_px: largest motion that each part may cause within the map; sampled log-uniformly from
            a thirtieth of it.
    """
    height, width = depth.shape
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None] * np.float32(1.45)
    z = depth / np.float32(max(1e-6, float(np.abs(depth).max())))
    amounts = [_log_uniform(rng, most_px / 30, most_px) * rng.normal() * 0.6 for _ in range(6)]
    shift_x, shift_y, roll, approach, yaw, pitch = amounts
    u = shift_x - 0.7 * roll * y + 0.7 * approach * x + yaw * z
    v = shift_y + 0.7 * roll * x + 0.7 * approach * y + pitch * z
    return np.stack([u, v]).astype(np.float32)


def still_background(flow: Field, inside: Plane, rng: np.random.Generator) -> Field:
    """Behind the face nothing moves with it; regularised flow carries the face's motion outwards.

    The border between them is as wide as the estimator's reach, sampled for each map.
    """
    soft = cv2.GaussianBlur(
        inside, (0, 0), float(rng.uniform(0.3, 1.5)), borderType=cv2.BORDER_REPLICATE
    )
    return flow * soft


def misalign(
    flow: Field, texture: Plane, rng: np.random.Generator, *, amount: float
) -> tuple[Float32[np.ndarray, "2 s s"], Float32[np.ndarray, "s s"]]:
    """Look at the field through a crop that lies, and is bent, a little wrong.

    Args:
        amount: 1 means about 0.6 cells of shift, 4 % of scale, 2° of turn and 0.4 cells of bending
            (standard deviations): alignment by other landmarks, other faces than the source's.

    Returns:
        Field and texture seen through the same crop, without their border.
    """
    side = MAP_SIDE
    centred = np.arange(side, dtype=np.float32) - (side - 1) / 2
    at_x, at_y = wrong_crop(centred, centred, rng, amount=amount, middle=(flow.shape[1] - 1) / 2)
    stacked = np.ascontiguousarray(np.stack([flow[0], flow[1], texture], axis=-1))
    seen = cv2.remap(
        stacked,
        at_x,
        at_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.ascontiguousarray(seen[..., :2].transpose(2, 0, 1)), seen[..., 2]


def wrong_crop(
    across: Float32[np.ndarray, " w"],
    down: Float32[np.ndarray, " h"],
    rng: np.random.Generator,
    *,
    amount: float,
    middle: float,
) -> tuple[Plane, Plane]:
    """Where a crop that lies, and is bent, a little wrong looks at.

    Args:
        across, down: columns and rows of any grid, cells from the middle of the right crop.
        amount: as in ``misalign``.
        middle: added to both; the middle's place in the field that is looked at, cells.

    Returns:
        x and y of every point of the grid, cells.
    """
    shift = 0.6 * amount * rng.standard_normal(2)
    scale = 1.0 + 0.04 * amount * rng.standard_normal(2)
    turn = np.deg2rad(2.0 * amount) * rng.standard_normal()
    x, y = across[None, :], down[:, None]
    coarse = (0.4 * amount * rng.standard_normal((4, 4, 2))).astype(np.float32)
    bend = cv2.resize(coarse, (across.size, down.size), interpolation=cv2.INTER_CUBIC)
    at_x = scale[0] * x - turn * y + bend[..., 0] + middle + shift[0]
    at_y = scale[1] * y + turn * x + bend[..., 1] + middle + shift[1]
    return at_x.astype(np.float32), at_y.astype(np.float32)


def estimate(flow: Field, texture: Plane, rng: np.random.Generator, *, loss: float) -> Field:
    """What an estimator makes of a field: motion is seen at texture and spread from there.

    A normalised convolution: where nothing is to be seen, motion is filled in from around as
    smooth methods do, or lost as local ones do, by how ``shrink`` compares with the texture.

    Args:
        loss: 0 for a perfect estimator, 1 for the usual ones.
    """
    if loss <= 0:
        return flow
    coarse = rng.standard_normal((7, 7)).astype(np.float32)
    patchy = cv2.resize(coarse, flow.shape[:0:-1], interpolation=cv2.INTER_CUBIC)
    seen = texture ** np.float32(rng.uniform(0.3, 1.2) * loss) * np.exp(0.5 * loss * patchy)
    sigma = _log_uniform(rng, 0.4, 1.8)
    shrink = np.float32(loss * _log_uniform(rng, 0.01, 0.5))
    spread = cv2.GaussianBlur(
        np.stack([flow[0] * seen, flow[1] * seen, seen], axis=-1),
        (0, 0),
        sigma,
        borderType=cv2.BORDER_REPLICATE,
    )
    return np.ascontiguousarray(spread[..., :2].transpose(2, 0, 1) / (spread[..., 2] + shrink))


def add_noise(flow: Field, texture: Plane, rng: np.random.Generator, *, most_px: float) -> Field:
    """Correlated errors of the estimator at three scales, larger where there is little to see."""
    side = flow.shape[1]
    total = np.zeros((side, side, 2), dtype=np.float32)
    for cells in (side, side // 2, side // 5):
        noise = rng.standard_normal((cells, cells, 2), np.float32)
        amount = np.float32(_log_uniform(rng, most_px / 20, most_px))
        total += amount * cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    weight = np.float32(1.4) - texture
    return flow + total.transpose(2, 0, 1) * weight


def remove_head_motion(flow: Field) -> Field:
    """What the chain from video does before it makes a map: a robust similarity is taken out.

    Cells are higher than wide; the fit is made on a grid on which faces are not squeezed.
    """
    height = round(flow.shape[1] * IMAGE_PX[1] / IMAGE_PX[0])
    tall = cv2.resize(flow.transpose(1, 2, 0), (flow.shape[2], height))
    a, b = fit_rigid(np.ascontiguousarray(tall.transpose(2, 0, 1)), model="similarity")
    x = np.arange(flow.shape[2], dtype=np.float32)[None, :]
    y = (np.arange(flow.shape[1], dtype=np.float32)[:, None] + 0.5) * (height / flow.shape[1]) - 0.5
    rigid = np.stack([row[0] * x + row[1] * y + row[2] for row in (a, b)])
    return flow - rigid.astype(np.float32)


def add_outliers(flow: Field, rng: np.random.Generator, *, probability: float) -> Field:
    """Spots where the estimate is wrong altogether: highlights, hair, glasses, background."""
    side = flow.shape[1]
    while rng.random() < probability:
        x, y = rng.uniform(0, side, 2)
        if rng.random() < 0.6:
            # Most of them lie along the border, where hair and background look in.
            edge = float(side * rng.integers(2))
            x, y = (x, edge) if rng.random() < 0.5 else (edge, y)
        spread = rng.uniform(0.6, 2.5, 2)
        cells = np.arange(side)
        spot = np.exp(-0.5 * ((cells - y) / spread[1]) ** 2)[:, None] * np.exp(
            -0.5 * ((cells - x) / spread[0]) ** 2
        )
        push = rng.normal(0.0, 1.0, 2)
        flow = flow + (push[:, None, None] * spot).astype(np.float32)
    return flow


def store_as_bytes(flow: Field, rng: np.random.Generator) -> Field:
    """Min–max scaling of each channel to 8 bit, as public maps are stored; the range is lost.

    Their extremes were taken before the map was shrunk, so the range is somewhat wider.
    """
    low = flow.min(axis=(1, 2), keepdims=True)
    high = flow.max(axis=(1, 2), keepdims=True)
    slack = np.float32(rng.uniform(0.0, 0.5)) * (high - low)
    step = np.maximum((high - low + slack) / np.float32(255.0), np.float32(1e-9))
    return np.rint(flow / step) * step
