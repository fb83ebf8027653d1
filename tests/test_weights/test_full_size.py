"""Every model's weights by name: full-size files of released names, fetched.

Values are random, names and shapes those of the released files. Marked slow:
``make test-weights``.
"""

import math
from urllib.parse import urlparse
from urllib.request import Request

import pytest
import torch

from mmavs.apis import init_model
from mmavs.files import fetching
from mmavs.model_index import files_of, list_models, released
from mmavs.testing.golden import load_json
from mmavs.weights import store
from mmavs.weights.conversion import convert_file

pytestmark = pytest.mark.slow

NAMES = [
    name
    for name in list_models()
    if '://' in (released(name) or {}).get('Address', '')
]
NUMBER = 'x' * 25  # of a file on Drive
BUTTON = (
    '<html><form id="download-form" method="get" '
    'action="https://drive.usercontent.google.com/download">'
    f'<input type="hidden" name="id" value="{NUMBER}"></form></html>'
)
FOLDER = '<html><title>all</title>' + ''.join(
    f'<a href="https://drive.google.com/file/d/{number}/view">{name}</a>'
    for number, name in (
        (NUMBER, 'AVSS_pvt.pth'),
        (NUMBER[::-1], 'AVSS_resnet50.pth'),
    )
)


def recipe(name):
    tensors = load_json(f'recipe_{name}')['tensors']
    return {record['key']: record['shape'] for record in tensors}


def part_of_auralsam2(prefix):
    keys = load_json('auralsam2_keys_hiera_l')['state_dict']
    return {
        key.removeprefix(prefix): shape
        for key, shape in keys.items()
        if key.startswith(prefix)
    }


def avsegformer(backbone, setting):
    binary = recipe('avsegformer_ms3_pvt')
    found = recipe('avsegformer_avss_pvt') if setting == 'avss' else binary
    if backbone == 'pvt':
        return found
    keys = load_json('keys_avsegformer_ms3_res')['state_dict']
    return {
        **keys,
        **{key: v for key, v in found.items() if v != binary[key]},
    }


def shapes_of(name, converter):
    """Names and shapes of a model's released file."""
    backbone, setting = name.split('_')[1:3]
    if converter == 'vggish':
        return load_json('keys_vggish')['state_dict']
    if converter == 'sam2':
        return part_of_auralsam2('v_model.')
    if converter == 'auralsam2':
        return part_of_auralsam2('aural_fuser.')
    if converter == 'avsegformer':
        return avsegformer(backbone, setting)
    network = dict(pvt='pvt', r50='resnet')[backbone]
    return recipe(f'avsbench_{setting}_{network}')


def write(shapes, path):
    """Draw tensors of full size; counters of batches are whole numbers."""
    torch.manual_seed(0)
    weights = {
        key: torch.tensor(7)
        if key.endswith('num_batches_tracked')
        else torch.randn(shape) / math.sqrt(max(shape, default=1))
        for key, shape in shapes.items()
    }
    torch.save(weights, path)


@pytest.fixture
def net(drive, monkeypatch):
    """Lead every address that weights have to the server."""
    pytest.importorskip('huggingface_hub')
    monkeypatch.setenv('HF_ENDPOINT', drive.address)
    monkeypatch.setattr(
        fetching,
        'Request',
        lambda address, **options: Request(
            drive.address + urlparse(address).path, **options
        ),
    )
    # random values are not those of the digits in a name
    monkeypatch.setattr(store, 'digits_in', lambda name: None)
    of_drive = drive.extra
    drive.extra = lambda path: {**of_drive(path), 'X-Repo-Commit': '1' * 40}
    return drive


def serve(net, address, path):
    url = urlparse(address)
    if url.hostname == 'drive.google.com':
        net.bodies['/uc'] = BUTTON.encode()
        net.bodies['/embeddedfolderview'] = FOLDER.encode()
        net.bodies['/download'] = path.read_bytes()
    else:
        net.bodies[url.path] = path.read_bytes()


@pytest.mark.parametrize('name', NAMES)
def test_a_whole_model_by_its_name(name, net, tmp_path):
    entry, path = released(name), tmp_path / 'released.pth'
    expected, size = {}, 0
    for file in files_of(entry):
        write(shapes_of(name, file['Converter']), path)
        size += path.stat().st_size / 1e6
        expected.update(convert_file(file['Converter'], str(path))[1])
        serve(net, file['Address'], path)
    path.unlink()
    assert size == pytest.approx(entry['Size (MB)'], rel=0.01)
    found = init_model(name, device='cpu').state_dict()
    assert found.keys() == expected.keys()
    for key, value in found.items():
        assert torch.equal(value, expected[key]), key
    # and again, without the net
    net.bodies.clear()
    init_model(name, device='cpu')
    for file in files_of(entry):
        store.stored(file['Address']).unlink()
