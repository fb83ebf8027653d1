"""What assigns predictions to labels."""

from .hungarian_matcher import HungarianMatcher

__all__ = ['HungarianMatcher']
