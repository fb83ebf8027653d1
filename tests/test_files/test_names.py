"""Names out of files never lead out of a folder."""

from pathlib import Path

import pytest
import torch
from mmengine.structures import InstanceData

from mmavs.evaluation.mask_files import MaskWriter
from mmavs.evaluation.metrics.instance_writer import InstanceWriter
from mmavs.files.names import flat_name, path_inside
from mmavs.files.output_folder import OutputFolder

BAD = {
    'absolute': '/etc/x',
    'parent': '..',
    'parent inside': 'a/../../b',
    'here': '.',
    'here inside': 'a/./b',
    'empty': '',
    'only a slash': '/',
    'empty part': 'a//b',
    'backslash': 'a\\b',
    'drive': 'C:x',
    'NUL': 'a\0b',
    'line break': 'a\nb',
    'too long': 'a/' + 231 * 'b',
}


@pytest.mark.parametrize('name', BAD.values(), ids=BAD.keys())
def test_bad_names_are_refused(name, tmp_path):
    """By every way from a name to a path."""
    instances = InstanceData(
        masks=torch.ones(1, 2, 2, dtype=torch.bool),
        labels=torch.tensor([0]),
        scores=torch.tensor([1.0]),
        sounding_probs=torch.tensor([1.0]),
    )

    def write_instance(**sample):
        sample.update(pred_instances=[instances], categories=('dog',))
        InstanceWriter(str(tmp_path / 'out')).process(None, [sample])

    def write_mask(**sample):
        MaskWriter(tmp_path / 'out', 'binary').write(
            sample, torch.ones(1, 2, 2)
        )

    def write_labels(**sample):
        MaskWriter(tmp_path / 'out', 'semantic').write(
            sample, torch.ones(1, 2, 2)
        )

    ways = [
        lambda: path_inside(tmp_path, 'a', name),
        lambda: flat_name(name),
        lambda: OutputFolder(tmp_path / 'out').file(name),
    ]
    for write in (write_mask, write_labels, write_instance):
        ways.append(lambda write=write: write(clip_id=name))
    if name:  # an empty category is none
        for write in (write_mask, write_instance):
            ways.append(lambda write=write: write(clip_id='x', category=name))
    for way in ways:
        with pytest.raises(ValueError, match='cannot name a file.*Fix: '):
            way()
    assert not list(tmp_path.rglob('*.png'))


@pytest.mark.parametrize(
    'name', ['-a b_1.mp4', '..a', 'a..', 'Küche', '音', 'a/b', 'a/b/']
)
def test_other_names_are_taken_as_they_are(name):
    assert path_inside('out', 'x', name) == Path('out', 'x', name)


def test_flat_names_stay_apart():
    ids = ['a/b', 'a_b', 'a%2Fb', 'a%b', 'ab']
    names = [flat_name(clip_id) for clip_id in ids]
    assert names[0] == 'a%2Fb' and len(set(names)) == len(ids)
    assert names[1] == 'a_b' and not any('/' in name for name in names)
