"""csv, text and JSON that users write, whole and damaged."""

import pytest

from mmavs.evaluation.mask_folders import read_names
from mmavs.evaluation.predictions import read_classes
from mmavs.files.text_files import read_json, read_rows, read_text

CSV = 'name,category,split\na,dog,train\nb,"cat, grey",test\n'


def write(tmp_path, data, name='list.csv'):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    'data',
    [
        CSV,
        CSV.encode('utf-8-sig'),
        CSV.replace('\n', '\r\n'),
        CSV.replace('\n', '\r'),  # of old Macs
        CSV.replace(',', ' , ', 2),  # blanks
        CSV.replace('dog', ' dog '),
        CSV + ',,\n\n  ,,\n',  # what spreadsheets leave
        'more,category,name\n1,dog,a\n2,"cat, grey",b',
    ],
    ids=range(8),
)
def test_rows_are_read_by_name(tmp_path, data):
    rows = read_rows(write(tmp_path, data), ['name', 'category'])
    found = [(row['name'], row['category']) for row in rows]
    assert found == [('a', 'dog'), ('b', 'cat, grey')]
    assert [row.line for row in rows] == [2, 3]


@pytest.mark.parametrize('codec', ['utf-16', 'utf-16-le', 'utf-32', 'cp1252'])
@pytest.mark.parametrize(
    'read',
    [
        read_text,
        lambda path: read_rows(path, ['name']),
        read_names,
        read_classes,
        lambda path: read_json(path, 'make it again.'),
    ],
)
@pytest.mark.parametrize('suffix', ['csv', 'txt'])
def test_other_encodings_are_named(tmp_path, codec, read, suffix):
    content = 'name,split\na,train\nKüche,test\n'.encode(codec)
    path = write(tmp_path, content, f'list.{suffix}')
    with pytest.raises(ValueError) as error:
        read(path)
    expected = {
        'utf-16': 'is written in UTF-16. Fix: save it as UTF-8',
        'utf-16-le': 'holds NUL bytes',
        'utf-32': 'is written in UTF-16',  # so it begins
        'cp1252': ', line 3: not UTF-8 (byte 0xfc). Fix: save it as UTF-8',
    }[codec]
    assert f'list.{suffix}{" " * (expected[0] != ",")}{expected}' in str(
        error.value
    )


@pytest.mark.parametrize(
    'content, message',
    [
        ('', r"no column \['name', 'split'\], only \[\]. Fix: "),
        ('name;split\na;test\n', 'separated by commas'),
        ('name,split,split\na,test,val\n', r"several columns \['split'\]"),
        ('name,split\na\n', 'line 2: too few values, 1 for 2 columns. Fix: '),
        ('name,split\na,b,c\n', 'line 2: too many values, 3 for 2'),
        ('name,split\n"a,test\nb,test\n', 'line 3: damaged .*quotation mark'),
        ('name,split\n"a"b,test\n', 'line 2: damaged'),
        (f'name,split\n{"a" * 140_000},test\n', 'line 2: damaged'),
        ('name,split\na,te\0st\n', 'NUL bytes: it is damaged'),
        ('name,split\n,test\n', "line 2, column 'name': '' cannot name a fi"),
        ('name,split\na/../..,x\n', "line 2, column 'name': .* leads out of"),
    ],
)
def test_damaged_lists_are_named(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=f'list.csv.*{message}'):
        read_rows(path, ['name', 'split'], paths=['name'])


def test_an_absent_list_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='not found: .*no.csv. Fix: '):
        read_rows(tmp_path / 'no.csv', [])
    with pytest.raises(FileNotFoundError, match='not found'):
        read_rows(tmp_path, [])


def test_columns_of_paths_may_be_absent_or_empty(tmp_path):
    path = write(tmp_path, 'name,masks\na,\nb,m/b/\n')
    rows = read_rows(path, ['name'], paths=['name', 'masks', 'category'])
    assert [row['masks'] for row in rows] == ['', 'm/b/']


@pytest.mark.parametrize(
    'content', ['', '{"a": 1', '[1]', 'null', '\0', '[' * 100_000]
)
def test_damaged_json_is_named(tmp_path, content):
    path = write(tmp_path, content, 'note.json')
    with pytest.raises(ValueError, match='note.json is dam.*Fix: delete it.'):
        read_json(path, 'delete it.')
    assert read_json(write(tmp_path, '{"a": 1}'), '') == {'a': 1}
