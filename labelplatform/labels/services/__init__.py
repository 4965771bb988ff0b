"""The verbs of labelling. Pages, commands, other apps and tests all come in through these."""

from labelplatform.labels.rules import JudgementRefused
from labelplatform.labels.services.adding import add_items
from labelplatform.labels.services.adjudication import (
    AdjudicationRefused,
    ask_for_decision,
    decide,
    has_labelled,
)
from labelplatform.labels.services.assignment import (
    LeaseLost,
    SkipRefused,
    claim,
    linger,
    put_back,
    release,
    renew,
    skip,
)
from labelplatform.labels.services.campaign_settings import set_settings
from labelplatform.labels.services.campaigns import (
    CampaignRefused,
    Stages,
    create_campaign,
    create_campaign_over,
    set_stages,
    set_state,
)
from labelplatform.labels.services.examining import LabelsRefused, Note, Preview, Row, Status, Wishes
from labelplatform.labels.services.filling import SubmissionConflict
from labelplatform.labels.services.gold import GoldRefused, mix_in_gold, set_gold, unset_gold
from labelplatform.labels.services.guidelines import (
    GuidelinesRefused,
    confirm_guidelines,
    publish_guidelines,
)
from labelplatform.labels.services.importing import (
    check_target,
    import_labels,
    preview_import,
)
from labelplatform.labels.services.label_gold import ScoreRefused, score_demonstration, set_gold_label
from labelplatform.labels.services.label_recording import LabelLinesRefused, record_labels
from labelplatform.labels.services.labelling import submit_label
from labelplatform.labels.services.overlap import grow_overlap
from labelplatform.labels.services.qualification import override_qualification
from labelplatform.labels.services.quality_settings import set_quality
from labelplatform.labels.services.queue_orders import Choice, OrderRefused, put_in_force, start_order
from labelplatform.labels.services.recording import RankingsRefused, record_comparison, record_rankings
from labelplatform.labels.services.reliability import ReliabilityRefused, compute_reliability
from labelplatform.labels.services.reviews import ReviewRefused, draw_reviews, review_label
from labelplatform.labels.services.routing import NotForYou
from labelplatform.labels.services.set_aside import put_all_back
from labelplatform.labels.services.submission import (
    DraftOvertaken,
    DraftRefused,
    save_draft,
    submit_judgement,
    submit_ranking,
)
from labelplatform.labels.services.versions import VersionRefused, begin_again, check_again, give_again

__all__ = [
    "AdjudicationRefused",
    "CampaignRefused",
    "Choice",
    "DraftOvertaken",
    "DraftRefused",
    "GoldRefused",
    "GuidelinesRefused",
    "JudgementRefused",
    "LabelLinesRefused",
    "LabelsRefused",
    "LeaseLost",
    "NotForYou",
    "Note",
    "OrderRefused",
    "Preview",
    "RankingsRefused",
    "ReliabilityRefused",
    "ReviewRefused",
    "Row",
    "ScoreRefused",
    "SkipRefused",
    "Stages",
    "Status",
    "SubmissionConflict",
    "VersionRefused",
    "Wishes",
    "add_items",
    "ask_for_decision",
    "begin_again",
    "check_again",
    "check_target",
    "claim",
    "compute_reliability",
    "confirm_guidelines",
    "create_campaign",
    "create_campaign_over",
    "decide",
    "draw_reviews",
    "give_again",
    "grow_overlap",
    "has_labelled",
    "import_labels",
    "linger",
    "mix_in_gold",
    "override_qualification",
    "preview_import",
    "publish_guidelines",
    "put_all_back",
    "put_back",
    "put_in_force",
    "record_comparison",
    "record_labels",
    "record_rankings",
    "release",
    "renew",
    "review_label",
    "save_draft",
    "score_demonstration",
    "set_gold",
    "set_gold_label",
    "set_quality",
    "set_settings",
    "set_stages",
    "set_state",
    "skip",
    "start_order",
    "submit_judgement",
    "submit_label",
    "submit_ranking",
    "unset_gold",
]
