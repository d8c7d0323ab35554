"""``python tools/compact_face_model.py FACEXMODEL_FOLDER FACE.npz``: a morphable face in one file.

The ``.obj`` files of ICT-FaceKit take a minute to read, the ``.npz`` a second.
"""

import argparse
from pathlib import Path

from hmrm.facs.morphable import save_compact


def main() -> None:
    """Convert the folder that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="FaceXModel of ICT-FaceKit")
    parser.add_argument("target", type=Path, help="the .npz to write")
    given = parser.parse_args()
    save_compact(given.folder, given.target)


if __name__ == "__main__":
    main()
