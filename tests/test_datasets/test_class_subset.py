"""Some classes of a data set, renumbered."""

import numpy as np
from avsbench_parts import FRAMES

from mmavs.datasets import (
    AVSBenchMS3Dataset,
    AVSBenchSemanticDataset,
)


def test_some_classes_are_renumbered_and_the_rest_ignored(tiny_avss):
    """As in mmseg, names choose labels; order is that of the names."""
    whole = AVSBenchSemanticDataset(str(tiny_avss), 'test', pipeline=[FRAMES])
    masks = np.stack([f['gt_seg_map'] for f in whole[0]['frames']])
    label = int(masks.max())
    other = set(np.unique(masks)) - {0, label}
    name = whole.metainfo['classes'][label]
    some = AVSBenchSemanticDataset(
        str(tiny_avss),
        'test',
        metainfo=dict(classes=(name, 'background')),
        pipeline=[FRAMES],
    )
    found = np.stack([f['gt_seg_map'] for f in some[0]['frames']])
    np.testing.assert_array_equal(found == 0, masks == label)
    np.testing.assert_array_equal(found == 1, masks == 0)
    np.testing.assert_array_equal(found == 255, np.isin(masks, list(other)))
    assert some.metainfo['palette'] == [
        whole.metainfo['palette'][label],
        [0, 0, 0],
    ]


def test_new_names_leave_the_labels(tiny_ms3):
    dataset = AVSBenchMS3Dataset(
        str(tiny_ms3), metainfo=dict(classes=('silent', 'sounding'))
    )
    assert dataset.label_map is None
    assert dataset.metainfo['classes'] == ('silent', 'sounding')
