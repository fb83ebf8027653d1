"""Registry nodes of mmavs.

Every node is a child of MMSegmentation's node of the same kind, so that under
``default_scope = 'mmavs'`` a config names mmavs, mmseg and mmengine components
alike, without a prefix. A parent's own ``locations`` are not imported when a
child looks a name up, hence both packages stand in each list.
"""

from mmengine.registry import Registry
from mmseg import registry as mmseg_registry

SCOPE = 'mmavs'


def _child(name: str, kind: str, *locations: str) -> Registry:
    """Make the mmavs child of the mmseg node called ``name``."""
    return Registry(
        kind,
        parent=getattr(mmseg_registry, name),
        scope=SCOPE,
        locations=list(locations),
    )


RUNNERS = _child('RUNNERS', 'runner')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS', 'runner constructor')
LOOPS = _child('LOOPS', 'loop', 'mmavs.engine')
HOOKS = _child('HOOKS', 'hook', 'mmseg.engine.hooks', 'mmavs.engine')
DATASETS = _child('DATASETS', 'dataset', 'mmseg.datasets', 'mmavs.datasets')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'data sampler')
TRANSFORMS = _child(
    'TRANSFORMS', 'transform', 'mmseg.datasets.transforms', 'mmavs.datasets'
)
MODELS = _child('MODELS', 'model', 'mmseg.models', 'mmavs.models')
MODEL_WRAPPERS = _child(
    'MODEL_WRAPPERS', 'model wrapper', 'mmseg.models', 'mmavs.models'
)
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'weight initializer')
OPTIMIZERS = _child('OPTIMIZERS', 'optimizer', 'mmseg.engine.optimizers')
OPTIM_WRAPPERS = _child(
    'OPTIM_WRAPPERS', 'optim wrapper', 'mmseg.engine.optimizers'
)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'optimizer wrapper constructor',
    'mmseg.engine.optimizers',
)
PARAM_SCHEDULERS = _child(
    'PARAM_SCHEDULERS', 'parameter scheduler', 'mmseg.engine.schedulers'
)
METRICS = _child('METRICS', 'metric', 'mmseg.evaluation', 'mmavs.evaluation')
EVALUATOR = _child('EVALUATOR', 'evaluator', 'mmseg.evaluation')
TASK_UTILS = _child('TASK_UTILS', 'task util', 'mmseg.models', 'mmavs.models')
VISUALIZERS = _child(
    'VISUALIZERS',
    'visualizer',
    'mmseg.visualization',
    'mmavs.visualization.local_visualizer',
)
VISBACKENDS = _child(
    'VISBACKENDS', 'vis backend', 'mmseg.visualization', 'mmavs.visualization'
)
LOG_PROCESSORS = _child('LOG_PROCESSORS', 'log processor')
INFERENCERS = _child('INFERENCERS', 'inferencer', 'mmavs.apis.inferencer')
