"""One threshold decides, wherever a mask is looked at."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from run_tool import ROOT, run_tool

from mmavs.apis import inference_model, init_model
from mmavs.apis.mask_frames import from_png
from mmavs.apis.results import ResultReader
from mmavs.evaluation import evaluate_binary
from mmavs.evaluation.mask_files import decode_probability, encode_probability
from mmavs.registry import METRICS, MODELS
from mmavs.structures import AVSDataSample

STOCK_HEAD = dict(
    _delete_=True,
    type='mmseg.FCNHead',
    in_channels=32,
    in_index=0,
    channels=8,
    num_classes=2,
    out_channels=1,
    num_convs=1,
    concat_input=False,
    loss_decode=dict(type='mmseg.CrossEntropyLoss', use_sigmoid=True),
)
P = torch.tensor(-0.5).sigmoid().item()  # 0.378, of every pixel


@pytest.fixture(scope='module')
def stock(tiny_ms3, tmp_path_factory):
    """Config and weights of a stock head whose logits are all -0.5."""
    folder = tmp_path_factory.mktemp('stock')
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    config.merge_from_dict(dict(model=dict(decode_head=STOCK_HEAD)))
    loader = config.test_dataloader
    loader.update(num_workers=0, persistent_workers=False, batch_size=2)
    loader.dataset.data_root = f'{tiny_ms3}/'
    loader.dataset.pipeline[1].cache_dir = None
    config.dump(folder / 'fcn.py')
    model = init_model(config, device='cpu')
    model.decode_head.conv_seg.weight.data.zero_()
    model.decode_head.conv_seg.bias.data.fill_(-0.5)
    torch.save(dict(state_dict=model.state_dict()), folder / 'bias.pth')
    return folder / 'fcn.py', folder / 'bias.pth'


def run_test(stock, folder, monkeypatch, *options):
    """Run tools/test.py; give its figures and the values of its masks."""
    config, weights = stock
    run_tool(
        'test',
        *(config, weights, '--work-dir', folder / 'work'),
        *('--out', folder / 'masks', '--dump', folder / 'x.pkl', *options),
        monkeypatch=monkeypatch,
    )
    (figures,) = (folder / 'work').glob('*/*.json')
    masks = [
        cv2.imread(str(p), cv2.IMREAD_GRAYSCALE)
        for p in (folder / 'masks').rglob('*.png')
    ]
    assert len(masks) == 15
    return json.loads(figures.read_text()), set(np.unique(masks).tolist())


def segmented(stock, tiny_ms3, *options):
    """Give what the API and the demo make of a test clip."""
    config, weights = stock
    model = init_model(config, weights, 'cpu', dict(options))
    frames = sorted(tiny_ms3.glob('ms3_data/visual_frames/*'))
    sound = next((tiny_ms3 / 'ms3_data/audio_wav/test').rglob('*.wav'))
    folder = next(p for p in frames if p.name == sound.stem)
    sample = inference_model(model, folder, sound)
    frame = ResultReader(model).read(sample, 0, 0, sample.ori_shape)
    shown = from_png(frame.segmentation)
    return set(sample.pred_sem_seg.data.unique().tolist()), set(
        np.unique(shown).tolist()
    )


def test_a_stock_head_decides_at_one_half(
    stock, tiny_ms3, tmp_path, monkeypatch
):
    """mmseg's own default, 0.3, would paint every pixel."""
    figures, masks = run_test(stock, tmp_path, monkeypatch)
    assert masks == {0}
    assert 'threshold' not in figures
    assert segmented(stock, tiny_ms3) == ({0}, {0})


def test_a_threshold_of_the_config_decides_everywhere(
    stock, tiny_ms3, tmp_path, monkeypatch, capsys
):
    option = 'model.decode_head.threshold'
    figures, masks = run_test(
        stock, tmp_path, monkeypatch, '--cfg-options', f'{option}=0.3'
    )
    assert masks == {255}
    assert figures['threshold'] == 0.3
    assert segmented(stock, tiny_ms3, (option, 0.3)) == ({1}, {255})
    # J of a full mask: the share of sounding pixels, frame by frame
    truth = [
        cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) > 0
        for p in sorted(tiny_ms3.glob('ms3_data/gt_masks/test/*/*.png'))
    ]
    expected = 100 * np.mean([mask.mean() for mask in truth])
    assert figures['mIoU'] == pytest.approx(expected, abs=1e-3)
    # and offline, where another one may be asked for
    for words, wanted, column in (
        ((), figures['mIoU'], '0.3'),
        (('--threshold', '0.5'), None, None),
    ):
        path = tmp_path / 'x.json'
        run_tool(
            'analysis_tools/evaluate_dump',
            *(tmp_path / 'x.pkl', '--json', path, *words),
            monkeypatch=monkeypatch,
        )
        row = json.loads(path.read_text())[0]
        assert row.get('threshold') == column
        if wanted:
            assert row['mIoU'] == pytest.approx(wanted)
        else:
            assert row['mIoU'] < figures['mIoU']


@pytest.mark.parametrize('threshold', [0.25, 0.3, 0.5, 51 / 255, 0.999])
def test_soft_masks_keep_the_side_of_the_threshold(threshold):
    exact = torch.cat(
        [torch.rand(20000), torch.linspace(0, 1, 255), torch.zeros(1)]
    )
    levels = encode_probability(exact, threshold)
    read = torch.from_numpy(decode_probability(levels.numpy()))
    again = torch.logit(read).sigmoid()  # as folders are scored
    assert torch.equal(again > threshold, exact > threshold)
    assert (read - exact).abs().max() < 1.6 / 254


def test_soft_masks_are_scored_at_the_threshold_asked_for(
    stock, tmp_path, tiny_ms3, monkeypatch
):
    figures, masks = run_test(
        stock, tmp_path, monkeypatch,
        *('--soft-masks', '--cfg-options', 'model.decode_head.threshold=0.3'),
    )  # fmt: skip
    assert masks == {round(P * 255)}

    def score(*words):
        path = tmp_path / 'x.json'
        run_tool(
            'analysis_tools/evaluate_dump',
            *(tmp_path / 'masks', '--gt', tiny_ms3 / 'ms3_data/gt_masks/test'),
            *('--json', path, *words),
            monkeypatch=monkeypatch,
        )
        return json.loads(path.read_text())[0]

    row = score('--soft', '--threshold', '0.3')
    assert row['mIoU'] == pytest.approx(figures['mIoU'])
    assert row['threshold'] == '0.3'
    assert 'threshold' not in score('--soft')
    with pytest.raises(ValueError, match='Fix: leave --threshold out'):
        score('--threshold', '0.3')


def test_bare_arrays_take_a_threshold():
    logits = np.full((1, 2, 2), -0.5, np.float32)
    target = np.array([[[1, 1], [0, 0]]])
    at = {
        t: evaluate_binary([(logits, target)], threshold=t)['mIoU']
        for t in (0.3, 0.5)
    }
    assert at == {0.3: pytest.approx(50), 0.5: pytest.approx(0)}


def test_instances_sound_above_the_same_threshold(tmp_path):
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, :2], masks[1, 2:] = True, True
    sample = AVSDataSample(
        metainfo=dict(
            clip_id='c', num_frames=1, threshold=0.3, categories=('a', 'b')
        )
    )
    sample.pred_instances = [
        InstanceData(
            masks=masks,
            labels=torch.tensor([0, 1]),
            scores=torch.ones(2),
            sounding_probs=torch.tensor([0.4, 0.2]),
        )
    ]
    writer = METRICS.build(dict(type='InstanceWriter', output_dir=tmp_path))
    writer.process(None, [sample.to_dict()])
    picture = cv2.imread(str(tmp_path / 'instances/c/c_1.png'))
    assert picture[:2].any(axis=2).all() and not picture[2:].any()


def test_a_threshold_is_a_probability():
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    config.model.decode_head.threshold = 30
    with pytest.raises(ValueError, match='below 1, got 30'):
        MODELS.build(config.model)
