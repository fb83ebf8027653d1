from .freeze_backbone_hook import FreezeBackboneHook
from .visualization_hook import AVSVisualizationHook

__all__ = ['AVSVisualizationHook', 'FreezeBackboneHook']
