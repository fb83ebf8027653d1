"""print_config, publish_model and convert_released."""

import hashlib
import importlib.util
import pickle
import re
import sys
from pathlib import Path

import pytest
import torch

from mmavs.apis import init_model
from mmavs.compat import load_checkpoint
from mmavs.testing.golden import load_json
from mmavs.weights.released import avsbg

ROOT = Path(__file__).resolve().parents[2]
CONFIG = 'configs/synthetic/film_tiny_ms3.py'


def load(path):
    spec = importlib.util.spec_from_file_location(
        Path(path).stem, ROOT / 'tools' / f'{path}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(monkeypatch):
    """Run a tool in this process, as if from the project root."""

    def call(path, *arguments):
        monkeypatch.chdir(ROOT)
        words = [path, *(str(a) for a in arguments)]
        monkeypatch.setattr(sys, 'argv', words)
        return load(path).main()

    return call


def refused(run, words, *arguments):
    """Run a tool that refuses what it was given in these words."""
    with pytest.raises((OSError, RuntimeError, ValueError)) as error:
        run(*arguments)
    assert re.search(words, str(error.value))
    return str(error.value)


# ------------------------------------------------------------- print_config


def test_whole_config_is_printed_and_saved(run, capsys, tmp_path):
    copy = tmp_path / 'new' / 'c.py'
    options = ('--cfg-options', 'model.decode_head.threshold=0.3')
    run('misc/print_config', CONFIG, '--save', copy, *options)
    printed = capsys.readouterr().out
    assert "type='AVSegmentor'" in printed and 'threshold=0.3' in printed
    run('misc/print_config', copy, '--key', 'model.decode_head.threshold')
    assert capsys.readouterr().out == '0.3\n'
    with pytest.raises(FileExistsError, match='exists already'):
        run('misc/print_config', CONFIG, '--save', copy)


def test_a_field_is_printed(run, capsys):
    run('misc/print_config', 'film_tiny_ms3', '--key', 'model.neck.1')
    printed = capsys.readouterr().out
    assert "type = 'AudioFiLM'" in printed and 'backbone' not in printed
    with pytest.raises(ValueError, match=r"no 'nek' in model; there is \["):
        run('misc/print_config', 'film_tiny_ms3', '--key', 'model.nek.1')
    with pytest.raises(ValueError, match="no '7' in model.neck"):
        run('misc/print_config', 'film_tiny_ms3', '--key', 'model.neck.7')


# ------------------------------------------------------------ publish_model


@pytest.fixture
def checkpoint(tmp_path):
    """As a training writes it, with more than anyone needs."""
    weights = {'module.a': torch.arange(4.0), 'module.b': torch.ones(2, 2)}
    meta = dict(
        epoch=7,
        iter=70,
        cfg='data_root = "/home/me"',
        dataset_meta=dict(classes=('no', 'yes')),
    )
    path = tmp_path / 'epoch_7.pth'
    torch.save(
        dict(
            state_dict=weights,
            meta=meta,
            optimizer=dict(state=torch.zeros(1000)),
            param_schedulers=[],
        ),
        path,
    )
    return path


def test_published_file_holds_weights_alone(run, checkpoint, tmp_path):
    run('model_converters/publish_model', checkpoint, tmp_path / 'out/m.pth')
    (path,) = (tmp_path / 'out').iterdir()
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    assert path.name == f'm-{digits}.pth'
    published = torch.load(path, weights_only=True)
    assert set(published) == {'state_dict', 'meta'}
    assert set(published['state_dict']) == {'a', 'b'}
    assert torch.equal(published['state_dict']['a'], torch.arange(4.0))
    meta = published['meta']
    assert set(meta) == {'epoch', 'iter', 'dataset_meta', 'mmavs_version'}
    assert meta['dataset_meta']['classes'] == ('no', 'yes')
    assert '/home/me' not in path.read_bytes().decode('latin1')


def test_published_as_safetensors_in_half_precision(run, checkpoint, tmp_path):
    run(
        'model_converters/publish_model',
        *(checkpoint, tmp_path / 'out/m.safetensors', '--half'),
        *('--notes', 'made=mmavs train a=b', 'mIoU=75.1'),
    )
    (path,) = (tmp_path / 'out').iterdir()
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    assert path.name == f'm-{digits}.safetensors'
    found = load_checkpoint(path)
    assert found['state_dict']['b'].dtype == torch.float16
    assert found['state_dict']['a'].tolist() == [0, 1, 2, 3]
    meta = found['meta']
    assert meta['made'] == 'mmavs train a=b' and meta['mIoU'] == '75.1'
    assert meta['dataset_meta'] == dict(classes=['no', 'yes'])
    assert meta['epoch'] == '7' and 'cfg' not in meta
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RuntimeError, match='safetensors is not a checkpoint'):
        load_checkpoint(path)


def test_same_weights_same_name_and_no_overwriting(run, checkpoint, tmp_path):
    tool = 'model_converters/publish_model'
    run(tool, checkpoint, tmp_path / 'out/m')
    refused(
        run, r'm-.{8}.pth exists already', tool, checkpoint, tmp_path / 'out/m'
    )
    again = torch.load(checkpoint, weights_only=True)
    again['state_dict']['module.a'] += 1
    torch.save(again, checkpoint)
    run(tool, checkpoint, tmp_path / 'out/m')
    assert len(list((tmp_path / 'out').iterdir())) == 2


def test_what_holds_no_weights_is_not_published(run, tmp_path):
    tool = 'model_converters/publish_model'
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    refused(
        run,
        'empty.pth holds no state_dict',
        tool,
        tmp_path / 'empty.pth',
        tmp_path / 'out',
    )
    torch.save(dict(lr=0.1, epoch=3), tmp_path / 'other.pth')
    refused(
        run,
        'other.pth holds no state_dict',
        tool,
        tmp_path / 'other.pth',
        tmp_path / 'out',
    )


# --------------------------------------------------------- convert_released

CONVERT = 'model_converters/convert_released'


def light(name):
    """All tensors of a released model: right shapes, one number each."""
    shapes = load_json(name)['state_dict']
    return {
        key: torch.tensor(float(i)).expand(shape)
        for i, (key, shape) in enumerate(shapes.items())
    }


def test_dropped_tensors_are_found():
    tool = load(CONVERT)
    source = light('keys_avsbg_resnet_basic')
    dropped = tool.dropped_keys(source, avsbg.convert(source))
    skip = 'decoder.short_connect_with_decode_module.0.resConfUnit1.'
    expected = [key for key in source if key.startswith(skip)]
    expected += ['audio_neck.weight', 'audio_neck.bias']
    assert len(expected) > 2 and sorted(dropped) == sorted(expected)


def test_joined_tensors_are_not_dropped():
    tool = load(CONVERT)
    query, key_value = torch.rand(2, 3), torch.rand(4, 3)
    source = {'q': query, 'kv': key_value, 'dead': torch.rand(4, 3)}
    converted = {'in_proj': torch.cat([query, key_value])}
    assert tool.dropped_keys(source, converted) == ['dead']


def pvt_weights():
    """A few tensors of each stage of a small PVT v2, as released."""
    return {
        **{f'patch_embed{i}.proj.weight': torch.rand(8, 3) for i in (2, 3, 4)},
        'patch_embed1.proj.weight': torch.rand(8, 3, 7, 7),
        'block1.0.attn.q.weight': torch.rand(8, 8),
        'block1.0.attn.kv.weight': torch.rand(16, 8),
        'head.weight': torch.rand(10, 8),
    }


def test_file_is_converted_and_reported(run, capsys, tmp_path):
    torch.save(pvt_weights(), tmp_path / 'pvt.pth')
    out = tmp_path / 'new/out.pth'
    run(CONVERT, 'pvt', tmp_path / 'pvt.pth', out)
    printed = capsys.readouterr().out
    assert 'left out' in printed and 'head.weight (10, 8)' in printed
    assert 'attn' not in printed
    saved = torch.load(out, weights_only=True)
    assert saved['meta']['converted_from'] == 'pvt: pvt.pth'
    weights = saved['state_dict']
    assert set(weights) == {
        *(f'backbone.layers.{i}.0.projection.weight' for i in range(4)),
        'backbone.layers.0.1.0.attn.attn.in_proj_weight',
    }
    refused(
        run,
        'out.pth exists already',
        CONVERT,
        'pvt',
        tmp_path / 'pvt.pth',
        out,
    )
    run(CONVERT, 'pvt', tmp_path / 'pvt.pth', out, '--overwrite')


def test_misfits_are_named_and_nothing_is_written(run, tmp_path):
    torch.save(pvt_weights(), tmp_path / 'pvt.pth')
    out = tmp_path / 'out.pth'
    words = (CONVERT, 'pvt', tmp_path / 'pvt.pth', out, '--config', CONFIG)
    message = refused(run, 'do not fit', *words)
    assert 'missing     backbone.' in message and '--audio' not in message
    assert not out.exists()


def test_comparison_names_every_kind_of_misfit():
    tool = load(CONVERT)
    weights = init_model(CONFIG, device='cpu').state_dict()
    assert tool.compare(weights, CONFIG) == []
    first, second, *_ = (k for k, v in weights.items() if v.ndim == 4)
    del weights[first]
    weights[second] = weights[second][:1]
    weights['other.weight'] = torch.zeros(1)
    lines = tool.compare(weights, CONFIG)
    assert [line.split()[0] for line in lines] == [
        'missing',
        'other',
        'unknown',
    ]


def test_a_file_of_one_part_is_compared_with_that_part():
    """An audio encoder fits without a backbone, a whole system does not."""
    tool = load(CONVERT)
    weights = init_model(CONFIG, device='cpu').state_dict()
    heard = {k: v for k, v in weights.items() if k.startswith('audio_enc')}
    assert tool.compare(heard, CONFIG, tool.METHODS['vggish']) == []
    missing = tool.compare(heard, CONFIG, tool.METHODS['avsegformer'])
    assert len(missing) == len(weights) - len(heard)
    del heard[next(iter(heard))]
    (line,) = tool.compare(heard, CONFIG, tool.METHODS['vggish'])
    assert line.startswith('missing     audio_encoder.')


def test_audio_encoder_is_put_in(run, tmp_path, monkeypatch):
    tool = load(CONVERT)
    keys = load_json('keys_vggish')['state_dict']
    small = {key: torch.rand(2) for key in keys}
    torch.save(small, tmp_path / 'vggish.pth')
    converted = {'backbone.x': torch.rand(1)}
    tool.add_audio_encoder(converted, str(tmp_path / 'vggish.pth'))
    assert 'audio_encoder.features.0.weight' in converted
    with pytest.raises(ValueError, match='an audio encoder of its own'):
        tool.add_audio_encoder(converted, str(tmp_path / 'vggish.pth'))


class Evil:
    def __reduce__(self):
        return (open, ('evil.txt', 'w'))


def test_foreign_and_unsafe_files_are_refused(run, tmp_path):
    torch.save({'conv1.weight': torch.rand(3)}, tmp_path / 'x.pth')
    out = tmp_path / 'o.pth'
    words = 'x.pth: .*not of an AVSegFormer checkpoint'
    refused(run, words, CONVERT, 'avsegformer', tmp_path / 'x.pth', out)
    (tmp_path / 'evil.pth').write_bytes(pickle.dumps(Evil()))
    words = 'evil.pth .*read safely'
    refused(run, words, CONVERT, 'vggish', tmp_path / 'evil.pth', out)
    assert not (ROOT / 'evil.txt').exists()


@pytest.mark.parametrize('method', load(CONVERT).METHODS)
def test_a_file_without_a_part_is_refused(run, tmp_path, method):
    path, out = tmp_path / 'x.pth', tmp_path / 'o.pth'
    for weights in ({}, dict(state_dict={})):
        torch.save(weights, path)
        words = rf'x.pth holds 0 tensors \(\[\]\).*whole file of {method}.*Fix'
        refused(run, words, CONVERT, method, path, out)
    assert not out.exists()


def test_a_file_says_what_it_lacks(run, tmp_path):
    weights = light('keys_vggish')
    del weights['embeddings.2.weight'], weights['embeddings.2.bias']
    torch.save(weights, tmp_path / 'x.pth')
    words = r"16 tensors .*come none of \['audio_encoder.embeddings.2.'\]"
    refused(run, words, CONVERT, 'vggish', tmp_path / 'x.pth', tmp_path / 'o')
    weights = pvt_weights()
    del weights['block1.0.attn.kv.weight']
    torch.save(weights, tmp_path / 'x.pth')
    words = 'x.pth: block1.0.attn.q.weight comes without'
    refused(run, words, CONVERT, 'pvt', tmp_path / 'x.pth', tmp_path / 'o')


def test_the_missing_audio_encoder_is_named():
    tool = load(CONVERT)
    weights = init_model(CONFIG, device='cpu').state_dict()
    part = {k: v for k, v in weights.items() if not k.startswith('audio_enc')}
    lines = tool.compare(part, CONFIG, tool.METHODS['avsbench'])
    assert len(lines) == len(weights) - len(part) > 0
    message = tool.misfit(lines, CONFIG)
    assert '--audio-encoder pretrained/vggish-10086976.pth' in message
    del part[next(iter(part))]  # a backbone's
    lines = tool.compare(part, CONFIG, tool.METHODS['avsbench'])
    assert '--audio-encoder' not in tool.misfit(lines, CONFIG)
