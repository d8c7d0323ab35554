import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.flow.image import flow_image, legend_image, map_image, quiver_image
from hmrm.flow.pair import flow_map


def one_vector(u: float, v: float) -> np.ndarray:
    return np.float64([u, v])[:, None, None]


def ring_twin(angle: float) -> np.ndarray:
    """The colour ring as the benchmark's own description builds it: a table of 55 colours."""
    table = []
    segments = [
        (15, (255, 0, 0), (255, 255, 0)),
        (6, (255, 255, 0), (0, 255, 0)),
        (4, (0, 255, 0), (0, 255, 255)),
        (11, (0, 255, 255), (0, 0, 255)),
        (13, (0, 0, 255), (255, 0, 255)),
        (6, (255, 0, 255), (255, 0, 0)),
    ]
    for count, first, last in segments:
        for i in range(count):
            fraction = i / count
            table.append([a + (b - a) * fraction for a, b in zip(first, last, strict=True)])
    position = (angle % (2 * math.pi)) / (2 * math.pi) * len(table)
    low = int(position) % len(table)
    fraction = position - int(position)
    return (
        np.array(table[low]) * (1 - fraction) + np.array(table[(low + 1) % len(table)]) * fraction
    )


@given(angle=st.floats(0, 6.28), length=st.floats(0, 2))
def test_colours_agree_with_the_table_of_55(angle: float, length: float):
    flow = one_vector(length * math.cos(angle), length * math.sin(angle))
    expected = 255 - length / 2 * (255 - ring_twin(angle))
    # rounded to whole grey levels; an angle at the end of the turn may wrap
    np.testing.assert_allclose(flow_image(flow, max_px=2.0)[0, 0], expected, atol=1)


@pytest.mark.parametrize(
    ("u", "v", "colour"),
    [
        (0, 0, (255, 255, 255)),
        (2, 0, (255, 0, 0)),
        (4, 0, (191, 0, 0)),
        (1, 0, (255, 128, 128)),
        (np.nan, 0, (0, 0, 0)),
        (np.inf, 0, (0, 0, 0)),
    ],
)
def test_golden_colours(u: float, v: float, colour: tuple[int, int, int]):
    np.testing.assert_allclose(flow_image(one_vector(u, v), max_px=2.0)[0, 0], colour, atol=1)


def test_the_scale_is_fixed_whatever_else_moves():
    flow = np.zeros((2, 8, 8))
    flow[0, 2, 2] = 0.5
    alone = flow_image(flow)[2, 2]
    flow[1, 5, 5] = 40
    np.testing.assert_array_equal(flow_image(flow)[2, 2], alone)


def test_legend_shows_the_same_colours_as_the_flow():
    legend = legend_image(max_px=2.0, size=224)
    assert legend.shape == (224, 224, 3)
    centre, radius = 111.5, 0.84 * 111.5
    for u, v in [(1.4, 0.0), (-0.6, 0.0), (0.0, 1.4), (-1.0, 1.0)]:
        x, y = round(centre + u / 2 * radius), round(centre + v / 2 * radius)
        # a pixel of the legend is .02 px of motion, or 3 grey levels
        np.testing.assert_allclose(
            legend[y, x].astype(int), flow_image(one_vector(u, v))[0, 0].astype(int), atol=6
        )


def test_legend_says_its_scale():
    assert (legend_image(max_px=2.0) != legend_image(max_px=0.5)).any()


def test_quiver_covers_the_face_only_where_something_moves():
    face = np.full((56, 70, 3), 180, np.uint8)
    still = quiver_image(face, np.zeros((2, 56, 70)))
    assert still.shape == (112, 140, 3)
    flow = np.zeros((2, 56, 70))
    flow[0, :28, :35] = 2.0
    moved = quiver_image(face, flow) != still
    assert moved[:56, :84].any()
    assert not moved[60:, :].any()


def test_quiver_arrow_points_where_the_flow_goes():
    face = np.full((42, 42), 255, np.uint8)
    flow = np.zeros((2, 42, 42))
    flow[1, 14:28, 14:28] = 4.0  # one arrow in the middle, 28 px down
    dark = np.argwhere(quiver_image(face, flow, zoom=4).min(axis=2) < 128)
    down = dark[:, 0].max() - 20.5 * 4
    assert down > 20 * 4 * 0.9
    assert dark[:, 0].min() > 18 * 4
    assert np.abs(dark[:, 1] - 82).max() < 12


def test_map_picture_colours_signs():
    flow = np.zeros((2, 28, 28), np.float32)
    flow[0, :9] = 1
    flow[1, :, :9] = -1
    image = map_image(flow_map(flow), zoom=2)
    assert image.shape == (56, 56 * 3 + 4, 3)
    assert image[2, 30, 0] > image[2, 30, 2]  # u to the right: red
    assert image[30, 58 + 2, 2] > image[30, 58 + 2, 0]  # v up: blue
    assert (image[50, 50] == 255).all()


def test_pictures_are_deterministic():
    flow = np.random.default_rng(0).normal(size=(2, 40, 40))
    face = np.full((40, 40), 90, np.uint8)
    assert quiver_image(face, flow).tobytes() == quiver_image(face, flow).tobytes()
    assert legend_image().tobytes() == legend_image().tobytes()
