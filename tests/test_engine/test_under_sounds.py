"""Which metric the figures under a sound are taken from."""

from types import SimpleNamespace

from mmavs.engine.under_sounds import _metric
from mmavs.evaluation import AVSMetric
from mmavs.evaluation.metrics.clip_metric import ClipMetric


def test_a_metric_that_only_writes_masks_gives_no_figures(tmp_path):
    writes = AVSMetric(format_only=True, output_dir=str(tmp_path))
    scores = AVSMetric()
    evaluator = SimpleNamespace(metrics=[writes, scores])
    runner = SimpleNamespace(test_evaluator=evaluator)
    assert _metric(runner, ClipMetric) is scores
