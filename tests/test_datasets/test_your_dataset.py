"""Every command and snippet of docs/en/your_dataset.md, as it stands."""

import contextlib
import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.registry import DATASETS, METRICS, MODELS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / 'docs' / 'en' / 'your_dataset.md').read_text()
BLOCKS = re.findall(r'```(bash|python)\n(.*?)```', TEXT, re.DOTALL)
# so that the test stays short; everything else is as in the text
SHORTER = {
    'tools/train.py': ['--cfg-options', 'train_cfg.max_epochs=1'],
    'tools/test.py': ['--cfg-options'],
}
# a process that has run PyTorch and OpenCV may not fork
IN_PROCESS = [
    f'{split}_dataloader.{key}'
    for split in ('train', 'val', 'test')
    for key in ('num_workers=0', 'persistent_workers=False')
]


def run_command(line, monkeypatch):
    words = shlex.split(line)
    assert words[0] == 'python', line
    path, arguments = words[1], words[2:]
    if path in SHORTER:
        arguments += SHORTER[path] + IN_PROCESS
    if 'check_dataset' in path:
        arguments += ['--workers', '0']
    arguments = [re.sub(r'epoch_\d+', 'epoch_1', w) for w in arguments]
    spec = importlib.util.spec_from_file_location('tool', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, 'argv', [path, *arguments])
    with contextlib.suppress(SystemExit):
        module.main()


@pytest.fixture(scope='module')
def tutorial(tmp_path_factory):
    """A folder in which the tutorial was followed to its end."""
    folder = tmp_path_factory.mktemp('tutorial')
    for name in ('configs', 'tools'):
        (folder / name).symlink_to(ROOT / name)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        for kind, code in BLOCKS:
            if kind == 'bash':
                for line in code.strip().splitlines():
                    run_command(line, monkeypatch)
            elif code.startswith('# my_'):
                name = code.split('\n', 1)[0][2:]
                (folder / name).write_text(code)
            else:
                exec(compile(code, 'your_dataset.md', 'exec'), {})
        yield folder


def test_the_way_is_whole(tutorial):
    clips = list((tutorial / 'data/mine/train/frames').iterdir())
    assert len(clips) == 12
    masks = list((tutorial / 'data/mine/test/masks').glob('*/*.png'))
    assert len(masks) == 4 * 5
    assert len(list((tutorial / 'work_dirs/browse').glob('*.png'))) == 4
    assert (tutorial / 'work_dirs/mine/epoch_1.pth').exists()
    pictures = list((tutorial / 'work_dirs/mine/pictures').rglob('*.png'))
    assert len(pictures) == 4
    assert list((tutorial / 'work_dirs/mine/masks').rglob('*.png'))


def test_the_checkpoint_is_that_of_the_last_epoch(tutorial, monkeypatch):
    monkeypatch.chdir(tutorial)
    epochs = Config.fromfile('my_config.py').train_cfg.max_epochs
    assert re.findall(r'epoch_(\d+)\.pth', TEXT) == [str(epochs)]


def test_own_classes_can_be_built(tutorial, monkeypatch):
    monkeypatch.chdir(tutorial)
    config = Config.fromfile('my_classes.py')
    model = MODELS.build(config.model)
    assert model.decode_head.num_classes == model.out_channels == 3
    metric = METRICS.build(config.val_evaluator)
    metric.dataset_meta = dict(classes=config.clips.metainfo.classes)
    true, found = torch.tensor([[[0, 0, 1, 1]], [[0, 1, 1, 1]]])
    labels = dict(pred_sem_seg=found, gt_sem_seg=true)
    sample = {k: dict(data=v[None, None]) for k, v in labels.items()}
    metric.process(None, [dict(sample, clip_id='a')])
    # two of the three classes: 1 / 2 and 2 / 3, as mmseg's IoUMetric
    assert metric.evaluate(1)['mIoU'] == pytest.approx(100 * 7 / 12)
    loader = config.train_dataloader
    loader.dataset.check_files = False
    dataset = DATASETS.build(loader.dataset)
    frame = dataset.get_data_info(0)['frames'][0]
    assert frame['mask_encoding'] == 'index' and frame['num_classes'] == 3
    with pytest.raises(ValueError, match=r'masks.*0\.png.*0\.\.2 \(255\)'):
        dataset[0]  # these masks are black and white, and that is said
