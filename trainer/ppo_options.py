"""What a PPO run is told beside the method itself: ensembles, the watch over its reward model, its baseline."""

from dataclasses import dataclass

from trainer.spec_fields import flag

ADAM_FORMS = ("pytorch", "tensorflow")
VARIANCES = ("biased", "bessel")
ENSEMBLES = ("sum", "lower-bound", "worst")


@dataclass(frozen=True, kw_only=True)
class PpoOptions:
    """Fields of `PpoSpec` that choose between forms of the same method, and what looks after a run."""

    adam_form: str = flag(
        "pytorch",
        help="where Adam adds its epsilon: after or before the bias is corrected",
        choices=ADAM_FORMS,
    )
    whiten_variance: str = flag(
        "biased", help="variance that whitening divides by: over n or n - 1 tokens", choices=VARIANCES
    )
    reward_ensemble: str = flag(
        "sum",
        help="several reward models, or the members of an ensemble's folder: summed by weight (members: their mean), "
        "mean less a share of their spread, or the lowest",
        choices=ENSEMBLES,
    )
    ensemble_penalty: float = flag(
        1.0, help="standard deviations of an ensemble taken from its mean (lower-bound)", minimum=0
    )
    heldout_reward_model: str | None = flag(
        None, help="reward model that is not trained on, to watch for over-optimisation", metavar="DIR"
    )
    watch_window: int = flag(5, help="updates whose scores the watch takes together", minimum=1)
    watch_stop: bool = flag(False, help="end the run when trained-on and held-out scores part")
    baseline_n: int = flag(
        8, help="responses a prompt of the best-of-n the run is compared with (0: none)", minimum=0
    )

    truncate_token: str | None = flag(
        None, help="text of one token after which a response is cut, as after its end token", metavar="TEXT"
    )
    truncate_after: int = flag(
        0, help="tokens of a response within which truncate-token does not cut it", minimum=0
    )

    def check_options(self, models: int, other_sources: int, weights: int) -> None:
        """Refuses (ValueError) an ensemble of none, and a watch without what it watches.

        One folder may hold an ensemble: that is seen when it is read.
        """
        if self.reward_ensemble != "sum" and models < 1:
            raise ValueError(
                f"found reward-ensemble {self.reward_ensemble} with {models} reward models, wanted 2 or more"
            )
        if self.truncate_after and self.truncate_token is None:
            raise ValueError("found truncate-after alone, wanted truncate-token beside it")
        if self.watch_stop and self.heldout_reward_model is None:
            raise ValueError("found watch-stop alone, wanted heldout-reward-model beside it")
        sources = (models if self.reward_ensemble == "sum" else 1) + other_sources
        if weights and weights != sources:
            raise ValueError(f"found {weights} reward-weights for {sources} sources, wanted one each")
