# Starts from the best checkpoint of tpavi_pvt_ms3_composed.py: put it where
# load_from says, or give another path with --cfg-options load_from=...
_base_ = './tpavi_pvt_ms3.py'
load_from = 'pretrained/tpavi_pvt_ms3_composed.pth'
