"""YAML files that cannot run code."""


def make_yaml_safe() -> None:
    """Let mmengine read plain values alone, and the tuples that it writes.

    Its loader answers to tags such as ``!!python/object/apply:os.system``.
    """
    import yaml
    from mmengine.fileio.handlers import yaml_handler

    class Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
        """Plain values and tuples."""

    Loader.add_constructor(
        'tag:yaml.org,2002:python/tuple',
        lambda loader, node: tuple(loader.construct_sequence(node, deep=True)),
    )
    yaml_handler.Loader = Loader
