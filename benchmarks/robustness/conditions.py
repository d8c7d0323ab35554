"""Which recordings are tried: each line of the page, easiest first."""

from benchmarks.robustness.scenes import Condition

ORDINARY = "ordinary recording"

AXES: dict[str, dict[str, Condition]] = {
    "head shifts between onset and apex": {
        "4 px": Condition(shift_px=4.0),
        "8 px": Condition(shift_px=8.0),
    },
    "head turns between onset and apex": {
        "2°": Condition(turn_deg=2.0),
        "4°": Condition(turn_deg=4.0),
        "6°": Condition(turn_deg=6.0),
    },
    "width of the face": {
        "128 px": Condition(face_width_px=128.0),
        "96 px": Condition(face_width_px=96.0),
        "80 px": Condition(face_width_px=80.0),
        "64 px": Condition(face_width_px=64.0),
    },
    "light falls everywhere": {
        "by 20 %": Condition(gain=-0.2),
        "by 40 %": Condition(gain=-0.4),
    },
    "light moves to one side": {
        "20 %": Condition(gradient=0.2),
        "40 %": Condition(gradient=0.4),
    },
    "lamps flicker in bands": {
        "10 %": Condition(bands=0.1),
        "20 %": Condition(bands=0.2),
    },
    "head is turned all the time": {
        "aside 10°": Condition(yaw_deg=10.0),
        "aside 20°": Condition(yaw_deg=20.0),
        "aside 30°": Condition(yaw_deg=30.0),
        "down 15°": Condition(pitch_deg=15.0),
    },
    "something covers the face": {
        "glasses": Condition(cover="glasses"),
        "sunglasses": Condition(cover="sunglasses"),
        "hand at the chin": Condition(cover="hand at the chin"),
        "hand over a cheek": Condition(cover="hand over a cheek"),
    },
    "skin, on rendered faces": {
        "very light": Condition(synthetic=True, tone=0),
        "medium": Condition(synthetic=True, tone=2),
        "dark": Condition(synthetic=True, tone=4),
        "very dark": Condition(synthetic=True, tone=5),
        "medium, beard": Condition(synthetic=True, tone=2, beard=True),
    },
}

SMOOTHED = ("width of the face",)
EVENED = ("light falls everywhere", "light moves to one side", "lamps flicker in bands")
"""Axes on which remedies for small faces and for light are tried."""
