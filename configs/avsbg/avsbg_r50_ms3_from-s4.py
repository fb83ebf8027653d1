# "Pretrained on Single-source" (Table 6). Train avsbg_r50_s4.py first and put
# its best checkpoint where load_from says, or give another path with
# --cfg-options load_from=...
_base_ = './avsbg_r50_ms3.py'
load_from = 'pretrained/avsbg_r50_s4.pth'
