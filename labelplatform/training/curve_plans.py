"""Which curves matter for each kind of run, in which order, and what to see in them."""

from django.utils.translation import gettext as _

from labelplatform.jobs.curves import PanelPlan
from labelplatform.training.models import TrainingRun

Kind = TrainingRun.Kind


def plans_for(kind: str) -> tuple[PanelPlan, ...]:
    """The small multiples of a run page."""
    if kind == Kind.PPO:
        return _ppo()
    if kind == Kind.REWARD_MODEL:
        return _reward_model()
    return (_loss(_("Loss per token; the held-out curve says when learning turns into remembering.")),)


def _loss(caption: str) -> PanelPlan:
    metrics = (("loss", _("training")), ("heldout_loss", _("held out")))
    return PanelPlan(title=_("Loss"), metrics=metrics, caption=caption)


def _reward_model() -> tuple[PanelPlan, ...]:
    accuracy = PanelPlan(
        title=_("Held-out accuracy"),
        metrics=(("heldout_accuracy", _("held out")),),
        caption=_("Share of held-out pairs ordered as the people did."),
        reference=(0.5, _("chance")),
    )
    return _loss(_("Mean loss of the pairs of a ranking.")), accuracy


def _ppo() -> tuple[PanelPlan, ...]:
    return (
        PanelPlan(
            title=_("Score"),
            metrics=(("score", _("score")),),
            caption=_(
                "Mean score of the reward model. It may rise while the answers get worse: see validation."
            ),
        ),
        PanelPlan(
            title=_("KL to the reference"),
            metrics=(("kl", "KL"),),
            caption=_("How far the policy has moved from where it started, in nats of a response."),
            zero=True,
        ),
        PanelPlan(
            title=_("Validation, answers"),
            metrics=(
                ("validation_right", _("right")),
                ("validation_abstained", _("abstained")),
                ("validation_wrong", _("wrong")),
            ),
            caption=_("Shares of questions that the updates never practise on."),
            zero=True,
        ),
        PanelPlan(
            title=_("Validation, grade"),
            metrics=(("validation_grade", _("grade")),),
            caption=_("Right 1, abstained 0.5, wrong 0."),
            reference=(0.5, _("always abstain")),
        ),
        PanelPlan(
            title=_("Loss"),
            metrics=(
                ("loss_policy", _("policy")),
                ("loss_value", _("value")),
                ("loss_pretraining", _("text")),
            ),
        ),
        PanelPlan(title=_("Entropy"), metrics=(("entropy", _("entropy")),), zero=True),
    )
