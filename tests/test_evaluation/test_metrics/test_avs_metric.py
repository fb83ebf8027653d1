"""AVSMetric: golden groupings, order, ranks, groups, errors."""

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from mmavs.evaluation import AVSMetric, AVSSMetric
from mmavs.registry import METRICS
from mmavs.structures import AVSDataSample, FramePixelData
from mmavs.testing import golden

INPUTS = golden.load_arrays('metrics_binary_inputs')
OUTPUTS = golden.load_json('metrics_binary_outputs')
CASES = [name for name in OUTPUTS if f'{name}__logits' in INPUTS]


def clip(logits, target, index=0, **meta):
    """One clip as the segmentor hands it to the evaluator."""
    sample = AVSDataSample(
        metainfo=dict(
            clip_id=f'clip{index}',
            sample_idx=index,
            num_frames=len(target),
            **meta,
        )
    )
    logits, target = torch.as_tensor(logits), torch.as_tensor(target)
    sample.seg_logits = FramePixelData(data=logits[:, None])
    sample.gt_sem_seg = FramePixelData(data=target[:, None].long())
    return sample


def golden_clips(case):
    logits, target = INPUTS[f'{case}__logits'], INPUTS[f'{case}__gt']
    return [
        clip(logits[i * 5 : i * 5 + 5], target[i * 5 : i * 5 + 5], i)
        for i in range(7)
    ]


def evaluate(clips, **kwargs):
    return Evaluator(AVSMetric(**kwargs)).offline_evaluate(clips)


@pytest.mark.parametrize('clips_per_batch', [1, 2, 4, 7, 'all'])
@pytest.mark.parametrize('case', CASES)
def test_equals_the_released_code(case, clips_per_batch):
    scores = evaluate(golden_clips(case), clips_per_batch=clips_per_batch)
    key = 7 if clips_per_batch == 'all' else clips_per_batch
    expected = OUTPUTS[case][f'batch_size_{key}']['mean_of_batches']
    assert scores['mIoU'] / 100 == pytest.approx(
        expected['mask_iou'], abs=1e-6
    )
    assert scores['mFscore'] / 100 == pytest.approx(
        expected['Fmeasure'], abs=1e-6
    )


def test_dataset_protocol_by_hand():
    logits = torch.tensor([3.0, 3.0, -3.0, -3.0]).view(1, 1, 4)
    # clip 0: tp 1 fp 1 fn 1 tn 1; clip 1: tp 2 fp 0 fn 0 tn 1, one ignored
    clips = [
        clip(logits, torch.tensor([[[1, 0, 1, 0]]]), 0),
        clip(logits, torch.tensor([[[1, 1, 0, 255]]]), 1),
    ]
    scores = evaluate(clips, protocol='dataset')
    assert scores == pytest.approx(
        dict(mIoU=60.0, mPrecision=75.0, mRecall=75.0, mFscore=75.0)
    )
    scores = evaluate(clips, protocol='dataset', background='all')
    assert scores['mIoU'] == pytest.approx(100 * (3 / 5 + 2 / 4) / 2)


def test_order_is_the_datasets_whatever_loader_and_ranks_did():
    clips = golden_clips('mixed_empty_gt')
    kwargs = dict(clips_per_batch=2)
    expected = evaluate(clips, **kwargs)
    shuffled = [clips[i] for i in (3, 0, 6, 5, 1, 4, 2)]
    assert evaluate(shuffled, **kwargs) == expected
    for chunk in (2, 3):
        evaluator = Evaluator(AVSMetric(**kwargs))
        assert evaluator.offline_evaluate(clips, chunk_size=chunk) == expected
    # two ranks: strided, the last repeats the first to come out even
    ranks = [AVSMetric(**kwargs) for _ in range(2)]
    for rank, metric in enumerate(ranks):
        mine = (clips + clips[:1])[rank::2]
        metric.process(None, [sample.to_dict() for sample in mine])
    pairs = zip(ranks[0].results, ranks[1].results)
    collected = [entry for pair in pairs for entry in pair]
    assert len(collected) == 8
    assert AVSMetric(**kwargs).compute_metrics(collected) == expected
    assert AVSMetric(**kwargs).compute_metrics(collected[:7]) == expected


def test_order_of_arrival_counts_where_indices_do_not_tell():
    clips = golden_clips('mixed_empty_gt')
    expected = evaluate(clips, clips_per_batch=4)
    for sample in clips:
        sample.set_metainfo(dict(sample_idx=0))  # concatenated datasets
    assert evaluate(clips, clips_per_batch=4) == expected


def test_one_small_entry_a_clip():
    metric = AVSMetric()
    metric.process(None, [c.to_dict() for c in golden_clips('random')])
    assert len(metric.results) == 7
    numbers = sum(v.numel() for v in metric.results[0]['sums'].values())
    assert numbers < 300


def test_groups_are_reported_apart():
    clips = golden_clips('informative')
    for i, sample in enumerate(clips):
        group = 'constant' if i < 3 else 'switching'
        sample.set_metainfo(dict(group=group))
    scores = evaluate(clips, clips_per_batch=2)
    assert (
        scores['mIoU_constant']
        == evaluate(clips[:3], clips_per_batch=2)['mIoU']
    )
    assert (
        scores['mFscore_switching']
        == evaluate(clips[3:], clips_per_batch=2)['mFscore']
    )
    assert 'mIoU' in scores and 'mFscore' in scores


def test_unlabelled_frames_do_not_count():
    sample = golden_clips('informative')[0]
    first = clip(
        INPUTS['informative__logits'][:1], INPUTS['informative__gt'][:1]
    )
    sample.gt_sem_seg.data[1:] = 255
    assert evaluate([sample]) == evaluate([first])


def test_two_channels_are_scored_by_their_log_odds():
    sample = golden_clips('informative')[0]
    expected = evaluate([sample])
    logit = sample.seg_logits.data
    two = torch.cat([torch.ones_like(logit), logit + 1], dim=1)
    sample.seg_logits = FramePixelData(data=two)
    assert evaluate([sample]) == pytest.approx(expected, abs=1e-3)


def test_per_clip_scores():
    clips = golden_clips('informative')
    metric = AVSMetric(clips_per_batch='all')
    Evaluator(metric).offline_evaluate(clips)
    expected = OUTPUTS['informative']['batch_size_1']['mask_iou_per_batch']
    found = [entry['J'] / 100 for entry in metric.per_clip]
    assert np.abs(np.array(found) - expected).max() < 1e-6
    assert metric.per_clip[3]['clip_id'] == 'clip3'


def test_table_names_the_protocol():
    metric = AVSMetric(clips_per_batch=4)
    metric.process(None, [c.to_dict() for c in golden_clips('perfect')])
    table = metric.tables(metric.summarize(metric.results))[-1]
    for word in ('avsbench', 'clips_per_batch=4', '32x24', ' 7 ', '100.00'):
        assert word in table


def test_table_names_which_mask_answered(tmp_path):
    zeros = torch.zeros(1, 4, 4)
    for ways, named in (
        (['iou'], 'iou'),
        (['iou', 'first'], 'first, iou'),
        ([None], None),
    ):
        metric = AVSMetric(report_dir=str(tmp_path))
        for index, way in enumerate(ways):
            meta = {} if way is None else dict(mask_choice=way)
            metric.process({}, [clip(zeros, zeros, index, **meta).to_dict()])
        (row,) = metric.summarize(metric.results)
        assert row.get('mask_choice') == named
    assert metric.evaluate(1).keys() >= {'mIoU', 'mFscore'}


def test_built_from_a_config_with_what_mmseg_tools_pass():
    metric = METRICS.build(
        dict(
            type='AVSMetric',
            keep_results=True,
            output_dir=None,
            prefix='avs',
            collect_device='gpu',
        )
    )
    clips = golden_clips('perfect')
    assert Evaluator(metric).offline_evaluate(clips)['avs/mIoU'] == (
        pytest.approx(100)
    )


def test_unknown_protocols():
    with pytest.raises(ValueError, match="unknown protocol: 'coco'"):
        AVSMetric(protocol='coco')
    for wrong in (0, 'each', 1.5):
        with pytest.raises(ValueError, match='clips_per_batch'):
            AVSMetric(clips_per_batch=wrong)
    with pytest.raises(ValueError, match='background'):
        AVSMetric(background='all')
    with pytest.raises(ValueError, match='output_dir'):
        AVSMetric(format_only=True)


def test_wrong_clips_are_named():
    sample = golden_clips('random')[2]
    target = sample.gt_sem_seg.data

    def fails(message):
        with pytest.raises(ValueError, match=message):
            evaluate([sample])

    sample.gt_sem_seg = FramePixelData(data=target[..., :-1])
    fails(r'clip2: predicted at \(24, 32\).*\(24, 31\).*test_cfg.eval_size')
    sample.gt_sem_seg = FramePixelData(data=target[:4])
    fails('clip2: 5 predicted frames, 4 frames of ground truth')
    sample.gt_sem_seg = FramePixelData(data=target + 3)
    fails('clip2: 3840 pixels of the ground truth are none of')
    sample.gt_sem_seg = FramePixelData(data=target * 0 + 255)
    fails('no frame of any clip is labelled')
    sample.gt_sem_seg = FramePixelData(data=target)
    sample.seg_logits.data[0, 0, 0, 0] = float('nan')
    fails('clip2: 1 predicted pixels are NaN')
    sample.seg_logits = FramePixelData(data=torch.zeros(5, 71, 24, 32))
    fails('clip2: .* got 71 channels')
    del sample.seg_logits
    fails('clip2: no seg_logits.*keep_logits')


@pytest.mark.parametrize('kind', [AVSMetric, AVSSMetric])
def test_options_of_the_base_and_no_others(kind, tmp_path):
    metric = kind(output_dir=str(tmp_path), prefix='val')
    assert (metric.output_dir, metric.prefix) == (str(tmp_path), 'val')
    with pytest.raises(TypeError, match="'batch_size'"):
        kind(batch_size=4)
