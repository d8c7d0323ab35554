"""Images, image folders, videos and flow files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from hmrm.flow.files.formats import write_flow
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

SIDE_PX = 48
_FRAMES = 6

Make = Callable[[Path, Path], None]


def _image(step: int, *, channels: int = 3, depth: int = 8, side_px: int = SIDE_PX) -> np.ndarray:
    """Soft stripes that move by a px a step."""
    y, x = np.mgrid[:side_px, :side_px]
    planes = [np.sin((x + 2 * y + step) / (4 + c)) * 0.4 + 0.5 for c in range(channels)]
    values = np.stack(planes, axis=2) * (2**depth - 1)
    whole: np.ndarray = values.astype(np.uint8 if depth == 8 else np.uint16)
    return whole.squeeze()


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    done, content = cv2.imencode(path.suffix, image)
    assert done, path
    path.write_bytes(content.tobytes())


def pair(suffix: str, *, channels: int = 3, depth: int = 8) -> Make:
    """Two images of one kind."""
    return partial(_pair, suffix, channels, depth)


def _pair(suffix: str, channels: int, depth: int, folder: Path, kit: Path) -> None:
    del kit
    for step, name in enumerate(("onset", "apex")):
        _write(folder / f"{name}{suffix}", _image(step, channels=channels, depth=depth))


def pairs_folder(folder: Path, kit: Path) -> None:
    """A folder of pairs, named in two ways."""
    del kit
    for name in ("a_onset.png", "a_apex.jpg", "b_img1.ppm", "b_img2.ppm"):
        _write(folder / "pairs" / name, _image(len(name)))


def image_folder(suffix: str) -> Make:
    """A clip as numbered images."""
    return partial(_image_folder, suffix)


def _image_folder(suffix: str, folder: Path, kit: Path) -> None:
    del kit
    for step in range(_FRAMES):
        _write(folder / "clip" / f"img{step + 1:03d}{suffix}", _image(step))


def folder_of_clips(folder: Path, kit: Path) -> None:
    """A video and an image folder below one folder."""
    _image_folder(".png", folder / "clips", kit)
    _video(".mp4", False, folder / "clips", kit)


def video(suffix: str, *, lossless: bool = False) -> Make:
    """A short video."""
    return partial(_video, suffix, lossless)


def _video(suffix: str, lossless: bool, folder: Path, kit: Path) -> None:
    del kit
    folder.mkdir(parents=True, exist_ok=True)
    frames = [_image(step) for step in range(_FRAMES)]
    write_video(folder / f"clip{suffix}", frames, 25.0, lossless=lossless)


def face_video(folder: Path, kit: Path) -> None:
    """A second of a real face, small."""
    del kit
    folder.mkdir(parents=True, exist_ok=True)
    clip = demo_clip()
    frames = [
        cv2.resize(clip.frame(index).image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for index in range(0, 40, 4)
    ]
    write_video(folder / "face.mp4", frames, 25.0)


def flow(suffix: str) -> Make:
    """A flow file."""
    return partial(_flow, suffix)


def _flow(suffix: str, folder: Path, kit: Path) -> None:
    del kit
    folder.mkdir(parents=True, exist_ok=True)
    write_flow(folder / f"flow{suffix}", known_flow())


def known_flow(side_px: int = SIDE_PX) -> np.ndarray:
    """A smooth flow of up to a px, one of its pixels unknown."""
    y, x = np.mgrid[:side_px, :side_px].astype(np.float32) / side_px
    found = np.stack([np.sin(3 * x), np.cos(3 * y)]).astype(np.float32)
    found[:, 3, 3] = np.nan
    return found


def flying_chairs(folder: Path, kit: Path) -> None:
    """Two pairs of each split in the layout of FlyingChairs."""
    del kit
    data = folder / "chairs" / "data"
    for number in range(1, 5):
        for image in (1, 2):
            _write(data / f"{number:05d}_img{image}.ppm", _image(number + image))
        write_flow(data / f"{number:05d}_flow.flo", known_flow())
    (folder / "chairs" / "FlyingChairs_train_val.txt").write_text("1\n2\n1\n2\n")


def flying_things(folder: Path, kit: Path) -> None:
    """A sequence of each split in the layout of FlyingThings3D."""
    del kit
    root = folder / "things"
    for split in ("TRAIN", "TEST"):
        for frame in (6, 7, 8):
            place = root / "frames_cleanpass" / split / "A" / "0000" / "left"
            _write(place / f"{frame:04d}.png", _image(frame))
            for way, word in (("into_future", "IntoFuture"), ("into_past", "IntoPast")):
                flows = root / "optical_flow" / split / "A" / "0000" / way / "left"
                write_flow(flows / f"OpticalFlow{word}_{frame:04d}_L.pfm", known_flow())
