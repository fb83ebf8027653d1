"""Strip a checkpoint for release: weights only, hash in the name.

    python tools/model_converters/publish_model.py \
        work_dirs/tpavi_pvt_ms3/best_mIoU_epoch_27.pth published/tpavi_pvt_ms3

writes ``published/tpavi_pvt_ms3-<8 digits>.pth``: the weights, the classes
and colours, and which epoch they are of. Optimizer, schedulers, logs, the
training config with its paths, and everything else stay behind. The digits
begin the file's SHA-256, which mmavs and ``torch.hub`` compare after a
download. A name that ends in ``.safetensors`` gives a file of that format.
"""

import argparse
import hashlib
import io
import json
from pathlib import Path
from typing import Dict, List

import torch

import mmavs
from mmavs.command_line import run_script
from mmavs.compat import load_checkpoint
from mmavs.files.whole_files import whole_file
from mmavs.weights.checkpoint import state_dict_of

KEPT_META = ('epoch', 'iter', 'dataset_meta')
HASH_DIGITS = 8
SUFFIXES = ('.pth', '.safetensors')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('checkpoint', help='as the training wrote it')
    parser.add_argument(
        'out',
        help='path and name without hash; .pth, which may be left out, or '
        '.safetensors',
    )
    parser.add_argument(
        '--half',
        action='store_true',
        help='store float16 numbers, half the size; the model that loads '
        'them computes in float32 all the same',
    )
    parser.add_argument(
        '--notes',
        nargs='+',
        type=note,
        default=[],
        metavar='KEY=TEXT',
        help='what else to say of the weights in the file',
    )
    return parser.parse_args()


def note(text: str) -> List[str]:
    """Split KEY=TEXT."""
    key, sign, value = text.partition('=')
    if not key or not sign:
        raise argparse.ArgumentTypeError(f'not of the form KEY=TEXT: {text}')
    return [key, value]


def weights_only(checkpoint: dict, path: Path, half: bool = False) -> dict:
    """Keep what inference needs.

    Args:
        checkpoint (dict): As the training wrote it.
        path (Path): What errors call it.
        half (bool): Round to float16.

    Returns:
        dict: ``state_dict`` on the CPU and a short ``meta``.

    Raises:
        ValueError: There are no weights in it.
    """
    weights = state_dict_of(checkpoint)
    tensors = {
        key: _stored(value, half)
        for key, value in weights.items()
        if isinstance(value, torch.Tensor)
    }
    if not tensors or len(tensors) < len(weights):
        raise ValueError(
            f'{path} holds no state_dict of tensors alone. Fix: give a '
            'checkpoint that tools/train.py wrote.'
        )
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, dict) else {}
    kept = {key: meta[key] for key in KEPT_META if key in meta}
    return dict(
        state_dict=tensors, meta=dict(kept, mmavs_version=mmavs.__version__)
    )


def _stored(value: torch.Tensor, half: bool) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() else value


def to_bytes(published: dict, suffix: str) -> bytes:
    """Write what :func:`weights_only` gives, ``.pth`` or ``.safetensors``."""
    if suffix == '.safetensors':
        from safetensors.torch import save

        meta = published['meta']
        texts = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in meta.items()
        }
        return save(published['state_dict'], texts)
    # through memory, since torch.save writes a file's name into the file
    buffer = io.BytesIO()
    torch.save(published, buffer)
    return buffer.getvalue()


def publish(
    checkpoint: Path, out: Path, half: bool, notes: Dict[str, str]
) -> Path:
    """Write the published file.

    Args:
        checkpoint (Path): What to publish.
        out (Path): Path and name without hash.
        half (bool): Round to float16.
        notes (dict): Texts to keep in the file.

    Returns:
        Path: The file.

    Raises:
        FileExistsError: It is there already.
    """
    published = weights_only(load_checkpoint(checkpoint), checkpoint, half)
    published['meta'].update(notes)
    suffix = out.suffix if out.suffix in SUFFIXES else ''
    data = to_bytes(published, suffix)
    digits = hashlib.sha256(data).hexdigest()[:HASH_DIGITS]
    name = out.name.removesuffix(suffix)
    path = out.with_name(f'{name}-{digits}{suffix or SUFFIXES[0]}')
    if path.exists():
        raise FileExistsError(
            f'{path} exists already, with the same content by its hash. Fix: '
            'nothing is to be done.'
        )
    with whole_file(path) as partial:
        partial.write_bytes(data)
    return path


def main() -> None:
    args = parse_args()
    notes = dict(args.notes)
    path = publish(Path(args.checkpoint), Path(args.out), args.half, notes)
    size = path.stat().st_size / 1e6
    before = Path(args.checkpoint).stat().st_size / 1e6
    print(f'{path}  {size:.1f} MB (from {before:.1f} MB)')


if __name__ == '__main__':
    run_script(main)
