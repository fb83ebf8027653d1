"""Print a config as it is after inheritance and options.

python tools/misc/print_config.py configs/tpavi/tpavi_pvt_ms3.py
python tools/misc/print_config.py tpavi_pvt_ms3 --key model.decode_head
"""

import argparse
from pathlib import Path

from mmengine.config import Config, ConfigDict, DictAction

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.files.whole_files import whole_file
from mmavs.model_index import read_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file, or name of a model')
    parser.add_argument(
        '--key', help='print this field alone, nested keys by dots'
    )
    parser.add_argument(
        '--save', metavar='FILE.py', help='also write it to a new file'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def pick(config: Config, key: str):
    """Take a field by its dotted name.

    Raises:
        ValueError: There is none; names those of the level above.
    """
    value, passed = config._cfg_dict, []
    for name in key.split('.'):
        if isinstance(value, (list, tuple)) and name.isdigit():
            known = [str(i) for i in range(len(value))]
            found = value[int(name)] if name in known else None
        else:
            known = list(value) if isinstance(value, dict) else []
            found = value[name] if name in known else None
        if name not in known:
            place = '.'.join(passed) or 'the config'
            raise ValueError(f'no {name!r} in {place}; there is {known}')
        value = found
        passed.append(name)
    return value


def main() -> None:
    args = parse_args()
    config = read_config(args.config)
    if args.cfg_options:
        config.merge_from_dict(args.cfg_options)
    if args.save:
        if Path(args.save).exists():
            raise FileExistsError(
                f'{args.save} exists already. Fix: name a new file.'
            )
        with whole_file(args.save) as partial:
            config.dump(str(partial))
    if args.key is None:
        print(config.pretty_text)
        return
    value = pick(config, args.key)
    if isinstance(value, ConfigDict):
        print(Config(value).pretty_text)
    else:
        print(value)


if __name__ == '__main__':
    run_script(main)
