"""``mmavs``, or ``python -m mmavs``: every way in, by one command."""

import os
import runpy
import sys
from difflib import get_close_matches
from typing import List, Optional

from mmavs.command_line import MISTAKE, run_script
from mmavs.commands import COMMANDS, program, start_as

# what needs no script
_OWN = {
    'models': 'list models: mmavs models [PATTERN]',
    'weights': 'list the weights that go by name, or fetch some',
    'env': 'print every version of the stack',
}
_HELP = ('-h', '--help')


def main() -> None:
    """Run what the command line asks for.

    Raises:
        SystemExit: With the exit code of :mod:`mmavs.command_line`.
    """
    words = sys.argv[1:]
    if not words or words[0] in _HELP:
        print(overview())
        return
    if words[0] == '--version':
        from mmavs import __version__

        print(__version__)
        return
    name = command_of(words)
    if name is None:
        return _say_what_there_is(words)
    rest = words[len(name.split()) :]
    start_as(name)
    if name in COMMANDS:
        # the script's own run_script comes after its imports
        run_script(lambda: _run_script(COMMANDS[name].script, rest))
    else:
        own = dict(models=_list_models, weights=_weights, env=_print_env)
        run_script(lambda: own[name](rest))


def overview(group: str = '') -> str:
    """List the commands, or those of a group (``data``)."""
    known = {name: command.help for name, command in COMMANDS.items()}
    rows = {
        name: text
        for name, text in {**known, **_OWN}.items()
        if name.startswith(group)
    }
    lines = '\n'.join(f'  {name:<17}{text}' for name, text in rows.items())
    usage = ' '.join(['usage: mmavs', *group.split(), 'COMMAND ...'])
    return (
        f'{usage}\n\naudio-visual segmentation: mask what sounds\n\n{lines}'
        '\n\nmmavs COMMAND --help explains each.'
    )


def command_of(words: List[str]) -> Optional[str]:
    """Find the command that begins a command line.

    Args:
        words (list[str]): At least one.

    Returns:
        str, optional: Its name of one or two words; None if there is none.
    """
    for count in (2, 1):
        name = ' '.join(words[:count])
        if name in COMMANDS or name in _OWN:
            return name
    return None


def _say_what_there_is(words: List[str]) -> None:
    """Show a group its commands; leave where there is no command."""
    groups = {name.split()[0] for name in COMMANDS if ' ' in name}
    if words[0] in groups and (len(words) == 1 or words[1] in _HELP):
        print(overview(words[0]))
        return
    asked = ' '.join(words[: 1 + (words[0] in groups)])
    near = get_close_matches(asked, [*COMMANDS, *_OWN], n=1)
    hint = f' Did you mean {near[0]}?' if near else ''
    print(
        f'mmavs: error: no command {asked!r}.{hint} Fix: mmavs --help lists '
        'them.',
        file=sys.stderr,
    )
    sys.exit(MISTAKE)


def _run_script(script: str, words: List[str]) -> None:
    """Run a script of tools/ or demo/ as if it had been started itself."""
    from mmavs.model_index import resource_root

    path = str(resource_root() / script)
    sys.argv = [path, *words]
    sys.path.insert(0, os.path.dirname(path))  # as Python does for a script
    try:
        runpy.run_path(path, run_name='__main__')
    except ModuleNotFoundError as error:
        package = str(error.name).split('.')[0]
        if package == 'mmavs':
            raise
        raise ImportError(
            f'{program()} needs {package}, which is not installed. Fix: pip '
            'install mmavs, with what it requires.'
        ) from error


def _list_models(words: List[str]) -> None:
    """Print models with what is reported of them."""
    import argparse

    from mmavs.model_index import list_models, model_entries

    parser = argparse.ArgumentParser(
        prog='mmavs models',
        description='List models that commands and init_model take by name.',
    )
    parser.add_argument(
        'pattern', nargs='?', default='*', help="e.g. ms3 or 'avsac_*_ms3'"
    )
    pattern = parser.parse_args(words).pattern
    entries = model_entries()
    names = list_models(pattern)
    if not names:
        raise ValueError(
            f'no model matches {pattern!r}. Fix: mmavs models lists all.'
        )
    width = max(map(len, names))
    for name in names:
        print(f'{name:<{width}}  {_reported(entries[name])}'.rstrip())


def _reported(entry: dict) -> str:
    """Say what a metafile reports of a model, on one line."""
    found = []
    for result in entry.get('Results') or ():
        figures = ', '.join(f'{k} {v}' for k, v in result['Metrics'].items())
        source = result.get('Source')
        found.append(
            f'{result["Dataset"]}: {figures}' + (f' ({source})' * bool(source))
        )
    data = (entry.get('Metadata') or {}).get('Training Data', '')
    return '; '.join(found) or str(data)


def _weights(words: List[str]) -> None:
    from mmavs.weights.command import main as weights

    weights(words)


def _print_env(words: List[str]) -> None:
    import argparse

    argparse.ArgumentParser(
        prog='mmavs env', description='Print every version of the stack.'
    ).parse_args(words)
    from mmavs.utils.collect_env import main as print_env

    print_env()


if __name__ == '__main__':
    main()
