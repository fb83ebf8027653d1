"""Sphinx configuration of the documentation site (``make docs``)."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import mmavs  # noqa: E402
from mmavs.utils import register_all_modules  # noqa: E402

# autodoc imports modules one by one; this settles their order
register_all_modules()

project = 'mmavs'
copyright = 'mmavs contributors'
version = release = mmavs.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.mathjax',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
]
source_suffix = {'.md': 'markdown', '.rst': 'restructuredtext'}
templates_path = ['_templates']
exclude_patterns = ['_build']

myst_enable_extensions = ['colon_fence', 'dollarmath']
myst_heading_anchors = 3

autosummary_generate = True
autodoc_default_options = {
    'members': True,
    'show-inheritance': True,
    'ignore-module-all': True,  # each object on the page of its own module
}
if find_spec('triton') is None:  # kernels can be shown without it
    autodoc_mock_imports = ['triton']
autodoc_typehints = 'signature'
autodoc_member_order = 'bysource'
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = 'furo'
html_title = f'mmavs {version}'
html_static_path = ['_static']
html_show_sphinx = False


def put_readme(app, docname, source):
    """Show each method's README, with links that hold from here."""
    folder, _, method = docname.partition('/')
    if folder == 'methods':
        readme = ROOT / 'configs' / method / 'README.md'
        page = ROOT / 'docs' / 'en' / folder
        source[0] = re.sub(
            r'(!?\[[^\]]*\])\(([^)\s]+)\)',
            lambda match: _relink(match, readme.parent, page),
            readme.read_text(encoding='utf-8'),
        )


def _relink(match, old, new):
    """Turn a link that is relative to one folder to another one."""
    text, link = match.groups()
    path, sign, anchor = link.partition('#')
    target = (old / path).resolve()
    if '://' in link or not path or not target.exists():
        return match[0]
    if (target / 'README.md').exists():
        target /= 'README.md'
    if target.is_dir():
        return text.strip('[]')
    if target.name == 'README.md' and target.parents[1].name == 'configs':
        return f'{text}({target.parent.name}.md{sign}{anchor})'
    return f'{text}({os.path.relpath(target, new)}{sign}{anchor})'


def skip_tuple_fields(app, what, name, obj, skip, options):
    """Leave out what NamedTuple says of its fields; docstrings say more."""
    text = getattr(obj, '__doc__', None) or ''
    return True if text.startswith('Alias for field number') else skip


def setup(app):
    app.connect('autodoc-skip-member', skip_tuple_fields)
    app.connect('source-read', put_readme)
