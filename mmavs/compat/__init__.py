"""Every touch of mmavs on a foreign package, in one place.

========================  ==================================================
touch                     why
========================  ==================================================
import hook               ``import mmavs`` must come first and be light; the
                          touches below are for what is imported later
stack checks              wrong versions, or two packages that install the
                          same import name, end in errors far from the cause
``mmcv.ops`` stand-in     mmseg 1.2.2 imports ``mmcv.ops``, which needs the
                          compiled ``mmcv._ext`` that mmcv-lite has not
whole files               mmengine writes checkpoints, ``last_checkpoint`` and
                          figures into the very file: a stump if it is killed
loaders                   mmengine hands ``persistent_workers`` to a loader
                          without workers, and its random transforms draw
                          other numbers after a resume
safe checkpoint loading   mmengine 0.10.7 calls ``torch.load`` without
                          ``weights_only`` and cannot read its own files
                          under PyTorch 2.6 and newer
``HistoryBuffer`` state   mmengine pickles a table of bound methods into every
                          checkpoint, which no safe loader should accept
NumPy in pickles          NumPy believes a pickled dtype, so that made-up
                          bytes become pointers
weights by address        mmengine keeps a download by its file's name alone,
                          and compares no hash
YAML configs              mmengine reads them with a loader that runs code
CPU ranks                 mmengine's launcher calls ``torch.cuda.set_device``
                          and hands ``device_ids`` to DDP without asking;
                          nobody leaves the group at the end
FSDP                      mmengine hands it a GPU without asking, resumes
                          its optimizer by the arguments of PyTorch 2.0, and
                          clips by the norm of the part that a rank holds
DeepSpeed                 its steps gather weights under autograd, which gloo
                          refuses
metrics of ranks          every rank of mmengine writes the figures of a test
                          into the same file
package table and path    mmengine knows packages by a closed table, and
                          takes the wrong folder for an editable install;
                          either way ``_base_ = 'mmavs::...'`` fails
FFmpeg's messages         torchvision before 0.26 sends them through Python,
                          where closing a video can hang
pictures in one thread    FFmpeg's scaler in several gives alpha that differs
                          from run to run
========================  ==================================================

``tests/test_compat`` holds one test per touch that fails once upstream makes
the touch unnecessary.
"""

from .checkpoints import (
    load_checkpoint,
    load_safely,
    make_checkpoints_safe,
)
from .configs import make_yaml_safe
from .import_hook import on_first_import
from .loaders import prepare_loaders
from .media_log import import_av
from .mmcv_ops import has_compiled_ops, provide_mmcv_ops
from .packages import register_package
from .ranks import allow_cpu_ranks, let_one_rank_write_metrics
from .sharding import ready_sharding
from .versions import (
    MMCV_DISTRIBUTIONS,
    check_installed,
    check_stack,
    installed_mmcv,
)
from .whole_writes import write_whole_files

__all__ = [
    'MMCV_DISTRIBUTIONS',
    'has_compiled_ops',
    'import_av',
    'installed_mmcv',
    'load_checkpoint',
    'load_safely',
    'prepare_stack',
    'ready_when_imported',
]


def ready_when_imported() -> None:
    """Check versions now, and ready the stack once it is first imported.

    Raises:
        ImportError: A package is of an unsupported version, or installed
            twice under one import name. What is absent is named by the first
            import of mmcv, mmengine or mmseg.
    """
    check_installed()
    on_first_import(check_stack, prepare_stack)


def prepare_stack() -> None:
    """Check the installed packages and apply every touch, once per process.

    Raises:
        ImportError: A package is absent, of an unsupported version, or
            installed twice under one import name.
    """
    check_stack()
    provide_mmcv_ops()
    register_package()
    make_checkpoints_safe()
    make_yaml_safe()
    allow_cpu_ranks()
    ready_sharding()
    let_one_rank_write_metrics()
    write_whole_files()
    prepare_loaders()
