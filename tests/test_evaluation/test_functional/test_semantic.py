"""Per-class counts and semantic scores against golden and hand figures."""

import numpy as np
import pytest
import torch

from mmavs.evaluation import confusion_counts, evaluate_semantic
from mmavs.evaluation.functional import class_scores, semantic_sums
from mmavs.testing import golden

INPUTS = golden.load_arrays('metrics_avss_inputs')
OUTPUTS = golden.load_json('metrics_avss_outputs')
CASES = [name for name in OUTPUTS if f'{name}__gt' in INPUTS]


def golden_clips(case):
    """Predicted and true labels of clips of ten frames, and K."""
    logits = torch.from_numpy(INPUTS[f'{case}__logits_q'].astype(np.float32))
    labels = (logits / 256).argmax(1)
    target = torch.from_numpy(INPUTS[f'{case}__gt'].astype(np.int64))
    clips = list(zip(labels.split(10), target.split(10)))
    return clips, OUTPUTS[case]['num_classes']


def test_there_are_ten_golden_cases():
    assert len(CASES) == 10


@pytest.mark.parametrize('case', CASES)
def test_equals_the_released_code(case):
    clips, num_classes = golden_clips(case)
    expected = OUTPUTS[case]['batch_size_1']
    for background, suffix in (('all', ''), ('released', '_noBg')):
        scores = evaluate_semantic(
            clips, num_classes, background=background, ignore_index=-1
        )
        assert scores['mIoU'] / 100 == pytest.approx(
            expected['miou' + suffix], abs=1e-6
        )
        assert scores['mFscore'] / 100 == pytest.approx(
            expected['F_score' + suffix], abs=1e-6
        )
    sums = [semantic_sums(*clip, num_classes, -1) for clip in clips]
    per_class = class_scores(sums)
    for key, name in (('J', 'miou_per_class'), ('F', 'F_per_class')):
        found = per_class[key].nan_to_num(0).numpy()
        assert np.abs(found - np.array(expected[name])).max() < 1e-6
    assert per_class['frames'].tolist() == expected['cls_count']


def test_padding_by_arithmetic_equals_padded_frames():
    clips, num_classes = golden_clips('padded_5s_clips')
    cut = [
        (labels[:5], target[:5])
        if not (labels[5:] + target[5:]).any()
        else (labels, target)
        for labels, target in clips
    ]
    assert sum(len(labels) == 5 for labels, _ in cut) > 1
    padded = evaluate_semantic(clips, num_classes)
    assert evaluate_semantic(cut, num_classes) == pytest.approx(padded)
    bare = evaluate_semantic(cut, num_classes, padded_frames=None)
    assert bare['mIoU'] < padded['mIoU']


def naive_counts(labels, target, num_classes, ignore_index):
    """One pixel after another."""
    side = num_classes + 1
    counts = np.zeros((len(labels), side, side), np.int64)
    for n in range(len(labels)):
        for p, t in zip(labels[n].flat, target[n].flat):
            if t == ignore_index or t < 0:
                continue
            row = t if t < num_classes else num_classes
            column = p if 0 <= p < num_classes else num_classes
            counts[n, row, column] += 1
    return counts


@pytest.mark.parametrize('ignore_index', [255, 2, -1])
def test_counts_equal_the_naive_ones(ignore_index):
    rng = np.random.RandomState(0)
    labels = rng.choice([0, 1, 2, 3, 4, 9, -2], size=(3, 6, 7))
    target = rng.choice([0, 1, 2, 3, 5, 255, -1], size=(3, 6, 7))
    counts = confusion_counts(labels, target, 4, ignore_index)
    expected = naive_counts(labels, target, 4, ignore_index)
    assert np.array_equal(counts, expected)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int16, torch.int64])
def test_any_kind_of_integer(dtype):
    labels = torch.randint(0, 4, (2, 5, 5))
    target = torch.randint(0, 4, (2, 5, 5))
    target[0, 0] = 255
    expected = confusion_counts(labels, target, 4)
    stored = target.to(dtype) if dtype != torch.int8 else target
    assert torch.equal(confusion_counts(labels.to(dtype), stored, 4), expected)


def test_hand_counted_frames():
    labels = torch.tensor([[[0, 0, 1, 1]], [[0, 0, 0, 2]]])
    target = torch.tensor([[[0, 1, 1, 1]], [[0, 0, 0, 0]]])
    # class 0: 1/2 and 3/4; class 1: 2/3; class 2: one stray pixel, 0
    expected = 100 * ((0.5 + 0.75) / 2 + 2 / 3 + 0 + 0) / 4
    clips = [(labels, target)]
    scores = evaluate_semantic(clips, 4, padded_frames=None)
    assert scores['mIoU'] == pytest.approx(expected)
    # two more frames of right background: class 0 becomes 3.25 / 4
    scores = evaluate_semantic(clips, 4, padded_frames=4)
    assert scores['mIoU'] == pytest.approx(100 * (3.25 / 4 + 2 / 3) / 4)
    scores = evaluate_semantic(clips, 4, background='without')
    assert scores['mIoU'] == pytest.approx(100 * (2 / 3) / 3)
    scores = evaluate_semantic(clips, 4, absent_classes='skip')
    assert scores['mIoU'] == pytest.approx(100 * (9.25 / 10 + 2 / 3) / 3)
    # dataset: class 0 tp 4 fp 1 fn 1; class 1 tp 2 fp 0 fn 1; 2: fp 1
    scores = evaluate_semantic(clips, 4, protocol='dataset')
    assert scores['mIoU'] == pytest.approx(100 * (4 / 6 + 2 / 3) / 4)
    assert scores['mPrecision'] == pytest.approx(100 * (4 / 5 + 1) / 4)
    assert scores['mRecall'] == pytest.approx(100 * (4 / 5 + 2 / 3) / 4)
    f_score = 1.3 * 4 / (1.3 * 4 + 0.3 + 1), 1.3 * 2 / (1.3 * 2 + 0.3)
    assert scores['mFscore'] == pytest.approx(100 * sum(f_score) / 4)


def test_wrong_input_is_named():
    good = np.zeros((1, 2, 2), np.int64)
    with pytest.raises(ValueError, match=r'\(1, 2, 2\) and \(1, 2, 3\)'):
        confusion_counts(good, np.zeros((1, 2, 3), np.int64), 4)
    with pytest.raises(ValueError, match=r'clip 1: .*\(1, 6, 2\)'):
        evaluate_semantic([(good, good), (good, good.repeat(3, 1))], 4)
    with pytest.raises(ValueError, match='clip 0: 4 predicted labels'):
        evaluate_semantic([(good + 9, good)], 4)
    with pytest.raises(ValueError, match='unknown protocol'):
        evaluate_semantic([(good, good)], 4, protocol='coco')
    with pytest.raises(ValueError, match='unknown background'):
        evaluate_semantic([(good, good)], 4, background='none')
    with pytest.raises(ValueError, match='unknown absent_classes'):
        evaluate_semantic([(good, good)], 4, absent_classes='drop')
