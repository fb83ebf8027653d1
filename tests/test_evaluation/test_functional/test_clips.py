"""evaluate_binary: the same figures as the metric, from bare arrays."""

import numpy as np
import pytest
import torch

from mmavs.evaluation import evaluate_binary
from mmavs.testing import golden

INPUTS = golden.load_arrays('metrics_binary_inputs')
OUTPUTS = golden.load_json('metrics_binary_outputs')


def clips(case='mixed_empty_gt', convert=lambda array: array):
    logits, target = INPUTS[f'{case}__logits'], INPUTS[f'{case}__gt']
    return [
        (convert(logits[i : i + 5]), convert(target[i : i + 5]))
        for i in range(0, 35, 5)
    ]


@pytest.mark.parametrize('convert', [np.asarray, torch.tensor])
def test_equals_the_released_code_from_a_stream(convert):
    stream = (pair for pair in clips(convert=convert))
    scores = evaluate_binary(stream, clips_per_batch=4)
    expected = OUTPUTS['mixed_empty_gt']['batch_size_4']['mean_of_batches']
    assert scores['mIoU'] / 100 == pytest.approx(
        expected['mask_iou'], abs=1e-6
    )
    assert scores['mFscore'] / 100 == pytest.approx(
        expected['Fmeasure'], abs=1e-6
    )


def test_probabilities_score_as_their_logits():
    pairs = clips()
    expected = evaluate_binary(pairs)
    sigmoid = [
        (torch.as_tensor(logits).sigmoid(), target) for logits, target in pairs
    ]
    assert evaluate_binary(sigmoid, from_logits=False) == expected


def test_hard_masks_have_one_f_and_the_f_of_everything():
    mask = np.array([[[1, 1, 0, 0]]])
    target = np.array([[[1, 0, 0, 0]]])
    scores = evaluate_binary([(mask, target)], from_logits=False)
    assert scores['mIoU'] == pytest.approx(50, abs=1e-4)
    assert scores['mFscore'] == pytest.approx(100 * 1.3 * 0.5 / 1.15)


def test_wrong_input_is_named():
    good = np.zeros((1, 2, 2), np.float32)
    with pytest.raises(ValueError, match='clip 1: .*1, 2, 2.*2, 2, 2'):
        evaluate_binary([(good, good), (good, good.repeat(2, 0))])
    with pytest.raises(ValueError, match='clip 0: 4 predicted values'):
        evaluate_binary([(good + 2, good)], from_logits=False)
    with pytest.raises(ValueError, match='clip 0: 0 .* 4 of the target'):
        evaluate_binary([(good, good + 9)])
    with pytest.raises(ValueError, match='unknown protocol'):
        evaluate_binary([], protocol='coco')
