"""Who is measured: recorded response lines, a model folder that answers here, or an endpoint that answers elsewhere."""

from evaluator.subjects.answers import Answers, open_subject
from evaluator.subjects.continuations import Continuation
from evaluator.subjects.scoring import Scored, Scorer, open_scorer

__all__ = ["Answers", "Continuation", "Scored", "Scorer", "open_scorer", "open_subject"]
