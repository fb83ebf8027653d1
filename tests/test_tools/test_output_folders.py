"""Tools that fill a folder never mix it with an earlier run's files."""

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from PIL import Image
from run_tool import ROOT, run_tool

from mmavs.evaluation.metrics import DumpClips
from mmavs.structures import AVSDataSample, FramePixelData


@pytest.fixture
def dump(tmp_path):
    """Two clips of three classes, with a category."""
    clips = []
    for i in range(2):
        sample = AVSDataSample(
            metainfo=dict(clip_id=f'c{i}', num_frames=1, category='dog')
        )
        labels = torch.arange(12).view(1, 1, 3, 4) % 3
        sample.gt_sem_seg = FramePixelData(data=labels)
        sample.pred_sem_seg = FramePixelData(data=labels)
        clips.append(sample)
    evaluator = Evaluator([DumpClips(str(tmp_path / 'x.pkl'))])
    evaluator.dataset_meta = dict(classes=('background', 'dog', 'cat'))
    evaluator.offline_evaluate(clips)
    return tmp_path / 'x.pkl'


def names(folder):
    return sorted(p.name for p in folder.iterdir() if p.name[0] != '.')


TABLES = ['distribution.png', 'per_category.csv', 'per_clip.csv']
CONFUSIONS = [
    'confusion_matrix.csv',
    'confusion_matrix.png',
    'most_confused.csv',
]


@pytest.mark.parametrize(
    'tool, option, written',
    [
        ('evaluate_dump', ['--report'], TABLES),
        ('confusion_matrix', [], CONFUSIONS),
    ],
)
def test_tables_of_one_run(tool, option, written, dump, tmp_path, monkeypatch):
    def run(*words):
        run_tool(
            f'analysis_tools/{tool}',
            *(dump, *option, out, *words),
            monkeypatch=monkeypatch,
        )

    out = tmp_path / 'out'
    run()
    assert names(out) == written
    first = (out / written[0]).stat().st_mtime_ns
    with pytest.raises(FileExistsError, match='not empty.*--overwrite'):
        run()
    assert (out / written[0]).stat().st_mtime_ns == first
    run('--overwrite')
    assert names(out) == written
    (out / 'mine.csv').write_text('1')
    with pytest.raises(FileExistsError, match='mine.csv is on no list'):
        run('--overwrite')
    assert names(out) == sorted([*written, 'mine.csv'])


@pytest.mark.parametrize('tool', ['browse_dataset', 'draw_attention'])
def test_pictures_of_one_run(tool, tiny_ms3, tmp_path, monkeypatch):
    def run(number, *words):
        config = ROOT / 'configs/synthetic/tpavi_tiny_ms3.py'
        run_tool(
            f'analysis_tools/{tool}',
            *(config, '--out', out, '--num', number, '--split', 'test'),
            *words,
            '--cfg-options',
            f'test_dataloader.dataset.data_root={tiny_ms3}',
            'test_dataloader.dataset.pipeline.1.cache_dir=None',
            monkeypatch=monkeypatch,
        )

    out = tmp_path / 'out'
    run(2)
    assert len(names(out)) == 2
    with pytest.raises(FileExistsError, match='not empty'):
        run(1)
    run(1, '--overwrite')
    (name,) = names(out)
    assert '00000' in name
    assert np.array(Image.open(out / name)).any()
