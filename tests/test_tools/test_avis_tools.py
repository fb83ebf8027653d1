"""Both stages of a small AVIS, and the tools that look into it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.config import Config

from mmavs.audio.sounds import SOUNDS, UNFITTING
from mmavs.evaluation.functional.robustness import robustness
from mmavs.testing import tiny_avsbench, tiny_copy

ROOT = Path(__file__).resolve().parents[2]


def call(tool, *arguments, monkeypatch):
    """Run ``tools/<tool>.py`` in this process."""
    spec = importlib.util.spec_from_file_location(
        Path(tool).stem, ROOT / 'tools' / f'{tool}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words = [f'{tool}.py', *(str(a) for a in arguments)]
    monkeypatch.setattr(sys, 'argv', words)
    monkeypatch.chdir(ROOT)
    return module.main()


def tiny_config(name, root, folder):
    """Point a config to a tiny data set and make it run in seconds."""
    config = Config.fromfile(ROOT / f'configs/synthetic/{name}.py')
    config.train_dataloader.dataset.dataset.data_root = f'{root}/'
    config.val_dataloader.dataset.data_root = f'{root}/'
    config.test_dataloader.dataset.data_root = f'{root}/'
    for split in ('train', 'val', 'test'):
        config[f'{split}_dataloader'].update(
            num_workers=0, persistent_workers=False, batch_size=2
        )
    config.train_cfg.update(max_epochs=1, val_interval=1)
    config.param_scheduler = []
    config.load_from = None
    # no query learns to find nothing, so that there is something to look at
    config.model.decode_head.loss_instances = dict(no_object_weight=0.0)
    path = folder / f'{name}.py'
    config.dump(path)
    return path


@pytest.fixture(scope='module')
def tiny_s4(tmp_path_factory):
    """As the session's fixture, with test clips that show different things."""
    folder = tmp_path_factory.mktemp('data')
    return tiny_avsbench(folder, 's4', dict(train=4, val=2, test=6))


@pytest.fixture(scope='module')
def stages(tiny_s4, tmp_path_factory):
    """Config and checkpoint of both stages, one epoch each."""
    folder = tmp_path_factory.mktemp('avis')
    found = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        for stage, name in ((1, 'avis_tiny_s4_stage1'), (2, 'avis_tiny_s4')):
            config = tiny_config(name, tiny_s4, folder)
            words = ['train', config, '--work-dir', folder / name]
            if stage == 2:
                words += ['--cfg-options', f'load_from={found[1][1]}']
            call(*words, monkeypatch=monkeypatch)
            found[stage] = (config, folder / name / 'epoch_1.pth')
    return found


def weights(checkpoint):
    return torch.load(checkpoint, weights_only=True)['state_dict']


def test_stage_2_leaves_what_stage_1_found(stages):
    first, second = weights(stages[1][1]), weights(stages[2][1])
    shared = [key for key in first if key in second]
    assert len(shared) == len(first)
    for key in shared:
        assert torch.equal(first[key], second[key]), key
    new = {key.split('.')[0] for key in second if key not in first}
    assert new == {'audio_encoder', 'decode_head'}
    assert any('decode_head.avsc.mlp' in key for key in second)


def test_masks_instances_and_counts(stages, tmp_path, monkeypatch):
    config, checkpoint = stages[2]
    out, work = tmp_path / 'out', tmp_path / 'work'
    call(
        'test',
        config,
        checkpoint,
        *('--out', out, '--work-dir', work, '--show-dir', tmp_path / 'show'),
        monkeypatch=monkeypatch,
    )
    coco = json.loads((out / 'instances.json').read_text())
    assert len(coco['images']) == 30  # six clips of five frames
    assert len(coco['categories']) == 23
    figures = json.loads(next(work.glob('*/*.json')).read_text())
    assert figures['I'] == len(coco['annotations']) > 0
    masks = [p for p in out.rglob('*.png') if 'instances' not in p.parts]
    pictures = [out / image['file_name'] for image in coco['images']]
    assert len(masks) == len(pictures) == 30
    for picture in pictures:
        mask = out / picture.relative_to(out / 'instances')
        union = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE) > 0
        found = cv2.imread(str(picture)).any(axis=2)
        assert (union == found).all()  # what sounds is the mask
    drawn = list((tmp_path / 'show').rglob('*.png'))
    assert len(drawn) == 6


def test_without_avsc_by_one_field(stages, tmp_path, monkeypatch, capfd):
    """Table 4: stage 2's file, the highest-scored object, deaf to sound."""
    figures = {}
    for name, stage in (('stage 1', 1), ('without AVSC', 2)):
        work, options = tmp_path / name, ['model.decode_head.avsc=None']
        call(
            'test',
            *(*stages[stage], '--work-dir', work, '--cfg-options', *options),
            monkeypatch=monkeypatch,
        )
        figures[name] = json.loads(next(work.glob('*/*.json')).read_text())
    shown = capfd.readouterr()
    assert 'left out, those of decode_head.avsc' in shown.out + shown.err
    for key in ('mIoU', 'mFscore', 'I'):
        assert figures['without AVSC'][key] == figures['stage 1'][key]


def test_swapped_sounds_are_drawn(stages, tmp_path, monkeypatch):
    config, checkpoint = stages[2]
    out = tmp_path / 'sheet.png'
    call(
        'analysis_tools/swap_sound',
        *(config, checkpoint, '--out', out, '--clip', 's4_test_00001'),
        monkeypatch=monkeypatch,
    )
    page = cv2.imread(str(out))
    # frames, and five rows of predictions with their strips of sound
    assert page.shape[0] > 6 * 256 + 5 * 40 and page.shape[1] >= 5 * 256
    # training is on single frames, and clips are whole all the same
    call(
        'analysis_tools/swap_sound',
        *(config, checkpoint, '--out', out, '--split', 'train'),
        *('--sounds', 'own', 'other'),
        monkeypatch=monkeypatch,
    )
    fewer = cv2.imread(str(out)).shape
    assert fewer[1:] == page.shape[1:]
    row = (page.shape[0] - fewer[0]) / 3  # of a sound, with its strip
    assert 256 + 40 < row < 256 + 40 + 80
    with pytest.raises(ValueError, match="no clip 'absent'"):
        call(
            'analysis_tools/swap_sound',
            *(config, checkpoint, '--clip', 'absent'),
            monkeypatch=monkeypatch,
        )
    with pytest.raises(ValueError, match='sheet must end in .png or .jpg'):
        call(
            'analysis_tools/swap_sound',
            *(config, checkpoint, '--out', tmp_path / 'sheet'),
            monkeypatch=monkeypatch,
        )


def test_under_every_sound(stages, tmp_path, monkeypatch, capsys):
    """Table 6, and J and F beside it; one pass a sound, one model."""
    config, checkpoint = stages[2]
    call(
        'test',
        *(config, checkpoint, '--work-dir', tmp_path, '--show-worst', 1),
        *('--sounds', *SOUNDS),
        monkeypatch=monkeypatch,
    )
    shown = capsys.readouterr().out
    (path,) = tmp_path.glob('*/sounds.json')
    result = json.loads(path.read_text())
    assert result['clips'] == 6 and '6 clips' in shown
    figures = result['sounds']
    assert list(figures) == list(SOUNDS)
    for sound, row in figures.items():
        shares = [value for key, value in row.items() if key[0] != 'I']
        assert all(0 <= value <= 100 for value in shares)
        assert row['J_constant'] == row['J']  # all clips of S4 are
        assert ('FPR' in row) == (sound in UNFITTING)
        if sound in UNFITTING:
            assert row['FPR'] == row['sounding']
            assert row['silent_mIoU'] == pytest.approx(100 - row['FPR'])
        page = cv2.imread(str(path.parent / f'worst_{sound}.png'))
        assert page.shape[0] > 3 * 128 + 64 and page.shape[1] >= 5 * 128
    assert result['robustness'] == pytest.approx(robustness(figures))
    assert f'robustness: {result["robustness"]:.2f}' in shown


@pytest.mark.parametrize('setting', ['s4', 'avss'])
def test_models_without_instances_are_measured_and_drawn(
    setting, tiny_s4, tiny_avss, tmp_path, monkeypatch
):
    """Table 6 has a row of TPAVI; random weights will do."""
    config = ROOT / f'configs/synthetic/tpavi_tiny_{setting}.py'
    root = dict(s4=tiny_s4, avss=tiny_avss)[setting]
    roots = [
        f'{split}_dataloader.dataset.data_root={root}'
        for split in ('train', 'val', 'test')  # all are looked for
    ]
    call(
        'test',
        *(config, '--synthetic', '--work-dir', tmp_path),
        *('--sounds', 'mute', 'swap', '--cfg-options', *roots),
        'test_dataloader.num_workers=0',
        monkeypatch=monkeypatch,
    )
    (path,) = tmp_path.glob('*/sounds.json')
    result = json.loads(path.read_text())
    assert list(result['sounds']) == ['mute', 'swap']
    for sound in result['sounds']:  # unasked
        assert (path.parent / f'worst_{sound}.png').is_file()
    assert result['robustness'] is None  # nothing that fits was tried
    assert 0 <= result['sounds']['mute']['RA'] <= 100
    out = tmp_path / 'sheet.png'
    call(
        'analysis_tools/swap_sound',
        *(config, '--out', out, '--cfg-options', *roots),
        monkeypatch=monkeypatch,
    )
    page = cv2.imread(str(out))
    frame_height = dict(s4=256, avss=192)[setting]
    assert page.shape[0] > 6 * frame_height + 5 * 40


def test_queries_are_drawn(stages, tmp_path, monkeypatch):
    out = tmp_path / 'queries.png'
    config, checkpoint = stages[1]
    # folders of compare.py are named after fields and values
    again = tmp_path / 'loss_weight=0' / 'epoch_1.pth'
    again.parent.mkdir()
    again.write_bytes(checkpoint.read_bytes())
    call(
        'analysis_tools/draw_queries',
        *(config, '--out', out, f'with={checkpoint}', again),
        monkeypatch=monkeypatch,
    )
    page = cv2.imread(str(out))
    # two models: frame, outlines and heat, and two rows of ten masks
    assert page.shape[0] > 2 * (224 + 2 * 112)
    half = (page.shape[0] - 18) // 2
    top, bottom = page[18 + 18 : 18 + half], page[18 + half + 18 :]
    assert (top[: len(bottom)] == bottom[: len(top)]).mean() > 0.99
    for option, message in (
        (('--frame', 5), 'no frame 5 in clip s4_test_00000.*0 to 4'),
        (('--frame', -1), 'no frame -1'),
        (('--out', tmp_path / 'queries'), 'must end in .png or .jpg'),
    ):
        with pytest.raises(ValueError, match=message):
            call(
                'analysis_tools/draw_queries',
                *(config, checkpoint, *option),
                monkeypatch=monkeypatch,
            )


def test_stage_1_names_what_sounds_in_ms3(stages, tiny_ms3, tmp_path):
    root = tiny_copy(tiny_ms3, tmp_path)
    maps = sorted((root / 'ms3_data/gt_categories/val').rglob('*.png'))
    truth = [cv2.imread(str(path), -1) for path in maps]
    for path in maps:
        path.unlink()
    # in a process of its own, where nothing is registered yet
    tool = ROOT / 'tools/dataset_converters/ms3_categories.py'
    done = subprocess.run(
        [sys.executable, tool]
        + ['--data-root', root, '--splits', 'val', '--model', *stages[1]],
        capture_output=True,
        text=True,
    )
    assert '2 clips by the model' in done.stdout, done.stderr
    for path, expected in zip(maps, truth):
        made = cv2.imread(str(path), -1)
        assert ((made > 0) == (expected > 0)).all()
        assert made.max(initial=0) <= 23
