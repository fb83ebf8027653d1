"""Swap modules for their textbook forms, at equal weights."""

import copy
from typing import Dict, List, Tuple, Type

from torch import nn

from mmavs.models.necks.motion_correlation import MotionCorrelation
from mmavs.models.necks.tpavi import TPAVIBlock

from .avsegformer import AVSEGFORMER_FORMS
from .motion_correlation import NaiveMotionCorrelation
from .tpavi import NaiveTPAVIBlock

# A form is a subclass that adds no parameter and no state.
FORMS: Dict[Type[nn.Module], Type[nn.Module]] = {
    MotionCorrelation: NaiveMotionCorrelation,
    TPAVIBlock: NaiveTPAVIBlock,
    **AVSEGFORMER_FORMS,
}


def naive_copy(model: nn.Module) -> Tuple[nn.Module, List[str]]:
    """Copy a model and compute by the textbook wherever there is a form.

    Args:
        model (nn.Module): Left as it is.

    Returns:
        tuple: The copy, with the same weights, and the names of the modules
        that compute otherwise.
    """
    model = copy.deepcopy(model)
    changed = []
    for name, module in model.named_modules():
        form = FORMS.get(type(module))
        if form is not None:
            module.__class__ = form
            changed.append(name)
    return model, changed
