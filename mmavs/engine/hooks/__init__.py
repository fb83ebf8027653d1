from .visualization_hook import AVSVisualizationHook

__all__ = ['AVSVisualizationHook']
