"""Strip a checkpoint for release: weights only, hash in the name.

    python tools/model_converters/publish_model.py \
        work_dirs/tpavi_pvt_ms3/best_mIoU_epoch_27.pth published/tpavi_pvt_ms3

writes ``published/tpavi_pvt_ms3-<8 digits>.pth``: the weights, the classes
and colours, and which epoch they are of. Optimizer, schedulers, logs, the
training config with its paths, and everything else stay behind. The digits
begin the file's SHA-256, which mmavs and ``torch.hub`` compare after a
download.
"""

import argparse
import hashlib
import io
from pathlib import Path

import torch

import mmavs
from mmavs.command_line import run_script
from mmavs.compat import load_checkpoint
from mmavs.files.whole_files import whole_file
from mmavs.weights.checkpoint import state_dict_of

KEPT_META = ('epoch', 'iter', 'dataset_meta')
HASH_DIGITS = 8


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('checkpoint', help='as the training wrote it')
    parser.add_argument(
        'out', help='path and name without hash, ".pth" may be left out'
    )
    return parser.parse_args()


def weights_only(checkpoint: dict, path: Path) -> dict:
    """Keep what inference needs.

    Args:
        checkpoint (dict): As the training wrote it.
        path (Path): What errors call it.

    Returns:
        dict: ``state_dict`` on the CPU and a short ``meta``.

    Raises:
        ValueError: There are no weights in it.
    """
    weights = state_dict_of(checkpoint)
    tensors = {
        key: value.detach().cpu().contiguous()
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


def publish(checkpoint: Path, out: Path) -> Path:
    """Write the published file.

    Args:
        checkpoint (Path): What to publish.
        out (Path): Path and name without hash.

    Returns:
        Path: The file.

    Raises:
        FileExistsError: It is there already.
    """
    published = weights_only(load_checkpoint(checkpoint), checkpoint)
    # through memory, since torch.save writes a file's name into the file
    buffer = io.BytesIO()
    torch.save(published, buffer)
    data = buffer.getvalue()
    digits = hashlib.sha256(data).hexdigest()[:HASH_DIGITS]
    name = out.name.removesuffix('.pth')
    path = out.with_name(f'{name}-{digits}.pth')
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
    path = publish(Path(args.checkpoint), Path(args.out))
    size = path.stat().st_size / 1e6
    before = Path(args.checkpoint).stat().st_size / 1e6
    print(f'{path}  {size:.1f} MB (from {before:.1f} MB)')


if __name__ == '__main__':
    run_script(main)
