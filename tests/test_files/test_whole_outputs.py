"""Whatever mmavs writes is written beside its name, then renamed."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    path
    for folder in ('mmavs', 'tools', 'demo')
    for path in sorted((ROOT / folder).rglob('*.py'))
    if 'testing' not in path.parts
]
WRITERS = (
    'dump',
    'imwrite',
    'print_png',
    'save',
    'savefig',
    'write_bytes',
    'write_text',
)
# what is not an output, or cannot be renamed
ALLOWED = {
    'mmavs/apis/mask_frames.py': 'image.save(data',  # bytes in memory
    'mmavs/audio/cache.py': 'np.save(file',  # renamed there, as caches are
    'mmavs/media/video_writer.py': 'av.open(f',  # gets the hidden path
    'mmavs/analysis/measure.py': '_CLEAR.write_text',  # of the kernel
    'mmavs/files/output_folder.py': '.open(',  # a list, appended to
    'mmavs/files/whole_files.py': '',
    'tools/analysis_tools/compare.py': "log.open('a')",
    'tools/analysis_tools/modality_share.py': 'print_png(',  # a partial's
    'tools/quickstart.py': "log.open('w')",
    'tools/model_converters/publish_model.py': 'buffer)',
}


def writes(node: ast.AST) -> bool:
    """Whether a call writes to a path."""
    if not isinstance(node, ast.Call):
        return False
    # a bare name is open, or one of mmavs.files.whole_files
    name = getattr(node.func, 'attr', None)
    if name == 'open' or getattr(node.func, 'id', '') == 'open':
        words = [a.value for a in node.args if isinstance(a, ast.Constant)]
        return any(w in ('w', 'wb', 'a', 'ab', 'x', 'xb') for w in words)
    module = getattr(getattr(node.func, 'value', None), 'id', '')
    return name in WRITERS or (module, name) == ('wavfile', 'write')


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_outputs_are_whole_or_absent(path):
    text = path.read_text()
    allowed = ALLOWED.get(str(path.relative_to(ROOT)))
    for node in filter(writes, ast.walk(ast.parse(text))):
        call = ast.get_source_segment(text, node)
        fine = 'partial' in call or (allowed is not None and allowed in call)
        assert fine, (
            f'{path}, line {node.lineno}: {call} can leave half a file. Fix: '
            'mmavs.files.whole_files'
        )
