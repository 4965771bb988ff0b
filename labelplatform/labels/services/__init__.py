"""The verbs of labelling. Pages, commands, other apps and tests all come in through these."""

from labelplatform.labels.rules import JudgementRefused
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
from labelplatform.labels.services.campaigns import (
    CampaignRefused,
    Stages,
    add_items,
    create_campaign,
    create_campaign_over,
    set_stages,
    set_state,
)
from labelplatform.labels.services.examining import LabelsRefused, Note, Preview, Row, Status, Wishes
from labelplatform.labels.services.filling import SubmissionConflict
from labelplatform.labels.services.gold import GoldRefused, mix_in_gold, set_gold, unset_gold
from labelplatform.labels.services.importing import (
    check_target,
    import_labels,
    preview_import,
)
from labelplatform.labels.services.label_recording import LabelLinesRefused, record_labels
from labelplatform.labels.services.labelling import submit_label
from labelplatform.labels.services.qualification import override_qualification
from labelplatform.labels.services.quality_settings import set_quality
from labelplatform.labels.services.recording import RankingsRefused, record_comparison, record_rankings
from labelplatform.labels.services.submission import (
    DraftOvertaken,
    DraftRefused,
    save_draft,
    submit_judgement,
    submit_ranking,
)

__all__ = [
    "CampaignRefused",
    "DraftOvertaken",
    "DraftRefused",
    "GoldRefused",
    "JudgementRefused",
    "LabelLinesRefused",
    "LabelsRefused",
    "LeaseLost",
    "Note",
    "Preview",
    "RankingsRefused",
    "Row",
    "SkipRefused",
    "Stages",
    "Status",
    "SubmissionConflict",
    "Wishes",
    "add_items",
    "check_target",
    "claim",
    "create_campaign",
    "create_campaign_over",
    "import_labels",
    "linger",
    "mix_in_gold",
    "override_qualification",
    "preview_import",
    "put_back",
    "record_comparison",
    "record_labels",
    "record_rankings",
    "release",
    "renew",
    "save_draft",
    "set_gold",
    "set_quality",
    "set_stages",
    "set_state",
    "skip",
    "submit_judgement",
    "submit_label",
    "submit_ranking",
    "unset_gold",
]
