"""Pretrained weight files that configs name, and where each comes from."""

from pathlib import Path
from typing import Dict, List

# file name under pretrained/ -> who publishes it, and the address
WEIGHTS: Dict[str, str] = {
    'pvt_v2_b5.pth': 'https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b5.pth',
    'resnet50-19c8e357.pth': 'https://download.pytorch.org/models/resnet50-19c8e357.pth',
    'vggish-10086976.pth': 'https://github.com/harritaylor/torchvggish/releases/download/v0.1/'
    'vggish-10086976.pth',
    # converted to mmseg's names by its authors
    'swin_base_patch4_window7_224_20220317-e9b98025.pth': 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/swin/'
    'swin_base_patch4_window7_224_20220317-e9b98025.pth',
    # of which AVIS takes the backbone
    'mask2former_swin-b-p4-w12-384-in21k_8xb2-lsj-50e_coco-panoptic_'
    '20220329_230021-05ec7315.pth': 'https://download.openmmlab.com/mmdetection/v3.0/mask2former/'
    'mask2former_swin-b-p4-w12-384-in21k_8xb2-lsj-50e_coco-panoptic/'
    'mask2former_swin-b-p4-w12-384-in21k_8xb2-lsj-50e_coco-panoptic_'
    '20220329_230021-05ec7315.pth',
    # SAM 2.0, as AuralSAM2 takes it
    'sam2_hiera_tiny.pt': 'https://huggingface.co/facebook/sam2-hiera-tiny/resolve/main/'
    'sam2_hiera_tiny.pt',
    'sam2_hiera_base_plus.pt': 'https://huggingface.co/facebook/sam2-hiera-base-plus/resolve/main/'
    'sam2_hiera_base_plus.pt',
    'sam2_hiera_large.pt': 'https://huggingface.co/facebook/sam2-hiera-large/resolve/main/'
    'sam2_hiera_large.pt',
}
# files whose publisher gives no stable direct address
BY_HAND: Dict[str, str] = {
    'BEATs_iter3_plus_AS2M.pt': 'the table in https://github.com/microsoft/unilm/tree/master/beats',
}


def how_to_get(path: str) -> str:
    """Say how a missing weight file is obtained.

    Args:
        path (str): The path a config names.

    Returns:
        str: One line.
    """
    name = Path(path).name
    if name in WEIGHTS:
        return (
            f'python tools/misc/download_weights.py {name} '
            f'(from {WEIGHTS[name]})'
        )
    if name in BY_HAND:
        return f'download it by hand from {BY_HAND[name]}'
    config = next(Path('configs').rglob(f'{Path(name).stem}.py'), None)
    if config is not None:
        return (
            f'train {config} first and copy its best checkpoint there, or '
            'give its path with --cfg-options load_from=...'
        )
    return 'put the file there'


def pretrained_paths(config) -> List[str]:
    """Collect every checkpoint that ``init_cfg`` entries of a config name.

    Args:
        config (dict or list): Any (part of a) config.

    Returns:
        list[str]: Paths and URLs, each once, in order.
    """
    found: List[str] = []
    if isinstance(config, dict):
        init = config.get('init_cfg')
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            found.append(init['checkpoint'])
        children = config.values()
    else:
        children = config if isinstance(config, (list, tuple)) else ()
    for child in children:
        if isinstance(child, (dict, list, tuple)):
            found.extend(pretrained_paths(child))
    return list(dict.fromkeys(found))
