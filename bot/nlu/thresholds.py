"""How sure a reading must be, as calibrated probabilities.

Chosen on cross-validated predictions of the training data; the coverage and accuracy
at these values are in docs/decisions/0002-nlu-pipeline.md. Change them only with a new
measurement.
"""

from typing import Final

#: From here on a part is answered: more likely right than not.
ANSWER: Final = 0.50
#: From here on the nearest readings are offered; below, the part was not understood.
CLARIFY: Final = 0.20
#: A list item must be this sure, alone, to be read as a question of its own.
LIST_ITEM: Final = 0.60
#: How far an unsure question leans on the whole message when the message asks several
#: (1: as far as a lone one). Less keeps two questions apart, more helps one told at length.
LEAN_AMONG_SEVERAL: Final = 0.25
