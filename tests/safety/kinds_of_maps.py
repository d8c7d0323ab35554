"""Flow maps, images, videos and flow files."""

from collections.abc import Mapping

import damaged_images as images
import damaged_maps as maps
import numpy as np
from damaged_files import after, file, folder_named, link, nothing
from kinds import CHECK, FRAMES, READ_FLOW, Kind, kind

_START = "{'descr': '<f4', 'fortran_order': False, 'shape': "
_LABELS = "{'descr': '<i8', 'fortran_order': False, 'shape': "
_NPZ = "maps.npz"

MAPS: Mapping[str, Kind] = {
    "maps-deflate": kind(maps.maps_npz(maps.broken_deflate), CHECK, _NPZ),
    "maps-bomb": kind(maps.maps_npz(maps.bomb), CHECK, _NPZ),
    "maps-locked": kind(maps.maps_npz(maps.locked), CHECK, _NPZ),
    "maps-method": kind(maps.maps_npz(maps.other_method), CHECK, _NPZ),
    "maps-header-open": kind(maps.header_of("ids.npy", _START + "(6,"), CHECK, _NPZ),
    "maps-header-deep": kind(maps.header_of("ids.npy", "(" * 9000), CHECK, _NPZ),
    "maps-header-text": kind(maps.header_of("ids.npy", "__import__('os')"), CHECK, _NPZ),
    "maps-header-claims": kind(
        maps.header_of("maps.npy", _START + "(1000000000000, 3, 28, 28)}"), CHECK, _NPZ
    ),
    "maps-header-claims-less": kind(
        maps.header_of("labels.npy", _LABELS + "(2000000000,)}"), CHECK, _NPZ
    ),
    "maps-header-overflows": kind(
        maps.header_of("labels.npy", _LABELS + "(4294967296, 1099511627776)}"), CHECK, _NPZ
    ),
    "maps-ids-long": kind(
        maps.header_of("ids.npy", _START.replace("<f4", "<U500000000") + "(6,)}"), CHECK, _NPZ
    ),
    "maps-objects": kind(maps.pickled, CHECK, _NPZ),
    "maps-ids-scalar": kind(maps.array_of("ids.npy", np.array("x")), CHECK, _NPZ),
    "maps-labels-scalar": kind(maps.array_of("labels.npy", np.array(3)), CHECK, _NPZ),
    "maps-classes-scalar": kind(maps.array_of("classes.npy", np.array("x")), CHECK, _NPZ),
    "maps-crop-is-a-list": kind(maps.array_of("crop.npy", np.array(["a", "b"])), CHECK, _NPZ),
    "maps-ids-of-two-axes": kind(
        maps.array_of("ids.npy", np.full((6, 2), "casme2/a/b")), CHECK, _NPZ
    ),
    "maps-without-pixels": kind(
        maps.array_of("maps.npy", np.zeros((6, 3, 0, 0), np.float32)), CHECK, _NPZ
    ),
    "maps-type-of-no-width": kind(
        maps.header_of(
            "ids.npy", "{'descr': '<U999999999', 'fortran_order': False, 'shape': (6,)}"
        ),
        CHECK,
        _NPZ,
    ),
    "maps-structured": kind(
        maps.array_of("labels.npy", np.zeros(6, [("a", "<i8"), ("b", "<f4")])), CHECK, _NPZ
    ),
    "maps-file-is-a-folder": kind(after(nothing, folder_named("maps/maps.npz")), CHECK, "maps"),
    "folds-file-for-class": kind(maps.folds(maps.file_for_class), CHECK, "u_train"),
    "folds-dangling-copy": kind(maps.folds(maps.dangling_copy), CHECK, "u_train"),
    "folds-folder-for-copy": kind(maps.folds(maps.folder_for_copy), CHECK, "u_train"),
    "folds-file-for-subject": kind(maps.files_for_subjects, CHECK, "u_test"),
    "flat-endless-image": kind(maps.endless_image, CHECK, ".png"),
    "flat-large-image": kind(maps.large_image, CHECK, ".png"),
}

IMAGES: Mapping[str, Kind] = {
    "image-large": kind(images.large_png("img000.png"), FRAMES, "img000.png"),
    "image-large-later": kind(images.large_png("img004.png"), FRAMES, "img004.png"),
    "image-large-analyzed": kind(
        images.large_png("img000.png"), "analyze in/clip -o out --no-progress", "img000.png"
    ),
    "image-large-spotted": kind(
        images.large_png("img000.png"), "spot in/clip -o out --no-progress", "img000.png"
    ),
    "image-claims": kind(images.claimed_png, FRAMES, "img001.png"),
    "image-jpeg-claims": kind(
        images.large_jpeg, "flow in/onset.jpg in/apex.jpg -o out/flow.flo", "onset.jpg"
    ),
    "gif-claims": kind(images.claiming_gif, "analyze in/clip.gif -o out --no-progress", "clip.gif"),
    "gif-claims-spotted": kind(
        images.claiming_gif, "spot in/clip.gif -o out --no-progress", "clip.gif"
    ),
    "gif-claims-frames": kind(
        images.claiming_gif, FRAMES.replace("in/clip", "in/clip.gif"), "clip.gif"
    ),
    "flow-npy-short": kind(
        after(nothing, file("flow.npy", b"\x93NUMPY\x02\0\x62\0")), f"{READ_FLOW}.npy", "flow.npy"
    ),
    "flow-npy-empty-header": kind(
        after(nothing, file("flow.npy", b"\x93NUMPY\x01\0")), f"{READ_FLOW}.npy", "flow.npy"
    ),
    "flow-flo-claims": kind(
        after(nothing, file("flow.flo", b"PIEH" + (16_000).to_bytes(4, "little") * 2)),
        f"{READ_FLOW}.flo",
        "flow.flo",
    ),
    "flow-png-is-large": kind(images.large_flow_png, f"{READ_FLOW}.png", "flow.png"),
    "flow-is-endless": kind(
        after(nothing, link("flow.flo", "/dev/zero")), f"{READ_FLOW}.flo", "flow.flo"
    ),
}
