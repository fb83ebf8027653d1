"""Lists and notes that users write: csv, text and JSON."""

import codecs
import csv
import io
import json
from pathlib import Path
from typing import Iterable, List, Sequence, Union

from mmavs.files.names import check_name

_MARKS = {
    codecs.BOM_UTF16_LE: 'UTF-16',  # also how UTF-32 begins
    codecs.BOM_UTF16_BE: 'UTF-16',
    b'\0\0\xfe\xff': 'UTF-32',
}


class Row(dict):
    """A row of a csv: column to value.

    Attributes:
        line (int): Where it ends in the file, counted from 1.
    """

    line: int = 0


def read_text(path: Union[str, Path]) -> str:
    """Read UTF-8, with or without a byte order mark.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Another encoding, or not a text.
    """
    data = Path(path).read_bytes()
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            raise ValueError(
                f'{path} is written in {encoding}. Fix: save it as UTF-8 (in '
                'Excel "CSV UTF-8", in Notepad "Encoding: UTF-8").'
            )
    if b'\0' in data:
        raise ValueError(
            f'{path} holds NUL bytes: it is damaged, or written in another '
            'encoding than UTF-8. Fix: copy it again, or save it as UTF-8.'
        )
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = data.count(b'\n', 0, error.start) + 1
        raise ValueError(
            f'{path}, line {line}: not UTF-8 (byte 0x'
            f'{data[error.start]:02x}). Fix: save it as UTF-8.'
        ) from None


def read_rows(
    path: Union[str, Path],
    columns: Sequence[str],
    paths: Iterable[str] = (),
) -> List[Row]:
    """Read a csv by the names of its columns.

    Args:
        path (str or Path): A csv with a header, in UTF-8. Blanks around
            values do not count, nor do rows without any.
        columns (Sequence[str]): Columns that must be there.
        paths (Iterable[str]): Columns whose values become part of a path.
            They must hold a name (:func:`check_name`); one that is not among
            ``columns`` may be absent or empty.

    Returns:
        list[Row]: With a value, perhaps an empty one, for each column.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A column is absent or there twice, a row is too short or
            too long, a value that becomes a path is not a name, or the file
            is damaged or in another encoding.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'list of clips not found: {path}. Fix: it comes with the data; '
            'check data_root and ann_file.'
        )
    lines = io.StringIO(read_text(path), newline='')
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    rows: List[Row] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, columns)
        for values in reader:
            if any(value.strip() for value in values):
                rows.append(_row(path, reader.line_num, header, values))
    except csv.Error as error:
        raise ValueError(
            f'{path}, line {reader.line_num}: damaged ({error}). Fix: look '
            'for a quotation mark that is not closed, or copy the file again.'
        ) from None
    for row in rows:
        for column in paths:
            if column in columns or row.get(column):
                _check_path(path, row, column)
    return rows


def _check_header(
    path: Union[str, Path], header: Sequence[str], columns: Sequence[str]
) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(
            f'{path} has no column {missing}, only {header}. Fix: give it a '
            f'header with {list(columns)}, separated by commas.'
        )
    twice = [name for name in columns if header.count(name) > 1]
    if twice:
        raise ValueError(
            f'{path} has several columns {twice}. Fix: rename all but one.'
        )


def _row(
    path: Union[str, Path], line: int, header: List[str], values: List[str]
) -> Row:
    if len(values) != len(header):
        few = 'few' if len(values) < len(header) else 'many'
        raise ValueError(
            f'{path}, line {line}: too {few} values, {len(values)} for '
            f'{len(header)} columns. Fix: give one for each of {header}; a '
            'value with a comma in it needs quotation marks.'
        )
    row = Row(zip(header, (value.strip() for value in values)))
    row.line = line
    return row


def _check_path(path: Union[str, Path], row: Row, column: str) -> None:
    try:
        check_name(row[column])
    except ValueError as error:
        raise ValueError(
            f'{path}, line {row.line}, column {column!r}: {error}'
        ) from None


def read_json(path: Union[str, Path], fix: str) -> dict:
    """Read a JSON file that holds an object.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, or holds something else.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:  # nested without end
        raise ValueError(f'{path} is damaged ({error}). Fix: {fix}') from None
    if not isinstance(content, dict):
        raise ValueError(
            f'{path} is damaged (it holds a {type(content).__name__}, not an '
            f'object). Fix: {fix}'
        )
    return content
