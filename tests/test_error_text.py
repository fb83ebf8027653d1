"""What a message quotes of an error."""

from mmavs.error_text import first_line


def test_an_error_is_quoted_in_one_line():
    assert first_line(ValueError('no sound\nin this file')) == 'no sound'
    assert first_line(ValueError('\n no sound')) == 'no sound'


def test_an_error_that_says_nothing_is_named():
    assert first_line(FileNotFoundError()) == 'FileNotFoundError'
