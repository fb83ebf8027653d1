"""Predicted steps against steps worked out by hand."""

import pytest

from mmavs.analysis.scaling import Cluster, Job, predict

# 100 MB of gradients in four buckets
JOB = Job(
    clips=4,
    compute=0.3,
    parameters=25_000_000,
    backward_share=0.5,
    bucket_bytes=25_000_000,
)
CLUSTER = Cluster(link=1e9, node_link=1e8, gpus_per_node=2)


def test_one_gpu_sends_nothing():
    alone = predict(JOB, CLUSTER, 1)
    assert alone.all_reduce == alone.exposed == 0
    assert alone.step == 0.3
    assert alone.rate == pytest.approx(4 / 0.3)
    assert alone.efficiency == 1


def test_the_last_bucket_is_waited_for():
    """2 (1/2) 100 MB at 1 GB/s: 0.1 s, of which a fourth is the last."""
    two = predict(JOB, CLUSTER, 2)
    assert two.all_reduce == pytest.approx(0.1)
    assert two.exposed == pytest.approx(0.025)
    assert two.step == pytest.approx(0.325)
    assert two.rate == pytest.approx(8 / 0.325)
    assert two.efficiency == pytest.approx(0.3 / 0.325)


def test_more_than_the_backward_pass_hides():
    """Over machines: 2 (3/4) 100 MB at 0.1 GB/s, 0.15 s of it hidden."""
    four = predict(JOB, CLUSTER, 4)
    assert four.all_reduce == pytest.approx(1.5)
    assert four.exposed == pytest.approx(1.5 - 0.15)


def test_messages_start_late():
    slow = CLUSTER._replace(latency=0.001)
    # two messages for each of four buckets
    more = predict(JOB, slow, 2).all_reduce - 0.1
    assert more == pytest.approx(0.008)


def test_loaders_that_are_too_slow_set_the_pace():
    """8 clips a second for 4 clips: half a second, on any number of GPUs."""
    for gpus in (1, 2):
        found = predict(JOB._replace(loader_rate=8.0), CLUSTER, gpus)
        assert found.step == found.loader == 0.5
        assert found.efficiency == 1
        assert found.rate == gpus * 8
