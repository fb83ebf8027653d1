"""YAML files that cannot run code."""

from typing import Dict

_MOST = 100_000  # values; a config has hundreds


def make_yaml_safe() -> None:
    """Let mmengine read plain values alone, and the tuples that it writes.

    Its loader answers to tags such as ``!!python/object/apply:os.system``.
    """
    import yaml
    from mmengine.fileio.handlers import yaml_handler

    class Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
        """Plain values and tuples, of bounded number."""

        def get_single_node(self):
            node = super().get_single_node()
            if node is not None and _count(node, {}) > _MOST:
                raise yaml.YAMLError(f'it unfolds to more than {_MOST} values')
            return node

    Loader.add_constructor(
        'tag:yaml.org,2002:python/tuple',
        lambda loader, node: tuple(loader.construct_sequence(node, deep=True)),
    )
    yaml_handler.Loader = Loader


def _count(node, counted: Dict[int, float]) -> float:
    """Count the values that a node unfolds to; few lines may say billions.

    Args:
        node (yaml.Node): Anchors and their aliases are one object.
        counted (dict): By identity, so that each node is gone through once.

    Returns:
        float: Infinite for a node inside itself.
    """
    if id(node) not in counted:
        counted[id(node)] = float('inf')  # while what is in it is counted
        parts = node.value if isinstance(node.value, list) else ()
        total = 1.0
        for part in parts:
            pair = part if isinstance(part, tuple) else (part,)
            total += sum(_count(inner, counted) for inner in pair)
        counted[id(node)] = total
    return counted[id(node)]
