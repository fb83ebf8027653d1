#!/usr/bin/env bash
# usage: tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# One process a GPU; without a GPU the processes run on CPU with gloo.
set -euo pipefail
if [ $# -lt 2 ]; then sed -n '2s/^# //p' "$0" >&2; exit 2; fi
CONFIG=$1
PROCESSES=$2
shift 2
ROOT="$(cd "$(dirname "$0")/.." && pwd)"

PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}" "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$PROCESSES" \
    "$ROOT/tools/train.py" "$CONFIG" --launcher pytorch "$@"
