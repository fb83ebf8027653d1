# "MS3 Pretrained on Single-Source", AVSBench with BG (arXiv 2308.08288,
# Table 5). Train tpavi_pvt_s4_bg.py first and put its best checkpoint where
# load_from says, or give another path with --cfg-options load_from=...
_base_ = './tpavi_pvt_ms3_bg.py'
load_from = 'pretrained/tpavi_pvt_s4_bg.pth'
