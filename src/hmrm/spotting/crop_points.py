"""Five points for sub-pixel registration out of the mesh: they follow the skull, not the lips.

The crop that registration works in must not move with a smile, and not with the mesh's noise. So
the five points are those of the face's first mesh, carried along by what its stable points do
together: fifty of them scatter a seventh of what one does.
"""

import numpy as np
from jaxtyping import Float

from hmrm.faces.align import apply
from hmrm.faces.follow import robust_similarity
from hmrm.faces.mesh_points import STABLE, five_points_of


class CropPoints:
    """Gives the five points of one face, frame by frame."""

    def __init__(self) -> None:
        self._stable: Float[np.ndarray, "s 2"] | None = None
        self._five: Float[np.ndarray, "5 2"] | None = None

    def update(
        self, points_xyz_px: Float[np.ndarray, "468 3"], *, jump: bool
    ) -> Float[np.ndarray, "5 2"]:
        """Eyes, nose tip and mouth corners, px of the image, as ``Detection`` orders them.

        Args:
            jump: the face does not continue from the frame before; it begins again.
        """
        stable = points_xyz_px[list(STABLE), :2]
        if jump or self._stable is None or self._five is None:
            self._stable, self._five = stable, five_points_of(points_xyz_px[:, :2])
            return self._five
        return apply(robust_similarity(self._stable, stable), self._five)
