"""Turn a checkpoint that another code base released into one of mmavs.

    python tools/model_converters/convert_released.py avsegformer \
        S4_pvt.pth converted/avsegformer_pvt_s4.pth \
        --config avsegformer_pvt_s4

The file is read without running code from it. What the released code builds
and never uses is left out, and said so. A file that lacks a part of its kind
is refused. With ``--config``, every tensor is compared with the model's; files
of one part (a backbone, an audio encoder) with that part. Checkpoints of
AVSBench and AVS-BG hold no VGGish; ``--audio-encoder vggish-10086976.pth``
puts it in, so that the result can be tested and used whole.
"""

import argparse
from pathlib import Path
from typing import Dict, List, Optional

import torch
from torch import Tensor

import mmavs
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.output_folder import refuse_existing
from mmavs.files.whole_files import whole_file
from mmavs.weights.checkpoint import check_parts
from mmavs.weights.conversion import METHODS, convert_file

_AUDIO = 'audio_encoder.'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('method', choices=METHODS, help='whose file it is')
    parser.add_argument('source', help='the released file')
    parser.add_argument('out', help='file to write')
    parser.add_argument(
        '--config', help='config file or name of the model to compare with'
    )
    parser.add_argument(
        '--audio-encoder',
        metavar='FILE',
        help='released VGGish (or BEATs, *.pt) weights to put in',
    )
    parser.add_argument(
        '--sam2',
        metavar='FILE',
        help="Meta's SAM 2.0 weights, which AuralSAM2's files leave out",
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT if it exists'
    )
    return parser.parse_args()


def dropped_keys(
    source: Dict[str, Tensor], converted: Dict[str, Tensor]
) -> List[str]:
    """Find the released tensors that went nowhere.

    Args:
        source (dict): Released tensors.
        converted (dict): What was made of them: the same storage under
            another name, or several joined along their first axis.

    Returns:
        list[str]: Their keys.
    """
    kept = {value.data_ptr() for value in converted.values()}
    origins = {value.data_ptr() for value in source.values()}
    joined = [v for v in converted.values() if v.data_ptr() not in origins]
    return [
        key
        for key, value in source.items()
        if value.data_ptr() not in kept
        and not any(_is_end(value, whole) for whole in joined)
    ]


def _is_end(part: Tensor, whole: Tensor) -> bool:
    """Whether a tensor begins or ends another along the first axis."""
    if part.ndim == 0 or part.shape[1:] != whole.shape[1:]:
        return False
    count = len(part)
    return torch.equal(part, whole[:count]) or torch.equal(
        part, whole[-count:]
    )


def compare(
    converted: Dict[str, Tensor], config: str, part: str = ''
) -> List[str]:
    """Compare with the tensors of a config's model.

    Args:
        converted (dict): Tensors under the names of mmavs.
        config (str): Config file or name.
        part (str): Beginning of the keys that must all be there. Defaults to
            the whole model.

    Returns:
        list[str]: What does not fit, one line each; empty if all does.

    Raises:
        ValueError: A module has words for what does not fit.
    """
    from mmavs.apis import init_model

    model = init_model(config, 'random', 'cpu')
    check_parts(model, converted)
    own = model.state_dict()
    lines = []
    for key, value in own.items():
        found = converted.get(key)
        if found is None:
            if not key.startswith(part):
                continue
            lines.append(f'missing     {key} {tuple(value.shape)}')
        elif found.shape != value.shape:
            lines.append(
                f'other shape {key} {tuple(found.shape)}, the model has '
                f'{tuple(value.shape)}'
            )
    return lines + [
        f'unknown     {key}' for key in converted if key not in own
    ]


def add_audio_encoder(converted: Dict[str, Tensor], path: str) -> None:
    """Put an audio encoder's released weights in.

    Raises:
        ValueError: The checkpoint has an audio encoder of its own.
    """
    if any(key.startswith(_AUDIO) for key in converted):
        raise ValueError(
            'the checkpoint brings an audio encoder of its own. Fix: leave '
            '--audio-encoder out.'
        )
    method = 'beats' if path.endswith('.pt') else 'vggish'
    converted.update(convert_file(method, path)[1])


def add_sam2(converted: Dict[str, Tensor], path: Optional[str]) -> None:
    """Put SAM 2.0's weights beside AuralSAM2's fuser.

    Raises:
        ValueError: They are not given, or are in the file already.
    """
    whole = any(key.startswith('backbone.') for key in converted)
    if whole and path:
        raise ValueError(
            'the checkpoint brings the weights of SAM 2 itself. Fix: leave '
            '--sam2 out.'
        )
    if not whole and not path:
        raise ValueError(
            'the checkpoint holds the fuser alone, which stands on frozen '
            "SAM 2.0. Fix: --sam2 sam2_hiera_large.pt (Meta's file, of the "
            'size that the fuser was trained with).'
        )
    if path:
        converted.update(convert_file('sam2', path)[1])


def report(source: dict, converted: dict) -> None:
    """Print what became of the released tensors."""
    dropped = dropped_keys(source, converted)
    counts = [sum(v.numel() for v in d.values()) for d in (source, converted)]
    print(
        f'{len(source)} tensors ({counts[0] / 1e6:.2f} M values) -> '
        f'{len(converted)} tensors ({counts[1] / 1e6:.2f} M values)'
    )
    if dropped:
        values = sum(source[key].numel() for key in dropped) / 1e6
        print(f'left out, {values:.2f} M values in {len(dropped)} tensors:')
        for key in dropped:
            print(f'  {key} {tuple(source[key].shape)}')


def misfit(unfit: List[str], config: str) -> str:
    """Say what does not fit, and what may help."""
    lines = '\n'.join(f'  {line}' for line in unfit[:20])
    audio_alone = all(
        line.startswith('missing') and f' {_AUDIO}' in line for line in unfit
    )
    remedy = (
        'the file holds no audio encoder, which is released as a file of its '
        'own; put it in with --audio-encoder pretrained/vggish-10086976.pth'
        if audio_alone
        else 'give the config of the model that the file was trained as'
    )
    return (
        f'{len(unfit)} tensors do not fit {config}; nothing was written:\n'
        f'{lines}\nFix: {remedy}.'
    )


def main() -> None:
    args = parse_args()
    out = Path(args.out)
    keep_inputs(
        [args.source, args.audio_encoder, args.sam2, args.config], [out]
    )
    refuse_existing(out, args.overwrite)
    source, converted = convert_file(args.method, args.source)
    report(source, converted)
    if args.method == 'auralsam2':
        add_sam2(converted, args.sam2)
    if args.audio_encoder:
        add_audio_encoder(converted, args.audio_encoder)
    if args.config:
        unfit = compare(converted, args.config, METHODS[args.method])
        if unfit:
            raise ValueError(misfit(unfit, args.config))
        print(f'all {len(converted)} tensors fit {args.config}')
    meta = dict(
        converted_from=f'{args.method}: {Path(args.source).name}',
        mmavs_version=mmavs.__version__,
    )
    weights = {key: value.contiguous() for key, value in converted.items()}
    with whole_file(out) as partial:
        torch.save(dict(state_dict=weights, meta=meta), partial)
    print(out)


if __name__ == '__main__':
    run_script(main)
