"""The documentation names what exists."""

import argparse
import ast
import importlib.util
import re
from pathlib import Path

import pytest

from mmavs.registry import MODELS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / 'docs' / 'en'
PAGES = [
    *(p for p in DOCS.rglob('*.md') if '_build' not in p.parts),
    *ROOT.glob('configs/*/README.md'),
    *ROOT.glob('projects/**/README.md'),
    ROOT / 'README.md',
]
TOOLS = [
    *ROOT.glob('tools/*.py'),
    *ROOT.glob('tools/*/*.py'),
    *ROOT.glob('demo/*.py'),
]


FILES = [
    path.relative_to(ROOT).as_posix()
    for folder in ('tools', 'demo', 'configs', 'tests', 'mmavs', 'projects')
    for path in (ROOT / folder).rglob('*')
    if path.is_file()
]
OF_THE_READER = {
    'configs/METHOD',
    'configs/method/method_backbone_setting.py',
    'config.py',
    'docs/en/_build/html',
    'my_config.py',
    'projects/my_project/my_package/__init__.py',
    'test.sh',
}


def spelt_out(name):
    """``a_{b,c}.py`` as ``a_b.py`` and ``a_c.py``."""
    braces = re.search(r'\{([^{}]*)\}', name)
    if not braces:
        return [name]
    head, tail = name[: braces.start()], name[braces.end() :]
    return [
        whole
        for option in braces[1].split(',')
        for whole in spelt_out(head + option + tail)
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
    folders = 'tools|demo|configs|tests|mmavs|docs|projects|requirements'
    path = rf'(?<![\w/.-])((?:{folders})/[\w./+-]+)(?![\w{{*<$\[])'
    for name in re.findall(path, text):
        name = name.rstrip('.-/')
        assert (ROOT / name).exists() or name in OF_THE_READER, name
    # by a part of their path, several at once in braces
    for name in re.findall(r'`([\w./{},+-]+\.(?:py|sh|yaml|ipynb))\b', text):
        for one in spelt_out(name):
            found = any(f'/{f}'.endswith(f'/{one}') for f in FILES)
            assert found or one in OF_THE_READER, one


METHODS = [
    readme
    for readme in ROOT.glob('configs/*/README.md')
    if [*ROOT.glob(f'configs/_base_/models/{readme.parent.name}_*.py')]
]


@pytest.mark.parametrize('readme', METHODS, ids=lambda p: p.parent.name)
def test_methods_list_their_files(readme):
    """Each class of neck, head and losses, and the file that defines it."""
    table = readme.read_text().split('| part | class | where |\n')[1]
    where, path = {}, None
    for row in table.split('\n\n')[0].splitlines()[1:]:
        _, _, names, place, _ = row.split('|')
        path = path if place == ' same ' else place.strip(' `')
        where.update(dict.fromkeys(re.findall(r'`(\w+)`', names), path))
    for name, path in where.items():
        kind = 'class' if name[0].isupper() else 'def'
        source = (ROOT / path).read_text()
        assert re.search(rf'^{kind} {name}\b', source, re.MULTILINE), name
    method = readme.parent.name
    configs = [
        *readme.parent.glob('*.py'),
        *ROOT.glob(f'configs/_base_/models/{method}_*.py'),
    ]
    types = re.findall(
        r"type='(\w+)'", '\n'.join(path.read_text() for path in configs)
    )
    ours = {
        name
        for name in set(types)
        if any(
            MODELS.get(name).__module__.startswith(f'mmavs.models.{room}')
            for room in ('necks', 'decode_heads', 'losses')
            if MODELS.get(name)
        )
    }
    assert len(ours) > 2 and ours <= set(where), ours - set(where)


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


def rows_of_tools():
    """What the table says of each tool, and its example."""
    rows = re.findall(
        r'^\| `([\w/.]+)` \| (.+?) \| (?:`(.+)`)? \|$',
        (DOCS / 'user_guides' / 'tools.md').read_text(),
        re.MULTILINE,
    )
    return {name: (said, example) for name, said, example in rows}


def test_table_of_tools_is_complete():
    rows = rows_of_tools()
    assert {str(p.relative_to(ROOT)) for p in TOOLS} == set(rows)
    for path in TOOLS:
        said, _ = rows[str(path.relative_to(ROOT))]
        assert said.rstrip('.') == first_line(path), path


def load(path):
    spec = importlib.util.spec_from_file_location(f'tool_{path.stem}', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def parser_of(path, monkeypatch):
    """The parser of a tool."""

    class Parsed(Exception):
        pass

    def stop(parser, *args, **kwargs):
        raise Parsed(parser)

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_known_args', stop)
        with pytest.raises(Parsed) as caught:
            load(path).main()
    return caught.value.args[0]


@pytest.mark.parametrize('path', TOOLS, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_of_tools_are_understood(path, tmp_path, monkeypatch):
    (tmp_path / 'CHECKPOINT').touch()
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    monkeypatch.chdir(tmp_path)
    _, example = rows_of_tools()[str(path.relative_to(ROOT))]
    # an unknown option, a value that is none, a missing argument: exit
    parser_of(path, monkeypatch).parse_args(example.split())


def commands():
    """Options in the blocks of code of the pages: (page, tool, options)."""
    for page in PAGES:
        for block in re.findall(r'```bash\n(.*?)```', page.read_text(), re.S):
            for line in block.replace('\\\n', ' ').splitlines():
                found = re.search(r'((?:tools|demo)/[\w/]+\.py)([^#]*)', line)
                options = re.findall(
                    r'(?<!\S)--[\w-]+', found[2] if found else ''
                )
                for option in options:
                    yield page, found[1], option


def test_options_in_commands_exist(monkeypatch):
    """Of every tool that a page calls."""
    known, unknown = {}, []
    for page, tool, option in commands():
        if tool not in known:
            parser = parser_of(ROOT / tool, monkeypatch)
            known[tool] = {*parser._option_string_actions}
        if option not in known[tool]:
            unknown.append(f'{page}: {tool} {option}')
    assert len(known) > 10 and not unknown


@pytest.mark.parametrize(
    'tool, given, name',
    [
        ('tools/test', 'c --synthetic', 'checkpoint'),
        ('tools/test', 'c --synthetic --sound-seed 1', 'checkpoint'),
        ('tools/analysis_tools/draw_attention', 'c --num 1', 'checkpoint'),
        ('tools/analysis_tools/swap_sound', 'c --clip 1', 'checkpoint'),
        ('demo/video_demo', 'v c --fps 1', 'weights'),
    ],
)
def test_a_checkpoint_may_stand_behind_options(tool, given, name, monkeypatch):
    module = load(ROOT / f'{tool}.py')
    for words in (f'{given} x.pth', given):
        monkeypatch.setattr('sys.argv', [tool, *words.split()])
        expected = 'x.pth' if 'x.pth' in words else None
        assert getattr(module.parse_args(), name) == expected


@pytest.mark.parametrize(
    'tool, options',
    [
        ('benchmark', ['--stages', 'loader']),
        ('browse_dataset', []),
        ('modality_share', ['--model']),
    ],
)
def test_without_data_a_tool_names_itself(
    tool, options, tmp_path, monkeypatch
):
    config = str(ROOT / 'configs/tpavi/tpavi_r50_ms3.py')
    path = str(ROOT / f'tools/analysis_tools/{tool}.py')
    words = [config, *options] if tool == 'benchmark' else [*options, config]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('sys.argv', [path, *words])
    with pytest.raises(FileNotFoundError) as caught:
        load(Path(path)).main()
    model = ' --model' if tool == 'modality_share' else ''
    mend = f'python {path}{model} {config} --synthetic'
    assert str(caught.value).endswith(mend)


def test_logs_go_elsewhere_by_the_option_that_is_shown(tmp_path):
    from mmengine.config import DictAction

    from mmavs.engine.run_config import load_config
    from mmavs.registry import VISUALIZERS

    page = (DOCS / 'user_guides' / 'train_test.md').read_text()
    option = re.search(r'--cfg-options[\s\\]+(visualizer\S+)', page)[1]
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    options = parser.parse_args(['--cfg-options', option]).cfg_options
    config = load_config('film_tiny_ms3', options)
    writer = VISUALIZERS.build(
        dict(config.visualizer, name='logs', save_dir=str(tmp_path))
    )
    assert list(writer._vis_backends) == ['TensorboardVisBackend']


def test_where_is_what_names_what_exists():
    """Classes of mmavs are defined where the page's second column says."""
    page = (DOCS / 'where_is_what.md').read_text()
    cells = [row.split('|')[2] for row in page.splitlines() if row[:1] == '|']
    sources = '\n'.join(p.read_text() for p in (ROOT / 'mmavs').rglob('*.py'))
    names = re.findall(r'`([A-Z]\w+)`', '\n'.join(cells))
    assert len(names) > 15
    absent = [n for n in names if not re.search(rf'class {n}\b', sources)]
    assert not absent
    for path in re.findall(r'`(mmavs/[\w/.]+)`', page):
        assert (ROOT / path).exists(), path
