"""The 23 categories of AVSBench's S4, and where AVSS classes fall."""

from typing import Dict, Tuple

# Folder names of s4_data, by alphabet. AVSBench-object has no other category
# labels: MS3 shows the same kinds of object without saying which.
S4_CATEGORIES: Tuple[str, ...] = (
    'ambulance_siren',
    'baby_laughter',
    'cap_gun_shooting',
    'cat_meowing',
    'chainsawing_trees',
    'coyote_howling',
    'dog_barking',
    'driving_buses',
    'female_singing',
    'helicopter',
    'horse_clip-clop',
    'lawn_mowing',
    'lions_roaring',
    'male_speech',
    'mynah_bird_singing',
    'playing_acoustic_guitar',
    'playing_glockenspiel',
    'playing_piano',
    'playing_tabla',
    'playing_ukulele',
    'playing_violin',
    'race_car',
    'typing_on_computer_keyboard',
)

# From the 70 classes of AVSBench-semantic, by name: no official table exists.
# The first block has one class for each S4 category, the second further
# classes of the same kind of look and sound. Classes without an entry (an
# accordion, say) belong to no S4 category.
AVSS_TO_S4: Dict[str, str] = {
    'emergency-car': 'ambulance_siren',
    'baby': 'baby_laughter',
    'gun': 'cap_gun_shooting',
    'cat': 'cat_meowing',
    'saw': 'chainsawing_trees',
    'wolf': 'coyote_howling',
    'dog': 'dog_barking',
    'bus': 'driving_buses',
    'woman': 'female_singing',
    'helicopter': 'helicopter',
    'horse': 'horse_clip-clop',
    'mower': 'lawn_mowing',
    'lion': 'lions_roaring',
    'man': 'male_speech',
    'bird': 'mynah_bird_singing',
    'guitar': 'playing_acoustic_guitar',
    'marimba': 'playing_glockenspiel',
    'piano': 'playing_piano',
    'tabla': 'playing_tabla',
    'ukulele': 'playing_ukulele',
    'violin': 'playing_violin',
    'car': 'race_car',
    'keyboard': 'typing_on_computer_keyboard',
    # of the same kind
    'bell': 'playing_glockenspiel',
    'boy': 'male_speech',
    'girl': 'female_singing',
    'parrot': 'mynah_bird_singing',
}
