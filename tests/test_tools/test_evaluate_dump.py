"""Offline scores equal those of the run that wrote the files."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from PIL import Image

from mmavs.evaluation import AVSMetric, AVSSMetric
from mmavs.evaluation.predictions import read_classes
from mmavs.registry import METRICS
from mmavs.structures import AVSDataSample, FramePixelData

TOOL = (
    Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'evaluate_dump.py'
)
CLASSES = ('background', 'dog', 'cat')


def run(monkeypatch, *args):
    """Run the tool's main and give its table back as rows."""
    spec = importlib.util.spec_from_file_location('evaluate_dump', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    json_file = Path(args[-1])
    argv = [str(TOOL), *map(str, args[:-1]), '--json', str(json_file)]
    monkeypatch.setattr('sys.argv', argv)
    tool.main()
    return json.loads(json_file.read_text())


def make_clips(num_classes=2):
    """Six clips of three frames; the second one is silent."""
    rng = torch.Generator().manual_seed(0)
    clips = []
    for i in range(6):
        size = (3, num_classes, 12, 10)
        logits = torch.randn(size, generator=rng)
        target = (logits + torch.randn(size, generator=rng)).argmax(1)
        target = target * (i != 1)
        sample = AVSDataSample(
            metainfo=dict(
                clip_id=f'clip{5 - i}',
                sample_idx=i,
                num_frames=3,
                group='switching' if i % 2 else 'constant',
            )
        )
        sample.gt_sem_seg = FramePixelData(data=target[:, None])
        labels = logits.argmax(1, keepdim=True)
        sample.pred_sem_seg = FramePixelData(data=labels)
        if num_classes == 2:
            logit = logits[:, 1:] - logits[:, :1]
            sample.seg_logits = FramePixelData(data=logit)
        clips.append(sample)
    return clips


def write_truth(folder, clips, semantic=False):
    for sample in clips:
        for t, mask in enumerate(sample.gt_sem_seg.data[:, 0]):
            name = sample.clip_id
            if semantic:
                path = folder / 'v2' / name / 'labels_semantic' / f'{t}.png'
            else:
                path = folder / name / f'{name}_{t + 1}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            mask = mask.numpy().astype(np.uint8) * (1 if semantic else 255)
            Image.fromarray(mask).save(path)
    names = '\n'.join(sample.clip_id for sample in clips)
    (folder / 'names.txt').write_text(names)


def expected_binary(clips):
    scores = {}
    for group in (1, 2, 4, 'all'):
        metric = AVSMetric(clips_per_batch=group)
        scores[f'clips_per_batch={group}'] = Evaluator(
            metric
        ).offline_evaluate(clips)
    for side in ('without', 'all'):
        metric = AVSMetric(protocol='dataset', background=side)
        scores[f'background={side}'] = Evaluator(metric).offline_evaluate(
            clips
        )
    return scores


def check(rows, expected, names=('mIoU', 'mFscore')):
    rows = {row['grouping']: row for row in rows if row['group'] == 'all'}
    assert rows.keys() == expected.keys()
    for grouping, scores in expected.items():
        for name in names:
            assert rows[grouping][name] == pytest.approx(
                scores[name], abs=1e-9
            )


@pytest.mark.parametrize('kind', ['DumpResults', 'DumpClips'])
def test_a_dump_scores_as_its_run(tmp_path, monkeypatch, kind):
    clips, path = make_clips(), str(tmp_path / 'x.pkl')
    dump = METRICS.build(dict(type=kind, out_file_path=path))
    Evaluator([dump]).offline_evaluate(clips)
    rows = run(monkeypatch, path, tmp_path / 'x.json')
    check(rows, expected_binary(clips))
    groups = {row['group'] for row in rows}
    assert groups == {'all', 'constant', 'switching'}


@pytest.mark.parametrize('kind', ['DumpResults', 'DumpClips'])
def test_instances_are_counted_as_in_their_run(tmp_path, monkeypatch, kind):
    clips, path = make_clips(), str(tmp_path / 'x.pkl')
    for sample in clips:
        sample.pred_instances = [
            InstanceData(labels=torch.arange(t), scores=torch.ones(t))
            for t in range(sample.num_frames)
        ]
    dump = METRICS.build(dict(type=kind, out_file_path=path))
    expected = Evaluator([AVSMetric(), dump]).offline_evaluate(clips)
    rows = run(monkeypatch, path, tmp_path / 'x.json')
    found = {row['I'] for row in rows if row['group'] == 'all'}
    assert found == {expected['I']} and expected['I'] > 0


@pytest.mark.parametrize('soft', [True, False])
def test_masks_score_as_the_run_that_wrote_them(tmp_path, monkeypatch, soft):
    clips, out = make_clips(), str(tmp_path / 'out')
    metric = AVSMetric(output_dir=out, soft_masks=soft, released_names=True)
    Evaluator(metric).offline_evaluate(clips)
    truth = tmp_path / 'gt'
    write_truth(truth, clips)
    flags = ['--soft'] if soft else []
    rows = run(
        monkeypatch, out, '--gt', truth, '--clips', truth / 'names.txt',
        *flags, tmp_path / 'x.json',
    )  # fmt: skip
    # a mask has one threshold: its J is the run's, its F is not
    check(rows, expected_binary(clips), ('mIoU', 'mFscore')[: 1 + soft])


def test_a_semantic_dump(tmp_path, monkeypatch):
    clips, path = make_clips(num_classes=3), str(tmp_path / 'x.pkl')
    clips[2].gt_sem_seg.data[:, :, :3] = 255
    dump = METRICS.build(dict(type='DumpClips', out_file_path=path))
    evaluator = Evaluator([AVSSMetric(protocol='dataset'), dump])
    evaluator.dataset_meta = dict(classes=CLASSES)
    expected = evaluator.offline_evaluate(clips)
    # the dump itself says how many classes there are
    rows = run(
        monkeypatch, path, '--protocol', 'dataset', '--background', 'all',
        tmp_path / 'x.json',
    )  # fmt: skip
    assert rows[0]['mIoU'] == pytest.approx(expected['mIoU'])
    assert Path(path).stat().st_size < 6 * 3 * 12 * 10 * 2 + 8000
    (tmp_path / 'classes.txt').write_text('\n'.join(CLASSES[:2]))
    with pytest.raises(ValueError, match='of 3 classes, .* names 2. Fix'):
        run(
            monkeypatch, path, '--classes', tmp_path / 'classes.txt',
            tmp_path / 'x.json',
        )  # fmt: skip


def test_a_dump_of_mmengine_takes_classes_from_a_file(tmp_path, monkeypatch):
    clips, path = make_clips(num_classes=3), str(tmp_path / 'x.pkl')
    dump = METRICS.build(dict(type='DumpResults', out_file_path=path))
    evaluator = Evaluator([AVSSMetric(protocol='dataset'), dump])
    evaluator.dataset_meta = dict(classes=CLASSES)
    expected = evaluator.offline_evaluate(clips)
    (tmp_path / 'classes.txt').write_text('\n'.join(CLASSES))
    rows = run(
        monkeypatch, path, '--classes', tmp_path / 'classes.txt',
        '--protocol', 'dataset', '--background', 'all', tmp_path / 'x.json',
    )  # fmt: skip
    assert rows[0]['mIoU'] == pytest.approx(expected['mIoU'])


def test_semantic_masks_in_every_protocol(tmp_path, monkeypatch):
    clips = make_clips(num_classes=3)
    evaluator = Evaluator(AVSSMetric(output_dir=str(tmp_path / 'out')))
    evaluator.dataset_meta = dict(classes=CLASSES)
    expected = evaluator.offline_evaluate(clips)
    write_truth(tmp_path / 'gt', clips, semantic=True)
    (tmp_path / 'classes.txt').write_text('\n'.join(CLASSES))
    args = ['--gt', tmp_path / 'gt', '--semantic',
            '--classes', tmp_path / 'classes.txt']  # fmt: skip
    rows = run(monkeypatch, tmp_path / 'out', *args, tmp_path / 'x.json')
    assert len(rows) == 2 * 3 + 2
    assert rows[0]['mIoU'] == pytest.approx(expected['mIoU'])
    report = tmp_path / 'report'
    (row,) = run(
        monkeypatch, tmp_path / 'out', *args, '--protocol', 'avsbench',
        '--background', 'released', '--padded-frames', '0',
        '--report', report, tmp_path / 'x.json',
    )  # fmt: skip
    assert (row['background'], row['padding']) == ('released', 'none')
    assert (report / 'per_category.csv').is_file()


def test_truth_is_resized_only_when_asked(tmp_path, monkeypatch):
    clips, out = make_clips(), str(tmp_path / 'out')
    Evaluator(AVSMetric(output_dir=out)).offline_evaluate(clips)
    for sample in clips:
        big = sample.gt_sem_seg.data.repeat_interleave(2, -1)
        sample.gt_sem_seg = FramePixelData(data=big.repeat_interleave(2, -2))
    write_truth(tmp_path / 'gt', clips)
    args = [out, '--gt', tmp_path / 'gt']
    with pytest.raises(ValueError, match=r'\(12, 10\).*\(24, 20\).*--size 10'):
        run(monkeypatch, *args, tmp_path / 'x.json')
    rows = run(
        monkeypatch, *args, '--size', '10', '12', '--protocol', 'dataset',
        '--background', 'without', tmp_path / 'x.json',
    )  # fmt: skip
    small = Evaluator(AVSMetric(protocol='dataset')).offline_evaluate(
        make_clips()
    )
    assert rows[0]['mIoU'] == pytest.approx(small['mIoU'])
    assert rows[0]['size'] == '10x12'


def test_remedies_are_those_of_the_command_line(tmp_path, monkeypatch):
    """Not of a data set's masks, nor of a config."""
    (tmp_path / 'gt').mkdir()
    grey = Image.fromarray(np.full((4, 4), 96, np.uint8))
    black = Image.fromarray(np.zeros((4, 4), np.uint8))
    colour = Image.new('RGB', (4, 4), (1, 2, 3))
    black.save(tmp_path / 'gt' / 'clip_1.png')

    def fails(image, message, *words):
        (tmp_path / 'masks').mkdir(exist_ok=True)
        image.save(tmp_path / 'masks' / 'clip_1.png')
        words = ('--gt', tmp_path / 'gt', *words, tmp_path / 'x.json')
        with pytest.raises(ValueError, match=message) as caught:
            run(monkeypatch, tmp_path / 'masks', *words)
        assert 'encoding' not in str(caught.value)
        assert 'eval_size' not in str(caught.value)

    fails(grey, 'clip_1.png .*Fix: for predicted probabilities --soft')
    fails(grey, 'Fix: name every class in the file of --class', '--semantic')
    fails(colour, r'\(there are 71\)', '--semantic')
    fails(colour, 'one grey channel. Fix: .*leave --soft out', '--soft')
    fails(black.resize((8, 8)), 'Fix: --size 8 8 resizes')


def test_a_clip_without_truth_is_named_and_the_others_scored(
    tmp_path, monkeypatch, capsys
):
    clips, path = make_clips(), str(tmp_path / 'x.pkl')
    expected = expected_binary([c for i, c in enumerate(clips) if i != 2])
    del clips[2].gt_sem_seg
    dump = METRICS.build(dict(type='DumpClips', out_file_path=path))
    logged = []
    monkeypatch.setattr(
        'mmavs.evaluation.metrics.clip_metric.print_log',
        lambda text, **_: logged.append(text),
    )
    scores = Evaluator([AVSMetric(), dump]).offline_evaluate(clips)
    assert scores['mIoU'] == expected['clips_per_batch=1']['mIoU']
    said = '1 of 6 clips have no ground truth and are not scored: clip3'
    assert logged.count(said) == 1
    check(run(monkeypatch, path, tmp_path / 'x.json'), expected)
    assert capsys.readouterr().out.count(said) == 1


def test_errors_say_what_to_do(tmp_path, monkeypatch):
    def fails(message, *args):
        with pytest.raises((ValueError, OSError), match=message):
            run(monkeypatch, *args, tmp_path / 'x.json')

    fails('neither a .pkl nor a folder', tmp_path / 'none')
    empty = tmp_path / 'empty'
    empty.mkdir()
    fails('--gt', empty)
    fails('no masks in', empty, '--gt', empty)
    fails('dump not found', tmp_path / 'x.pkl')


def test_a_list_of_classes_names_each_once(tmp_path):
    path = tmp_path / 'classes.txt'
    for text, message in (('a\nb\na\n', r"\['a'\] twice"), ('\n', 'no class')):
        path.write_text(text)
        with pytest.raises(ValueError, match=f'classes.txt names {message}'):
            read_classes(str(path))


@pytest.mark.parametrize('number', ['0', 'x', '-1'])
def test_groups_have_a_size(tmp_path, monkeypatch, capsys, number):
    words = tmp_path, f'--clips-per-batch={number}'
    with pytest.raises(SystemExit):
        run(monkeypatch, *words, tmp_path / 'x.json')
    assert f"or 'all', not '{number}'" in capsys.readouterr().err


def test_the_table_may_go_to_a_new_folder(tmp_path, monkeypatch):
    mask = Image.fromarray(np.eye(8, dtype=np.uint8) * 255)
    (tmp_path / 'masks').mkdir()
    mask.save(tmp_path / 'masks' / 'clip_1.png')
    words = tmp_path / 'masks', '--gt', tmp_path / 'masks'
    rows = run(monkeypatch, *words, tmp_path / 'new' / 'x.json')
    assert all(row['mIoU'] == pytest.approx(100) for row in rows)
