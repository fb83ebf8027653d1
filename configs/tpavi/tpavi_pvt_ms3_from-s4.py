# "Pretrained on Single-source" (Table 8). Train tpavi_pvt_s4.py first and put
# its best checkpoint where load_from says, or give another path with
# --cfg-options load_from=...
_base_ = './tpavi_pvt_ms3.py'
load_from = 'pretrained/tpavi_pvt_s4.pth'
