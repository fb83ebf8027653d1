"""Helpers for tests, of this project and of plug-ins."""

from .gradients import check_gradients

__all__ = ['check_gradients']
