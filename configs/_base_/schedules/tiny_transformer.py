# The rate of the others, 2e-3, breaks small transformers that start from
# nothing.
_base_ = './tiny.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
