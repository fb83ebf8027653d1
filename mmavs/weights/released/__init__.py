"""Weights that others published, under the names mmavs uses.

One module a code base, each with ``convert(state_dict) -> dict``: from its
keys to the keys of a whole :class:`~mmavs.models.segmentors.AVSegmentor`.
Tensors that the released code builds and never uses are left out.
"""
