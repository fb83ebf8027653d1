"""``python -m mmavs.utils.collect_env``: the whole stack in one picture."""

import importlib
from typing import Dict

from mmengine.utils import get_git_hash
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
    info['mmavs'] = f'{mmavs.__version__}+{get_git_hash()[:7]}'
    return info


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
