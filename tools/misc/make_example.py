"""Make the clip that ``mmavs video --example`` segments, demo/example.mp4.

    python tools/misc/make_example.py demo/example.mp4

It is one of the test clips of the synthetic MS3 set, in 224 px and packed
more tightly than there, so that it is small enough to be part of mmavs.
"""

import argparse
from pathlib import Path

from mmavs.command_line import run_script
from mmavs.datasets.synthetic.scene import Scene, mix_sound
from mmavs.datasets.synthetic.script import write_script
from mmavs.datasets.synthetic.writers import to_int16, write_video

SIZE, CRF = 224, 23
INDEX = 11  # of the test clips of seed 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('out', type=Path, help='mp4 file')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.out.exists():
        raise FileExistsError(
            f'{args.out} exists already. Fix: remove it, or give another name.'
        )
    script = write_script('ms3', 'test', INDEX, 0)
    scene, sound = Scene(script, (SIZE, SIZE)), to_int16(mix_sound(script))
    write_video(args.out, scene, sound, script.num_frames, CRF)
    print(f'{args.out}  {args.out.stat().st_size / 1e3:.0f} kB')


if __name__ == '__main__':
    run_script(main)
