"""Every exception of the package, as one tree.

HmrmError                      base; ``exit_code`` is what the command line returns
├── InputError            (3)  a file the user gave cannot be used
│   ├── VideoError             not a video, truncated, no frames, sizes differ
│   ├── FrameIndexError        onset or apex number outside the clip, or in the wrong order
│   └── DataError              a data set or table is not in the declared layout
├── FaceError             (4)
│   ├── FaceNotFoundError      no face in any frame looked at
│   └── FaceTooSmallError      a face is there, but below the usable size
├── OutputError           (5)  a result cannot be written
├── ConfigError           (6)  unknown key, wrong type, value out of range
├── WeightsError          (7)  weight file missing, damaged or for another network
│   └── SeenInTrainingError    the weights were trained on the clips they are to be scored on
├── MissingExtraError     (8)  an optional dependency is not installed
├── NumericalError        (9)  NaN or infinity where a number was due
└── EngineError          (10)  workers on other machines cannot be reached or used, or were lost

Messages say what, where, what was got and what to do.
"""

_MOST_LETTERS = 80


def shortened(value: object) -> str:
    """A value of a file as messages repeat it: by ``repr``, at most 80 letters of it."""
    if isinstance(value, int) and abs(value) >= 10**_MOST_LETTERS:
        return "a number of more than 80 digits"
    if isinstance(value, str):
        value = value[: _MOST_LETTERS + 1]
    text = repr(value)
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


class HmrmError(Exception):
    """Base of all errors that the package raises on purpose."""

    exit_code = 1


class InputError(HmrmError):
    """A file or value the user gave cannot be used."""

    exit_code = 3


class VideoError(InputError):
    """Not a video, truncated, without frames, or frames of different size."""


class FrameIndexError(InputError):
    """An onset or apex number lies outside the clip or in the wrong order."""


class DataError(InputError):
    """A data set, table or map is not in the declared layout."""


class FaceError(HmrmError):
    """The face that an analysis needs is not usable."""

    exit_code = 4


class FaceNotFoundError(FaceError):
    """No face in any frame looked at."""


class FaceTooSmallError(FaceError):
    """A face is there, but smaller than motion below one pixel can be read from."""


class OutputError(HmrmError):
    """A result cannot be written."""

    exit_code = 5


class ConfigError(HmrmError):
    """A configuration has an unknown key, a wrong type or a value out of range."""

    exit_code = 6


class WeightsError(HmrmError):
    """A weight file is missing, damaged or belongs to another network."""

    exit_code = 7


class SeenInTrainingError(WeightsError):
    """The weights were trained on subjects they are to be scored on."""


class MissingExtraError(HmrmError):
    """An optional dependency is not installed."""

    exit_code = 8


class NumericalError(HmrmError):
    """NaN or infinity where a number was due."""

    exit_code = 9


class EngineError(HmrmError):
    """Workers on other machines cannot be reached, were lost, or are of another version."""

    exit_code = 10
