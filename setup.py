"""Packaging of mmavs, with its configs and scripts, where ``mim`` looks."""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).resolve().parent
RESOURCES = ('configs', 'demo', 'tools', 'model-index.yml')
UNWANTED = shutil.ignore_patterns('__pycache__', '*.pyc', '.ipynb_checkpoints')


def version() -> str:
    namespace = {}
    exec((ROOT / 'mmavs' / 'version.py').read_text(), namespace)
    return namespace['__version__']


def requirements(name: str) -> list:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line.strip() for line in lines if line.strip()]


class BuildWithResources(build_py):
    """Copy configs and scripts into ``mmavs/.mim`` of what is built.

    Of what is built, not of the source tree, where stale copies would stand
    in for configs that are edited later.
    """

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'mmavs' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in RESOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / name, ignore=UNWANTED)
            else:
                shutil.copyfile(ROOT / name, target / name)


class EditableWithResources(editable_wheel):
    """Link configs and scripts, so that an edited config is the one in use."""

    def run(self):
        target = ROOT / 'mmavs' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name in RESOURCES:
            os.symlink(os.path.join('..', '..', name), target / name)
        super().run()


setup(
    name='mmavs',
    version=version(),
    description='Audio-visual segmentation as a plug-in of MMSegmentation',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    entry_points=dict(console_scripts=['mmavs=mmavs.__main__:main']),
    packages=find_packages(include=('mmavs', 'mmavs.*')),
    package_data={'mmavs': ['py.typed']},
    include_package_data=False,
    python_requires='>=3.10',
    install_requires=requirements('runtime') + requirements('mminstall'),
    extras_require={
        name: requirements(name)
        for name in (
            *('lite', 'full', 'demo', 'sam2', 'photo', 'export', 'onnx'),
            *('tests', 'docs'),
        )
    },
    classifiers=[
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    cmdclass=dict(
        build_py=BuildWithResources, editable_wheel=EditableWithResources
    ),
    zip_safe=False,
)
