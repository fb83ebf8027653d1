# "Pretrained on Single-source" (Table 6). Train avsbg_pvt_s4.py first and put
# its best checkpoint where load_from says, or give another path with
# --cfg-options load_from=...
_base_ = './avsbg_pvt_ms3.py'
load_from = 'pretrained/avsbg_pvt_s4.pth'
