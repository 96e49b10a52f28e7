"""How sure a reading must be, as calibrated probabilities.

Chosen on the validation messages (`make eval` with `--set validation`), which trained
nothing; the coverage and accuracy at these values are in
docs/decisions/0002-nlu-pipeline.md. Change them only with a new measurement.
"""

from typing import Final

#: From here on a part is answered.
ANSWER: Final = 0.55
#: From here on a part is answered too, if the next best reading is far behind.
ANSWER_IF_CLEAR: Final = 0.35
#: How many times as likely as the next best the best reading then has to be.
CLEAR_BY: Final = 2.5
#: From here on the nearest readings are offered; below, the part was not understood.
CLARIFY: Final = 0.20
#: A list item must be this sure, alone, to be read as a question of its own.
LIST_ITEM: Final = 0.60
#: How much the whole message weighs beside its one question, as an exponent from 0 to 1.
STORY: Final = 0.7
#: The same for what was told before each of several questions: less keeps them apart.
STORY_AMONG_SEVERAL: Final = 0.3
