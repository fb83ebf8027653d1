"""AVSSMetric: golden figures, options, per-class table, errors."""

import csv
import logging

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from PIL import Image

from mmavs.evaluation import AVSSMetric
from mmavs.registry import METRICS
from mmavs.structures import AVSDataSample, FramePixelData
from mmavs.testing import golden

INPUTS = golden.load_arrays('metrics_avss_inputs')
OUTPUTS = golden.load_json('metrics_avss_outputs')
CASES = [name for name in OUTPUTS if f'{name}__gt' in INPUTS]


def clip(labels, target, index=0, **meta):
    """One clip as the segmentor hands it to the evaluator."""
    sample = AVSDataSample(
        metainfo=dict(
            clip_id=f'clip{index}',
            sample_idx=index,
            num_frames=len(target),
            **meta,
        )
    )
    sample.pred_sem_seg = FramePixelData(data=labels[:, None])
    sample.gt_sem_seg = FramePixelData(data=target[:, None])
    return sample


def golden_clips(case, length=10):
    logits = torch.from_numpy(INPUTS[f'{case}__logits_q'].astype(np.float32))
    labels = (logits / 256).argmax(1).split(10)
    target = torch.from_numpy(INPUTS[f'{case}__gt'].astype(np.int64))
    pairs = enumerate(zip(labels, target.split(10)))
    return [clip(a[:length], b[:length], i) for i, (a, b) in pairs]


def evaluate(clips, num_classes=7, metric=None, **kwargs):
    evaluator = Evaluator(metric or AVSSMetric(**kwargs))
    names = tuple(f'class{k}' for k in range(num_classes))
    evaluator.dataset_meta = dict(
        classes=names, palette=[[k, 2 * k, 3 * k] for k in range(num_classes)]
    )
    return evaluator.offline_evaluate(clips)


@pytest.mark.parametrize('background', ['all', 'released'])
@pytest.mark.parametrize('case', CASES)
def test_equals_the_released_code(case, background):
    scores = evaluate(
        golden_clips(case),
        OUTPUTS[case]['num_classes'],
        background=background,
        ignore_index=-1,
    )
    suffix = '' if background == 'all' else '_noBg'
    expected = OUTPUTS[case]['batch_size_4']
    assert scores['mIoU'] / 100 == pytest.approx(
        expected['miou' + suffix], abs=1e-6
    )
    assert scores['mFscore'] / 100 == pytest.approx(
        expected['F_score' + suffix], abs=1e-6
    )


def test_the_sum_by_which_the_released_code_chooses_is_given():
    case = CASES[0]
    scores = evaluate(golden_clips(case), OUTPUTS[case]['num_classes'])
    total = scores['mIoU'] + scores['mFscore']
    assert scores['mIoU+mFscore'] == total > 0
    assert set(AVSSMetric().figures) == set(scores)


def test_short_clips_are_padded_only_as_asked():
    clips = golden_clips('informative', length=5)
    padded, bare = evaluate(clips), evaluate(clips, padded_frames=None)
    empty = torch.zeros(10, 12, 16, dtype=torch.long)
    longer = []
    for i, sample in enumerate(clips):
        labels, target = empty.clone(), empty.clone()
        labels[:5] = sample.pred_sem_seg.data[:, 0]
        target[:5] = sample.gt_sem_seg.data[:, 0]
        longer.append(clip(labels, target, i))
    assert evaluate(longer) == pytest.approx(padded)
    assert bare['mIoU'] < padded['mIoU']
    # the dataset protocol never pads
    assert evaluate(clips, protocol='dataset') == evaluate(
        clips, protocol='dataset', padded_frames=None
    )


def test_loader_batches_and_order_do_not_matter():
    clips = golden_clips('random')
    expected = evaluate(clips)
    assert evaluate(clips[::-1]) == pytest.approx(expected)


def test_one_small_entry_a_clip():
    metric = AVSSMetric()
    metric.dataset_meta = dict(classes=tuple(range(7)))
    metric.process(None, [c.to_dict() for c in golden_clips('random')])
    assert len(metric.results) == 5
    numbers = sum(v.numel() for v in metric.results[0]['sums'].values())
    assert numbers == 6 * 7 + 1 + 2


def test_the_device_is_not_waited_for():
    metric = AVSSMetric()
    metric.dataset_meta = dict(classes=tuple(range(7)))
    # tensors without data fail wherever the host asks for a value
    sample = golden_clips('random')[0].to('meta')
    metric.process(None, [sample.to_dict()])
    assert metric.results[0]['sums']['iou'].device.type == 'meta'


def test_groups_are_reported_apart():
    clips = golden_clips('informative')
    for i, sample in enumerate(clips):
        group = 'constant' if i < 2 else 'switching'
        sample.set_metainfo(dict(group=group))
    scores = evaluate(clips)
    assert scores['mIoU_constant'] == evaluate(clips[:2])['mIoU']


def test_masks_table_and_report_are_written(tmp_path):
    metric = AVSSMetric(
        output_dir=str(tmp_path / 'out'), report_dir=str(tmp_path / 'report')
    )
    clips = golden_clips('informative')
    evaluate(clips, metric=metric)
    image = Image.open(tmp_path / 'out' / 'clip1' / 'labels_semantic/9.png')
    expected = clips[1].pred_sem_seg.data[9, 0].numpy()
    assert np.array_equal(np.asarray(image), expected)
    colors = np.asarray(image.convert('RGB'))
    assert np.array_equal(colors[..., 2], 3 * expected)
    with open(tmp_path / 'report' / 'per_category.csv') as file:
        rows = list(csv.DictReader(file))
    golden_j = OUTPUTS['informative']['batch_size_1']['miou_per_class']
    found = [float(row['J']) / 100 for row in rows]
    found = np.nan_to_num(np.array(found))
    assert np.abs(found - np.array(golden_j)).max() < 1e-6
    assert [row['category'] for row in rows][:2] == ['class0', 'class1']
    with open(tmp_path / 'report' / 'per_clip.csv') as file:
        worst = [float(row['J']) for row in csv.DictReader(file)]
    assert worst == sorted(worst) and len(worst) == 5
    assert Image.open(tmp_path / 'report' / 'distribution.png').size[0] > 400


# classes 0 and 1 of three: I / U = 1 / 2 and 2 / 3; F = 1.3 P R / (0.3 P + R)
# with P, R = 1, 1/2 and 2/3, 1
TRUE, FOUND = [[[0, 0], [1, 1]]], [[[0, 1], [1, 1]]]
J, F = (1 / 2, 2 / 3), (0.65 / 0.8, 2.6 / 3 / 1.2)


@pytest.mark.parametrize('protocol', ['avsbench', 'dataset'])
def test_absent_classes_by_hand(protocol, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmavs.evaluation.metrics.avss_metric.print_log',
        lambda text, **kwargs: lines.append(text),
    )
    clips = [clip(torch.tensor(FOUND), torch.tensor(TRUE))]
    options = dict(protocol=protocol, padded_frames=None)
    for treatment, count, word in (('zero', 3, 'count as 0'), ('skip', 2, '')):
        scores = evaluate(clips, 3, absent_classes=treatment, **options)
        assert scores['mIoU'] == pytest.approx(100 * sum(J) / count)
        assert scores['mFscore'] == pytest.approx(100 * sum(F) / count)
        warning = lines.pop()
        assert '1 of 3 classes' in warning and '(class2)' in warning
        assert (word or 'left out') in warning
    evaluate(clips, 2, **options)
    assert not lines


def test_mmseg_gives_the_same_without_absent_classes():
    from mmseg.evaluation import IoUMetric

    draw = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 4, (2, 3, 5, 16, 16), generator=draw)
    frames[frames == 2] = 0  # a class that occurs nowhere
    frames[1][torch.rand(3, 5, 16, 16, generator=draw) < 0.1] = 255
    clips = [clip(*pair, i) for i, pair in enumerate(frames.unbind(1))]
    found = evaluate(clips, 4, protocol='dataset', absent_classes='skip')
    expected = evaluate(clips, 4, metric=IoUMetric())
    assert found['mIoU'] == pytest.approx(expected['mIoU'], abs=0.005)
    released = evaluate(clips, 4, protocol='dataset')
    assert released['mIoU'] == pytest.approx(found['mIoU'] * 3 / 4)


def test_table_names_the_protocol():
    metric = AVSSMetric(background='released', padded_frames=None)
    metric.dataset_meta = dict(classes=tuple(range(7)))
    metric.process(None, [c.to_dict() for c in golden_clips('perfect')])
    table = metric.tables(metric.summarize(metric.results))[-1]
    for word in ('avsbench', 'released', 'none', 'zero', '16x12', '83.33'):
        assert word in table


def test_built_from_a_config_with_what_mmseg_tools_pass(tmp_path):
    metric = METRICS.build(
        dict(
            type='AVSSMetric',
            keep_results=True,
            output_dir=str(tmp_path),
            released_names=True,
            format_only=True,
        )
    )
    sample = golden_clips('perfect')[0]
    del sample.gt_sem_seg
    assert evaluate([sample], metric=metric) == {}
    names = sorted(p.name for p in tmp_path.rglob('*.png'))
    assert names == [f'{i}.png' for i in range(10)]


def test_unknown_options():
    with pytest.raises(ValueError, match='unknown protocol'):
        AVSSMetric(protocol='coco')
    with pytest.raises(ValueError, match='unknown background'):
        AVSSMetric(background='no')
    with pytest.raises(ValueError, match='unknown absent_classes'):
        AVSSMetric(absent_classes='no')


def test_wrong_clips_are_named():
    sample = golden_clips('random')[2]
    labels, target = sample.pred_sem_seg.data, sample.gt_sem_seg.data

    def fails(message, clips=(sample,)):
        with pytest.raises(ValueError, match=message):
            evaluate(clips)

    sample.pred_sem_seg = FramePixelData(data=labels[:4])
    fails('clip2: 4 predicted frames, 10 frames of ground truth')
    sample.pred_sem_seg = FramePixelData(data=labels[..., :8, :])
    fails(r'clip2: predicted at \(8, 16\).*\(12, 16\).*test_cfg.eval_size')
    sample.pred_sem_seg = FramePixelData(data=labels + 1)
    fails(
        'clip2: .* predicted pixels are none of the 7 classes. Fix: .*num_cl'
    )
    sample.pred_sem_seg = FramePixelData(data=labels)
    sample.gt_sem_seg = FramePixelData(data=target * 0 + 255)
    fails('no frame of any clip is labelled')
    del sample.gt_sem_seg
    fails('none of the 1 clips has ground truth')
    fails('no clip to score', ())
    with pytest.raises(ValueError, match='names of the classes'):
        Evaluator(AVSSMetric()).offline_evaluate(golden_clips('random'))


def test_labels_outside_the_classes_are_announced(monkeypatch):
    lines = []
    # mmengine's logger shows one and the same warning once a process
    monkeypatch.setattr(
        'mmavs.evaluation.metrics.avss_metric.print_log',
        lambda text, **kwargs: lines.append((kwargs.get('level'), text)),
    )
    evaluate(golden_clips('ignore_255_and_minus1'), ignore_index=-1)
    warnings = [text for level, text in lines if level == logging.WARNING]
    assert len(warnings) == 1 and '2400 pixels' in warnings[0]
    assert 'first in clip clip0, are none of the' in warnings[0]
