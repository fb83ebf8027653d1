"""``mmavs``: every tool by one command."""

import re
import sys

import pytest
from fresh_python import run_python
from run_tool import ROOT

import mmavs
from mmavs import commands
from mmavs.__main__ import main
from mmavs.commands import COMMANDS, in_commands, program, start_as
from mmavs.model_index import list_models, released, resource_root
from mmavs.weights.addresses import encoders


@pytest.fixture
def mmavs_command(monkeypatch, capsys, tmp_path):
    """Run the command in this process, from an empty folder."""
    monkeypatch.setattr(commands, '_started', None)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.chdir(tmp_path)

    def run(line):
        monkeypatch.setattr(sys, 'argv', ['mmavs', *line.split()])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        return code, *capsys.readouterr()

    return run


def test_lists_load_no_torch():
    code = (
        'import sys\n'
        'from mmavs.__main__ import main\n'
        "for words in ['--help'], ['models'], ['weights'], ['--version']:\n"
        "    sys.argv = ['mmavs', *words]\n"
        '    main()\n'
        "print({'torch', 'numpy', 'mmcv', 'mmengine'} & set(sys.modules))"
    )
    done = run_python(code)
    assert done.stdout.splitlines()[-1] == 'set()', done.stderr


def test_help_lists_every_command(mmavs_command):
    for line in ('', '--help', '-h'):
        code, said, _ = mmavs_command(line)
        assert code == 0
        for name in (*COMMANDS, 'models', 'weights', 'env'):
            assert re.search(rf'^  {name} +\w', said, re.MULTILINE), name
    code, said, _ = mmavs_command('data')
    assert code == 0 and 'data check' in said and '  train' not in said
    assert mmavs_command('--version')[1].strip() == mmavs.__version__


@pytest.mark.parametrize('name', COMMANDS)
def test_a_command_takes_its_own_name(name, mmavs_command):
    code, said, _ = mmavs_command(f'{name} --help')
    assert code == 0
    assert said.startswith(f'usage: mmavs {name} ')
    # of commands, the words are commands' words
    scripts = [command.script for command in COMMANDS.values()]
    assert not [script for script in scripts if script in said]


def test_models_are_listed_with_what_is_reported(mmavs_command):
    code, said, _ = mmavs_command('models avsegformer_pvt_ms3')
    assert code == 0
    line = said.splitlines()[0].split(maxsplit=1)
    assert line[0] == 'avsegformer_pvt_ms3'
    assert line[1].startswith('AVSBench MS3: mIoU 61.33, mFscore 73.0')
    code, said, _ = mmavs_command('models')
    assert len(said.splitlines()) > 30


def test_released_weights_are_listed_with_their_terms(mmavs_command):
    code, said, _ = mmavs_command('weights')
    rows = re.findall(r'^([\w.-]+)  ([\d.]+) MB, (?:not )?here$', said, re.M)
    assert code == 0
    assert set(dict(rows)) == {*filter(released, list_models()), *encoders()}
    assert dict(rows)['avsegformer_r50_s4'] == '604'
    assert 'mIoU 61.33, mFscore 73.0 (avsbench, 512 px, 2 clips' in said
    assert said.count('licence: none stated; from https://github.com/') == 6
    assert 'licence: MIT (fuser), Apache-2.0 (SAM 2); from https' in said
    # of three models and by itself, of two models and by itself
    assert said.count('/sam2_hiera_large.pt\n') == 4
    assert said.count('/vggish-10086976.pth\n') == 3
    assert 'by hand: the table in https://github.com/microsoft' in said


@pytest.mark.parametrize(
    'line, message',
    [
        ('vidoe', "mmavs: error: no command 'vidoe'. Did you mean video? Fix"),
        ('data x', "mmavs: error: no command 'data x'."),
        ('models zzz', "mmavs models: error: no model matches 'zzz'. Fix"),
        (
            'weights avsegformer_pvt_ms3 tpavi_pvt_s4',
            'mmavs weights: error: no weights go by the name tpavi_pvt_s4. F',
        ),
        (
            'weights BEATs_iter3_plus_AS2M.pt',
            'mmavs weights: error: BEATs_iter3_plus_AS2M.pt has no address of '
            'its own. Fix: download it by hand from the table in https://',
        ),
        ('train none.py', 'mmavs train: error: no config at none.py'),
        (
            'score none.pkl',
            'mmavs score: error: dump not found: none.pkl. Fix: make one with '
            'mmavs test CONFIG CHECKPOINT --dump FILE.pkl',
        ),
    ],
)
def test_a_mistake_is_one_line(line, message, mmavs_command, tmp_path):
    code, _, said = mmavs_command(line)
    assert code == 2
    assert said.startswith(message) and said.count('\n') == 1
    assert not list(tmp_path.iterdir())


def test_texts_name_commands_only_where_one_was_given(monkeypatch):
    monkeypatch.setattr(commands, '_started', None)
    monkeypatch.setattr(sys, 'argv', ['/a/b/tool.py'])
    text = (
        'Fix: make it, or python tools/train.py X, or tools/test.py; or '
        '/a/tools/a_b.py'
    )
    assert in_commands(text) == text
    assert program() == 'tool.py'
    start_as('train')
    assert program() == 'mmavs train'
    assert in_commands(text) == (
        'Fix: mmavs train X, or mmavs test; or '
        f'python {resource_root()}/tools/a_b.py'
    )


def test_table_of_commands_is_complete():
    page = (ROOT / 'docs/en/user_guides/tools.md').read_text()
    rows = re.findall(r'^\| `mmavs ([a-z ]+)` \| `(.+)` \|$', page, re.M)
    assert dict(rows) == {k: v.script for k, v in COMMANDS.items()}
    for script in dict(rows).values():
        assert (ROOT / script).is_file()
