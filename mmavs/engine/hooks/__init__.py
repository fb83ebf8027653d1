from .checkpoint_hook import CheckpointHook
from .class_count_hook import ClassCountHook
from .freeze_backbone_hook import FreezeBackboneHook
from .instance_count_hook import InstanceCountHook
from .seed_hook import SeedHook
from .visualization_hook import AVSVisualizationHook

__all__ = [
    'AVSVisualizationHook',
    'CheckpointHook',
    'ClassCountHook',
    'FreezeBackboneHook',
    'InstanceCountHook',
    'SeedHook',
]
