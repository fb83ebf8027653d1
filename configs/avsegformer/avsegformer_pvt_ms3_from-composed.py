# Starts from the best checkpoint of avsegformer_pvt_ms3_composed.py: put it
# where load_from says, or give another path with --cfg-options load_from=...
_base_ = './avsegformer_pvt_ms3.py'
load_from = 'pretrained/avsegformer_pvt_ms3_composed.pth'
