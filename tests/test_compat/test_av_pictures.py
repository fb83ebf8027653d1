"""Pictures come out the same whatever the number of processors."""

import numpy as np
import pytest

from mmavs.compat import import_av
from mmavs.compat.av_pictures import converted


@pytest.mark.parametrize('pixels', ['yuva444p10le', 'yuva420p'])
def test_opaque_stays_opaque(pixels):
    """In several threads, 8 pixels of the first picture came out as 0."""
    image = np.random.default_rng(0).integers(0, 255, (40, 56, 4), np.uint8)
    image[..., 3] = 255
    for _ in range(3):
        frame = import_av().VideoFrame.from_ndarray(image, format='rgba')
        back = converted(converted(frame, format=pixels), format='rgba')
        assert (back.to_ndarray()[..., 3] == 255).all()


def test_what_has_its_form_is_not_copied():
    image = np.zeros((4, 6, 3), np.uint8)
    frame = import_av().VideoFrame.from_ndarray(image, format='bgr24')
    assert converted(frame, format='bgr24') is frame
