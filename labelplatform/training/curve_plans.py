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
        title=_("Accuracy"),
        metrics=(("accuracy", _("training")), ("heldout_accuracy", _("held out"))),
        caption=_("Share of pairs ordered as in the rankings; half is what a coin would do."),
        reference=(0.5, _("chance")),
    )
    return _loss(_("Mean loss of the pairs of a ranking.")), accuracy


def _ppo() -> tuple[PanelPlan, ...]:
    return (*_ppo_goal(), *_ppo_validation(), *_ppo_learning())


def _ppo_goal() -> tuple[PanelPlan, ...]:
    score = PanelPlan(
        title=_("Score"),
        metrics=(("score", _("score")), ("reward", _("reward"))),
        caption=_(
            "Mean score of the reward model, and the reward left after the KL penalty. "
            "Both may rise while the answers get worse: see validation."
        ),
    )
    kl = PanelPlan(
        title=_("KL to the reference"),
        metrics=(("kl", "KL"),),
        caption=_("How far the policy has moved from where it started, in nats of a response."),
        zero=True,
    )
    return score, kl


def _ppo_validation() -> tuple[PanelPlan, ...]:
    shares = PanelPlan(
        title=_("Validation, answers"),
        metrics=(
            ("validation_right", _("right")),
            ("validation_abstained", _("abstained")),
            ("validation_wrong", _("wrong")),
        ),
        caption=_("Shares of questions that the updates never practise on."),
        zero=True,
    )
    grade = PanelPlan(
        title=_("Validation, grade"),
        metrics=(("validation_grade", _("grade")),),
        caption=_("Right 1, abstained 0.5, wrong 0."),
        reference=(0.5, _("always abstain")),
    )
    return shares, grade


def _ppo_learning() -> tuple[PanelPlan, ...]:
    losses = PanelPlan(
        title=_("Loss"),
        metrics=(("loss_policy", _("policy")), ("loss_value", _("value")), ("loss_pretraining", _("text"))),
        caption=_("What an update minimises: policy, value model and, where mixed in, plain text."),
    )
    entropy = PanelPlan(
        title=_("Entropy"),
        metrics=(("entropy", _("entropy")),),
        caption=_("How undecided the policy is at a token, in nats; near zero it only repeats itself."),
        zero=True,
    )
    return losses, entropy
