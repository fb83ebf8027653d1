"""``python -m mmavs.utils.collect_env``: the whole stack in one picture."""

import importlib
import subprocess
from pathlib import Path
from typing import Dict

from mmengine.utils.dl_utils import collect_env as collect_base_env

import mmavs
from mmavs import compat

_PACKAGES = (
    'mmseg',
    'mmpretrain',
    'mmdet',
    'torchaudio',
    'torchvision',
    'numpy',
    'scipy',
    'cv2',
    'av',
    'PIL',
    'setuptools',
)


def collect_env() -> Dict[str, str]:
    """Gather versions, devices, and the state of every touch of compat.

    Returns:
        dict[str, str]: One line an entry.
    """
    info = {k: str(v) for k, v in collect_base_env().items()}
    for name in _PACKAGES:
        info[name] = _version(name)
    flavours = compat.installed_mmcv()
    info['mmcv distribution'] = ', '.join(
        f'{k} {v}' for k, v in flavours.items()
    )
    info['mmcv compiled operators'] = (
        'yes' if compat.has_compiled_ops() else 'no (PyTorch paths are used)'
    )
    info['mmavs'] = mmavs.__version__ + _commit()
    return info


def _commit() -> str:
    """``+`` and the commit's first digits where mmavs lies in its checkout."""
    root = Path(mmavs.__file__).resolve().parents[1]
    ask = ['git', '-C', root, 'rev-parse', '--show-toplevel', 'HEAD']
    try:
        done = subprocess.run(ask, capture_output=True, text=True)
    except OSError:  # no git
        return ''
    top, commit, *_ = [*done.stdout.splitlines(), '', '']
    # an environment inside another project's checkout is not ours
    ours = done.returncode == 0 and Path(top).resolve() == root
    return f'+{commit[:7]}' if ours else ''


def _version(name: str) -> str:
    """A package's version, or in a word why there is none."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        return 'not installed'
    except (OSError, RuntimeError) as error:
        # PyPI's torchaudio and torchvision link CUDA libraries, and
        # torchaudio wants those of PyTorch's own release
        return f'installed, but cannot be loaded ({error})'
    return str(getattr(module, '__version__', 'unknown'))


def main() -> None:
    for key, value in collect_env().items():
        print(f'{key}: {value}')


if __name__ == '__main__':
    main()
