"""Two gloo ranks through the shell scripts equal one process.

Batch norm stays in evaluation mode: in training its statistics are a rank's
own by design.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from fresh_python import free_port
from mmengine.config import Config
from run_tool import run_tool

from mmavs.files.output_folder import OutputFolder

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = """
import atexit
import os
from pathlib import Path

from mmavs.models import LogMelCNN
from mmavs.registry import MODELS


@MODELS.register_module()
class EvalLogMelCNN(LogMelCNN):

    def train(self, mode=True):
        return super().train(False)


def refuse_what_outlives_the_group():
    for thread in Path('/proc/self/task').glob('*/comm'):
        if 'gloo' in thread.read_text():
            os._exit(9)


if 'RANK' in os.environ:
    atexit.register(refuse_what_outlives_the_group)
"""


@pytest.fixture(scope='module')
def config_file(tiny_ms3, tmp_path_factory):
    """A tiny model: 4 clips in all, one SGD step of rate 1."""
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    for name, split, clips in (('train', 'train', 4), ('test', 'test', None)):
        loader = config[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        loader.sampler.shuffle = False
        loader.dataset.update(
            data_root=f'{tiny_ms3}/', split=split, indices=clips
        )
        loader.dataset.pipeline[1].cache_dir = None
    flip = config.train_dataloader.dataset.pipeline[2].transforms[-1]
    assert flip.type == 'RandomFlip'
    flip.prob = 0.0
    config.model.backbone.norm_eval = True
    config.model.neck[0].norm_cfg = None
    config.model.decode_head.norm_cfg = None
    config.model.audio_encoder.type = 'EvalLogMelCNN'
    config.custom_imports = dict(
        imports=['eval_log_mel_cnn'], allow_failed_imports=False
    )
    config.optim_wrapper = dict(
        type='OptimWrapper', optimizer=dict(type='SGD', lr=1.0)
    )
    config.param_scheduler = []
    config.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    config.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1)
    config.val_dataloader = config.val_cfg = config.val_evaluator = None
    folder = tmp_path_factory.mktemp('ranks')
    (folder / 'eval_log_mel_cnn.py').write_text(PLUGIN)
    config.dump(folder / 'config.py')
    return folder / 'config.py'


def run_here(config_file, tool, *arguments, monkeypatch):
    """Run a tool in this process, which spares the imports."""
    monkeypatch.syspath_prepend(config_file.parent)
    run_tool(tool, config_file, *arguments, monkeypatch=monkeypatch)


def start(config_file, *command, **environment):
    """Start a script of this project on CPU."""
    env = dict(
        os.environ,
        PYTHON=sys.executable,
        OMP_NUM_THREADS='1',
        CUDA_VISIBLE_DEVICES='',
        PYTHONPATH=f'{config_file.parent}{os.pathsep}{ROOT}',
        PORT=free_port(),
        PYTHONFAULTHANDLER='1',
    )
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env={**env, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def run(config_file, *command):
    finish(start(config_file, *command))


def weights(work_dir):
    checkpoint = torch.load(work_dir / 'epoch_1.pth', weights_only=True)
    return checkpoint['state_dict']


# the rate of two clips, where two ranks take two each
SCALED = ('auto_scale_lr.enable=True', 'auto_scale_lr.base_batch_size=2')


@pytest.fixture
def one_step(config_file, tmp_path, monkeypatch):
    """Weights after one SGD step of rate 2 on the clips of both ranks."""
    run_here(
        config_file,
        'train',
        *('--work-dir', tmp_path / 'one', '--cfg-options'),
        *('train_dataloader.batch_size=4', 'optim_wrapper.optimizer.lr=2.0'),
        monkeypatch=monkeypatch,
    )
    return weights(tmp_path / 'one')


def check_equal(one, two):
    assert one.keys() == two.keys()
    for key, value in one.items():
        if value.is_floating_point():
            assert torch.allclose(value, two[key], atol=4e-6), key


def test_gradients_of_two_ranks_equal_one_process(
    config_file, one_step, tmp_path
):
    """After one step, weights differ by the gradient and the rate alone."""
    run(
        config_file,
        *(ROOT / 'tools/dist_train.sh', config_file, 2),
        *('--work-dir', tmp_path / 'two', '--cfg-options', *SCALED),
    )
    check_equal(one_step, weights(tmp_path / 'two'))


def by_script(number, port):
    """One of two machines, by the script; its environment, and words."""
    env = dict(NNODES='2', NODE_RANK=str(number), MASTER_ADDR='127.0.0.1')
    return dict(env, PORT=port), [ROOT / 'tools/dist_train.sh']


def by_torchrun(number, port):
    """One of two machines that find their numbers themselves."""
    words = ['--nnodes=2', '--nproc-per-node=1', '--rdzv-backend=c10d']
    words += ['--rdzv-id=1', f'--rdzv-endpoint=127.0.0.1:{port}']
    torchrun = [sys.executable, '-m', 'torch.distributed.run', *words]
    return {}, [*torchrun, ROOT / 'tools/train.py']


@pytest.mark.slow
@pytest.mark.parametrize('machine', [by_script, by_torchrun])
def test_two_machines_of_one_rank_each(
    machine, config_file, one_step, tmp_path
):
    """As docs/en/scaling.md starts them, both here."""
    port, processes = free_port(), []
    for number in range(2):
        env, words = machine(number, port)
        words += [config_file]
        words += [1] if machine is by_script else ['--launcher', 'pytorch']
        words += ['--work-dir', tmp_path / 'two', '--cfg-options', *SCALED]
        processes.append(start(config_file, *words, **env))
    for process in processes:
        finish(process)
    check_equal(one_step, weights(tmp_path / 'two'))


@pytest.fixture(scope='module')
def checkpoint(config_file):
    """Random weights that fire here and there."""
    from mmavs.registry import MODELS
    from mmavs.utils import register_all_modules

    register_all_modules()
    torch.manual_seed(11)
    config = Config.fromfile(config_file, import_custom_modules=False)
    config.model.audio_encoder.type = 'LogMelCNN'
    model = MODELS.build(config.model)
    torch.nn.init.zeros_(model.decode_head.conv_seg.bias)
    path = config_file.parent / 'random.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def metrics(work_dir):
    (path,) = Path(work_dir).glob('*/*.json')
    figures = json.loads(path.read_text())
    return {k: v for k, v in figures.items() if 'time' not in k}


def test_metric_of_two_ranks_equals_one_process(
    config_file, checkpoint, tmp_path, monkeypatch
):
    """Three clips do not divide by two; every figure is exactly equal."""
    options = ('--cfg-options', 'test_evaluator.clips_per_batch=2')
    for folder in ('masks', 'pictures'):
        earlier = OutputFolder(tmp_path / folder).file('clip/clip_1.png')
        earlier.write_bytes(b'of an earlier run')
    run(
        config_file,
        ROOT / 'tools/dist_test.sh',
        config_file,
        checkpoint,
        2,
        '--work-dir',
        tmp_path / 'two',
        *('--out', tmp_path / 'masks', '--show-dir', tmp_path / 'pictures'),
        *('--overwrite', *options),
    )
    run_here(
        config_file,
        'test',
        checkpoint,
        *('--work-dir', tmp_path / 'one'),
        *options,
        monkeypatch=monkeypatch,
    )
    one, two = metrics(tmp_path / 'one'), metrics(tmp_path / 'two')
    assert one == two
    assert 0 < one['mIoU'] < 100
    # each rank wrote its own clips, after what was there had gone
    masks = {p.parent.name for p in (tmp_path / 'masks').rglob('*.png')}
    assert masks == {f'ms3_test_{n:05d}' for n in range(3)}
    pictures = sorted(p.name for p in (tmp_path / 'pictures').glob('*.png'))
    assert [name[:6] for name in pictures] == ['0001_J', '0002_J', '0003_J']


@pytest.mark.parametrize(
    'script', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test']
)
def test_scripts_say_what_they_take(script):
    path = ROOT / f'tools/{script}.sh'
    result = subprocess.run(
        ['bash', path, 'one'], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stderr.startswith(f'usage: tools/{script}.sh ')


@pytest.mark.parametrize(
    'tool, given', [('train', ['c.py']), ('test', ['c.py', 'x.pth'])]
)
def test_what_slurm_is_asked_for(tool, given, tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
    result = subprocess.run(
        ['bash', ROOT / f'tools/slurm_{tool}.sh', 'p', 'j', *given, '--tta'],
        env=dict(os.environ, PATH=path, GPUS='4', GPUS_PER_NODE='2'),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    asked, _, rest = result.stdout.strip().partition(f'tools/{tool}.py ')
    assert '-p p --job-name=j --gres=gpu:2 --ntasks=4' in asked
    assert rest == ' '.join([*given, '--launcher slurm --tta'])
