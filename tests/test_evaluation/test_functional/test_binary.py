"""J and the F curve against golden figures, a loop and hand counts."""

import numpy as np
import pytest
import torch

from mmavs.evaluation import f_measure_curve, jaccard
from mmavs.evaluation.functional import binary_sums
from mmavs.testing import golden

INPUTS = golden.load_arrays('metrics_binary_inputs')
OUTPUTS = golden.load_json('metrics_binary_outputs')
CASES = [name for name in OUTPUTS if f'{name}__logits' in INPUTS]


def loop(probability, target):
    """The definition, one threshold after another, in float64."""
    curve = []
    for t in INPUTS['thresholds_f32']:
        positive = probability >= t
        tp = (positive & (target == 1)).sum()
        fp = (positive & (target == 0)).sum()
        fn = (~positive & (target == 1)).sum()
        precision, recall = tp / max(tp + fp, 1), tp / (tp + fn)
        both = 0.3 * precision + recall
        curve.append(1.3 * precision * recall / both if both else 0.0)
    return np.array(curve)


def test_there_are_twelve_golden_cases():
    assert len(CASES) == 12


@pytest.mark.parametrize('case', CASES)
def test_per_frame_scores_equal_the_released_code(case):
    logits, target = INPUTS[f'{case}__logits'], INPUTS[f'{case}__gt']
    expected = OUTPUTS[case]['per_frame']
    scores = jaccard(logits, target)
    best = np.nan_to_num(f_measure_curve(logits, target).max(axis=1))
    assert np.abs(scores - np.array(expected['mask_iou'])).max() < 1e-6
    assert np.abs(best - np.array(expected['Fmeasure'])).max() < 1e-6


def test_curve_equals_the_loop_also_on_ties_and_ignored_pixels():
    rng = np.random.RandomState(0)
    grid = INPUTS['thresholds_f32']
    near = [
        grid,
        np.nextafter(grid, np.float32(2)),
        np.nextafter(grid, np.float32(-1)),
        rng.rand(35),
    ]
    probability = np.concatenate(near).astype(np.float32).clip(0, 1)
    probability = rng.permutation(probability).reshape(1, 20, 40)
    target = rng.choice([0, 1, 255], size=(1, 20, 40))
    curve = f_measure_curve(probability, target, from_logits=False)
    assert np.abs(curve[0] - loop(probability[0], target[0])).max() < 1e-12


def test_hand_counted_frame():
    logits = torch.tensor([[[2.0, 2.0, -2.0], [-2.0, -2.0, 2.0]]])
    target = torch.tensor([[[1, 0, 1], [0, 0, 255]]])
    # one hit, one false alarm, one miss; the last pixel has no label
    assert jaccard(logits, target).item() == pytest.approx(1 / 3, abs=1e-6)
    curve = f_measure_curve(logits, target)[0]
    # at 0.5: P = R = 1/2; at 0: everything, P = 2/5, R = 1
    assert curve[127].item() == pytest.approx(0.5, abs=1e-6)
    assert curve[0].item() == pytest.approx(1.3 * 0.4 / 1.12, abs=1e-6)
    assert curve[254].item() == 0


def test_frames_without_sound_or_without_label():
    logits = torch.full((2, 2, 2), -1.0)
    logits[:, 0, 0] = 1
    target = torch.zeros(2, 2, 2, dtype=torch.long)
    target[1] = 255
    scores = jaccard(logits, target)
    assert scores[0].item() == 0.75  # three of four true negatives
    assert scores[1].isnan()
    assert f_measure_curve(logits, target).isnan().all()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_equals_its_float32_copy(dtype):
    logits = torch.randn(2, 8, 8).to(dtype)
    target = torch.randint(0, 2, (2, 8, 8))
    assert torch.equal(
        jaccard(logits, target), jaccard(logits.float(), target)
    )
    assert torch.equal(
        f_measure_curve(logits, target),
        f_measure_curve(logits.float(), target),
    )


@pytest.mark.parametrize('dtype', [torch.bool, torch.uint8, torch.float32])
def test_any_kind_of_target(dtype):
    logits = torch.randn(2, 8, 8)
    target = torch.randint(0, 2, (2, 8, 8))
    assert torch.equal(
        jaccard(logits, target), jaccard(logits, target.to(dtype))
    )


def test_kind_of_result_follows_the_input():
    logits = np.zeros((1, 2, 2), np.float32)
    target = np.ones((1, 2, 2), np.uint8)
    assert isinstance(jaccard(logits, target), np.ndarray)
    tensors = torch.from_numpy(logits), torch.from_numpy(target)
    assert isinstance(f_measure_curve(*tensors), torch.Tensor)
    assert f_measure_curve(*tensors, num_thresholds=11).shape == (1, 11)


@pytest.mark.parametrize('function', [jaccard, f_measure_curve])
def test_wrong_input_is_named(function):
    good, target = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)
    with pytest.raises(ValueError, match=r'\(1, 2, 2\) and \(1, 2, 3\)'):
        function(good, torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match=r'outside \[0, 1\]'):
        function(good - 0.1, target, from_logits=False)
    with pytest.raises(ValueError, match='NaN logits'):
        function(good * float('nan'), target)
    with pytest.raises(ValueError, match='0, 1 and 255'):
        function(good, target + 0.5)


def test_sums_count_wrong_values_and_do_not_raise():
    logits = torch.tensor([[[float('nan'), 1.0]]])
    sums = binary_sums(logits, torch.tensor([[[7, 1]]]))
    assert sums['invalid'].tolist() == [1, 1]
    probability = torch.tensor([[[1.5, 1.0, -0.5]]])
    sums = binary_sums(probability, torch.ones(1, 1, 3), from_logits=False)
    assert sums['invalid'].tolist() == [2, 0]
