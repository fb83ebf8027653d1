"""The documentation names what exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / 'docs' / 'en'
PAGES = [
    *(p for p in DOCS.rglob('*.md') if '_build' not in p.parts),
    *ROOT.glob('configs/*/README.md'),
    *ROOT.glob('projects/**/README.md'),
    ROOT / 'README.md',
]


def prose(path):
    """A page's text without the blocks of code."""
    return re.sub(r'```.*?```', '', path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize('page', PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    links = re.findall(r'\]\(([^)#\s]+)[^)]*\)', prose(page))
    for link in links:
        if '://' not in link and not link.startswith('mailto:'):
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize('page', PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_named_files_exist(page):
    text = page.read_text()
    pattern = r'(?<![\w/.-])((?:tools|demo|configs|tests|mmavs|docs)/[\w./-]+)'
    for name in re.findall(pattern, text):
        name = name.rstrip('.-/')
        if Path(name).suffix in ('.py', '.sh', '.md', '.ipynb', '.yml'):
            assert (ROOT / name).exists(), name


def test_every_page_is_reachable():
    index = (DOCS / 'index.md').read_text()
    listed = set(re.findall(r'^[\w/-]+$', index, re.MULTILINE))
    pages = {
        str(path.relative_to(DOCS).with_suffix(''))
        for path in DOCS.rglob('*')
        if path.suffix in ('.md', '.rst')
        and not {'_build', 'generated', '_templates'} & set(path.parts)
    }
    assert pages - {'index'} == listed


def first_line(path):
    line = ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]
    return line.replace('``', '`').split(': `')[0].rstrip('.')


def test_table_of_tools_is_complete():
    rows = dict(
        re.findall(
            r'^\| `([\w/.]+)` \| (.+?) \|$',
            (DOCS / 'user_guides' / 'tools.md').read_text(),
            re.MULTILINE,
        )
    )
    tools = [*ROOT.glob('tools/*.py'), *ROOT.glob('tools/*/*.py')]
    tools += ROOT.glob('demo/*.py')
    assert {str(p.relative_to(ROOT)) for p in tools} == set(rows)
    for path in tools:
        said = rows[str(path.relative_to(ROOT))].rstrip('.')
        assert said == first_line(path), path
