"""Tools look through ConcatDataset and RepeatDataset."""

import pytest
from mmengine.config import Config
from run_tool import ROOT, run_tool

from mmavs.apis.clip_pipeline import ClipPipeline
from mmavs.datasets.unmatching import clip_contents
from mmavs.datasets.wrapped import unwrapped
from mmavs.registry import DATASETS


@pytest.fixture
def config_file(tiny_ms3, tmp_path):
    """The test set twice, and then the validation set."""
    config = Config.fromfile(ROOT / 'configs/synthetic/tpavi_tiny_ms3.py')
    own = config.test_dataloader.dataset
    own.data_root = f'{tiny_ms3}/'
    own.pipeline[1].cache_dir = None
    repeated = dict(type='RepeatDataset', times=2, dataset=own)
    parts = [repeated, dict(own, split='val')]
    config.test_dataloader.dataset = dict(type='ConcatDataset', datasets=parts)
    config.test_dataloader.update(num_workers=0, persistent_workers=False)
    config.dump(tmp_path / 'wrapped.py')
    return tmp_path / 'wrapped.py'


def names(folder):
    return sorted(p.name for p in folder.glob('*.png'))


def test_data_sets_come_out_in_order(config_file):
    config = Config.fromfile(config_file)
    dataset = DATASETS.build(config.test_dataloader.dataset)
    parts = unwrapped(dataset)
    assert [part.split for part in parts] == ['test', 'val']
    assert len(dataset) == 2 * 3 + 2
    contents = clip_contents(dataset)
    assert len(contents) == 5 and all(c.seen for c in contents.values())
    # inference takes the pipeline of the first
    assert len(ClipPipeline(config).clip_transforms) == 3


def test_drawn_clips_are_those_of_all_sets(config_file, tmp_path, monkeypatch):
    words = ('--split', 'test', '--clips', 'ms3_test_00001', 'ms3_val_00000')
    for tool in ('browse_dataset', 'draw_attention'):
        out = tmp_path / tool
        run_tool(
            f'analysis_tools/{tool}',
            *(config_file, '--out', out, *words),
            monkeypatch=monkeypatch,
        )
        assert len(names(out)) == 2


def test_sounds_are_swapped_in_any_set(config_file, tmp_path, monkeypatch):
    out = tmp_path / 'sheet.png'
    run_tool(
        'analysis_tools/swap_sound',
        *(config_file, '--clip', 'ms3_val_00001', '--out', out),
        *('--device', 'cpu'),
        monkeypatch=monkeypatch,
    )
    assert out.is_file()


def test_every_set_hears_the_sounds_of_a_test(
    config_file, tmp_path, monkeypatch
):
    heard = {}

    def keep(sample):
        sound = sample['inputs']['audio']
        heard.setdefault(sample['data_samples'].clip_id, []).append(sound)
        return sample

    monkeypatch.setattr(
        'mmavs.datasets.transforms.PackAVSInputs.__call__',
        lambda self, results: keep(self.transform(results)),
    )
    run_tool(
        'test',
        *(config_file, '--synthetic', '--work-dir', tmp_path),
        *('--sounds', 'own', 'mute', '--show-worst', 0, '--cfg-options'),
        *('test_dataloader.num_workers=0',),
        *('test_dataloader.persistent_workers=False',),
        monkeypatch=monkeypatch,
    )
    assert list(tmp_path.rglob('sounds.json'))
    assert not list(tmp_path.rglob('worst_*'))
    assert len(heard) == 3 + 2
    for own, *_, silent in heard.values():
        assert silent.unique().numel() == 1  # log-mel of digital silence
        assert own.unique().numel() > 1


def test_loaders_are_timed(config_file, monkeypatch, capsys):
    run_tool(
        'analysis_tools/benchmark',
        *(config_file, '--stages', 'loader', '--split', 'test'),
        *('--loader-clips', 2, '--workers', 0, '--repeats', 1),
        monkeypatch=monkeypatch,
    )
    assert 'warm cache' in capsys.readouterr().out


def test_the_share_of_sound_is_measured(config_file, tmp_path, monkeypatch):
    out = tmp_path / 'share.png'
    run_tool(
        'analysis_tools/modality_share',
        *('--model', config_file, '--num-clips', 2, '--out', out),
        *('--device', 'cpu'),
        monkeypatch=monkeypatch,
    )
    assert out.is_file()
