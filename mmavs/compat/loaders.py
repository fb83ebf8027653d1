"""Loaders of data, as mmengine's Runner builds them."""

# what torch's DataLoader refuses unless it has workers
_OF_WORKERS = (
    'persistent_workers',
    'prefetch_factor',
    'timeout',
    'multiprocessing_context',
)


def prepare_loaders() -> None:
    """Let loaders run without workers, and seed every sample.

    ``num_workers=0`` alone is then enough in a config that sets
    ``persistent_workers``. How samples are seeded, and why, is said in
    :mod:`mmavs.compat.seeding`.
    """
    from mmengine.runner import Runner

    upstream = Runner.build_dataloader
    if getattr(upstream, '_mmavs', False):
        return

    def build_dataloader(dataloader, seed=None, diff_rank_seed=False):
        if isinstance(dataloader, dict):
            dataloader = _prepared(dict(dataloader), seed)
        return upstream(dataloader, seed, diff_rank_seed)

    build_dataloader._mmavs = True
    Runner.build_dataloader = staticmethod(build_dataloader)


def _prepared(loader: dict, seed) -> dict:
    from mmavs.compat.seeding import SeededDataset, SeededSampler

    if not loader.get('num_workers'):
        loader = {k: v for k, v in loader.items() if k not in _OF_WORKERS}
    if seed is not None and isinstance(loader.get('sampler'), dict):
        dataset, sampler = loader['dataset'], loader['sampler']
        loader['dataset'] = dict(
            type=SeededDataset, dataset=dataset, seed=seed
        )
        loader['sampler'] = dict(type=SeededSampler, sampler=sampler)
    return loader
