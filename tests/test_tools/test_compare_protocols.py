"""The fixed example, and the table of it in the docs."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location(
    'compare_protocols', ROOT / 'tools/analysis_tools/compare_protocols.py'
)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)


def test_the_docs_show_what_the_tool_prints(capsys, monkeypatch):
    monkeypatch.setattr('sys.argv', ['compare_protocols.py'])
    tool.main()
    printed = capsys.readouterr().out
    assert printed.count('\n') == 22
    assert printed in (ROOT / 'docs' / 'en' / 'metrics.md').read_text()


def test_the_example_has_what_the_protocols_disagree_on():
    silent = [not target.any() for _, target in tool.binary_example()]
    assert sum(silent) == 1
    lengths = {len(target) for _, target in tool.semantic_example()}
    assert lengths == {5, 10}
    rows = tool.rows_of(
        tool.BINARY,
        lambda **o: tool.evaluate_binary(tool.binary_example(), **o),
    )
    one, two, four, everything = (row['F'] for row in rows[:4])
    # the silent clip pulls groups of one down; then larger groups do
    assert one < two and two > four > everything
