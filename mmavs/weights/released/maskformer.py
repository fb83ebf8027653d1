"""MaskFormer and Mask2Former, trained on COCO.

Two families of checkpoints: mmdet's (``panoptic_head.*``), whose names
:class:`SoundingInstanceHead` shares, and those of the papers' code
(https://github.com/facebookresearch/Mask2Former, ``sem_seg_head.*``).
"""

from typing import Dict

from torch import Tensor

from .avsbench import rename

_PIXEL = r'sem_seg_head\.pixel_decoder\.'
_LAYER = r'transformer\.encoder\.layers\.(\d+)\.'
_QUERY = r'sem_seg_head\.predictor\.'
_OURS_PIXEL = 'decode_head.pixel_decoder.'
_OURS_LAYER = r'decode_head.transformer_decoder.layers.\1.'

# COCO's categories are not AVSBench's
_CLASSIFIERS = (
    r'panoptic_head\.cls_embed\.(.+)',
    _QUERY + r'class_embed\.(.+)',
)
_DROPPED = [(key, None) for key in _CLASSIFIERS]
_KEPT = [(key, r'decode_head.cls_embed.\1') for key in _CLASSIFIERS]
_UNUSED = [(r'criterion\.empty_weight', None)]
_MMDET = [
    (r'panoptic_head\.(.+)', r'decode_head.\1'),
    (r'(backbone\..+)', r'\1'),
]
_PAPER_BACKBONES = ('backbone.layers.', 'backbone.stem.', 'backbone.res')
_PAPER = [
    (
        _PIXEL + r'input_proj\.(\d)\.0\.(.+)',
        _OURS_PIXEL + r'input_convs.\1.conv.\2',
    ),
    (
        _PIXEL + r'input_proj\.(\d)\.1\.(.+)',
        _OURS_PIXEL + r'input_convs.\1.gn.\2',
    ),
    (
        _PIXEL + r'transformer\.level_embed',
        _OURS_PIXEL + 'level_encoding.weight',
    ),
    (
        _PIXEL + _LAYER + r'self_attn\.(.+)',
        _OURS_PIXEL + r'encoder.layers.\1.self_attn.\2',
    ),
    *(
        (
            _PIXEL + _LAYER + released + r'\.(.+)',
            _OURS_PIXEL + rf'encoder.layers.\1.{ours}.\2',
        )
        for released, ours in (
            ('norm1', 'norms.0'),
            ('norm2', 'norms.1'),
            ('linear1', 'ffn.layers.0.0'),
            ('linear2', 'ffn.layers.1'),
        )
    ),
    (_PIXEL + r'mask_features\.(.+)', _OURS_PIXEL + r'mask_feature.\1'),
    *(
        (
            _PIXEL + rf'{released}_1\.{norm}(weight|bias)',
            _OURS_PIXEL + rf'{ours}.0.{part}.\1',
        )
        for released, ours in (
            ('adapter', 'lateral_convs'),
            ('layer', 'output_convs'),
        )
        for norm, part in ((r'norm\.', 'gn'), ('', 'conv'))
    ),
    *(
        (
            _QUERY + rf'transformer_{released}_layers\.(\d+)\.{part}\.(.+)',
            _OURS_LAYER + ours + r'.\2',
        )
        for released, part, ours in (
            ('self_attention', 'self_attn', 'self_attn.attn'),
            ('self_attention', 'norm', 'norms.1'),
            ('cross_attention', 'multihead_attn', 'cross_attn.attn'),
            ('cross_attention', 'norm', 'norms.0'),
            ('ffn', 'linear1', 'ffn.layers.0.0'),
            ('ffn', 'linear2', 'ffn.layers.1'),
            ('ffn', 'norm', 'norms.2'),
        )
    ),
    (
        _QUERY + r'decoder_norm\.(.+)',
        r'decode_head.transformer_decoder.post_norm.\1',
    ),
    (
        _QUERY + r'(query_feat|query_embed|level_embed)\.(.+)',
        r'decode_head.\1.\2',
    ),
    *(
        (
            _QUERY + rf'mask_embed\.layers\.{i}\.(.+)',
            rf'decode_head.mask_embed.{2 * i}.\1',
        )
        for i in range(3)
    ),
]


def convert(
    state_dict: Dict[str, Tensor], keep_classes: bool = False
) -> Dict[str, Tensor]:
    """Name the weights as in ``configs/avis``.

    Args:
        state_dict (dict): mmdet's keys of MaskFormer or Mask2Former, or the
            papers' keys of Mask2Former's head.
        keep_classes (bool): Keep the classifier, for a model of the same
            classes. Defaults to False: it is dropped, since COCO's categories
            are not AVSBench's.

    Returns:
        dict: ``backbone.*`` (mmdet's files) and ``decode_head.*``
        (:class:`SoundingInstanceHead`).

    Raises:
        ValueError: Keys that no such checkpoint has. Backbones of the papers'
            files (``backbone.layers.*``, ``backbone.res2.*``) are among them:
            take mmdet's files.
    """
    classifier = _KEPT if keep_classes else _DROPPED
    rules = [*classifier, *_UNUSED, *_PAPER, *_MMDET]
    converted, unknown = {}, []
    for key, value in state_dict.items():
        name = rename(key, rules)
        if name is False or key.startswith(_PAPER_BACKBONES):
            unknown.append(key)
        elif name:
            converted[name] = value
    if unknown:
        raise ValueError(
            'these keys are of no MaskFormer or Mask2Former checkpoint of '
            f'mmdet: {unknown[:5]} ({len(unknown)} in all)'
        )
    return converted
