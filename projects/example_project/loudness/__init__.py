from .loudness_gate import LoudnessGate

__all__ = ['LoudnessGate']
