"""What tests of the AVSBench data sets read and rewrite."""

import csv

FRAMES = dict(
    type='ForEachFrame',
    transforms=[dict(type='LoadFrame'), dict(type='LoadFrameMask')],
)


PIPELINE = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', short_policy='zeros'),
    FRAMES,
    dict(type='PackAVSInputs'),
]


def rewrite(path, change):
    """Change the rows (lists) of a csv, header first."""
    with open(path, newline='') as file:
        rows = change(list(csv.reader(file)))
    with open(path, 'w', newline='') as file:
        csv.writer(file).writerows(rows)
