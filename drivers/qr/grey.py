"""What a picture is to every reader."""

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
"""Rows × columns of brightness, 0 is black."""
