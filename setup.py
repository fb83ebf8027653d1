"""Packaging of mmavs, with the configs and tools that ``mim`` looks for."""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).resolve().parent
MIM = ROOT / 'mmavs' / '.mim'
RESOURCES = ('configs', 'tools', 'model-index.yml')


def version() -> str:
    namespace = {}
    exec((ROOT / 'mmavs' / 'version.py').read_text(), namespace)
    return namespace['__version__']


def requirements(name: str) -> list:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line.strip() for line in lines if line.strip()]


def lay_mim_resources(link: bool) -> None:
    """Put configs and tools into ``mmavs/.mim``, as links or as copies.

    An editable install links, so that an edited config is the one in use; a
    wheel needs copies.
    """
    shutil.rmtree(MIM, ignore_errors=True)
    MIM.mkdir()
    for name in RESOURCES:
        source, target = ROOT / name, MIM / name
        if not source.exists():
            continue
        if link:
            os.symlink(os.path.relpath(source, MIM), target)
        elif source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns('__pycache__')
            )
        else:
            shutil.copyfile(source, target)


class BuildWithResources(build_py):
    def run(self):
        if not self.editable_mode:
            lay_mim_resources(link=False)
            # find the freshly laid files again
            self.data_files = self._get_data_files()
        super().run()


class EditableWithResources(editable_wheel):
    def run(self):
        lay_mim_resources(link=True)
        super().run()


setup(
    name='mmavs',
    version=version(),
    description='Audio-visual segmentation as a plug-in of MMSegmentation',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=('mmavs', 'mmavs.*')),
    package_data={
        'mmavs': [
            'py.typed',
            '.mim/model-index.yml',
            '.mim/configs/**/*',
            '.mim/tools/**/*',
        ]
    },
    include_package_data=True,
    python_requires='>=3.10',
    install_requires=requirements('runtime') + requirements('mminstall'),
    extras_require={
        name: requirements(name)
        for name in ('lite', 'full', 'demo', 'tests', 'docs')
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
