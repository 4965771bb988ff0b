"""The verbs of labelling. Pages, commands, other apps and tests all come in through these."""

from labelplatform.labels.rules import JudgementRefused
from labelplatform.labels.services.assignment import LeaseLost, claim, linger, release, renew
from labelplatform.labels.services.campaigns import (
    CampaignRefused,
    add_items,
    create_campaign,
    create_campaign_over,
    set_state,
)
from labelplatform.labels.services.examining import Note, Preview, Row, Status, Wishes
from labelplatform.labels.services.importing import (
    LabelsRefused,
    check_target,
    import_labels,
    preview_import,
)
from labelplatform.labels.services.recording import RankingsRefused, record_comparison, record_rankings
from labelplatform.labels.services.submission import (
    DraftRefused,
    SubmissionConflict,
    save_draft,
    submit_ranking,
)

__all__ = [
    "CampaignRefused",
    "DraftRefused",
    "JudgementRefused",
    "LabelsRefused",
    "LeaseLost",
    "Note",
    "Preview",
    "RankingsRefused",
    "Row",
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
    "preview_import",
    "record_comparison",
    "record_rankings",
    "release",
    "renew",
    "save_draft",
    "set_state",
    "submit_ranking",
]
