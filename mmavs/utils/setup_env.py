"""Registration of everything mmavs brings."""


def register_all_modules(init_scope: bool = True) -> None:
    """Import every package that registers components.

    Args:
        init_scope (bool): Also make ``mmavs`` the default scope, for scripts
            that build components without a Runner.
    """
    import mmavs.datasets  # noqa: F401
    import mmavs.engine  # noqa: F401
    import mmavs.evaluation  # noqa: F401
    import mmavs.models  # noqa: F401
    import mmavs.visualization.local_visualizer  # noqa: F401

    if init_scope:
        from mmengine.registry import init_default_scope

        init_default_scope('mmavs')
