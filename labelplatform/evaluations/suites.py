"""What can be asked of a subject from the browser: every suite of `evaluator run --list`, with what its form shows.

The evaluator's own catalogue reaches the model libraries, which the web process never imports; a test sees to it that
both name the same suites and variants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from labelplatform.jobs.models import Artifact

Kind = Artifact.Kind
Words = str | Promise
MODELS = (Kind.POLICY, Kind.BASE_MODEL)
ANSWERING = (*MODELS, Kind.RESPONSES)
# Fields of the form beside name, variant, subject and seed; each is a flag of `evaluator run`.
GENERATION = ("temperature", "max_new_tokens", "batch_size", "precision")
ASKING = ("prompting", "shots", "paths", "knowledge", *GENERATION)
SCORING = ("batch_size", "precision")


@dataclass(frozen=True)
class Variant:
    """One form of a suite. `needs` are fields that it cannot do without, `fields` those that only it has."""

    name: str
    title: Words
    needs: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    # Whom it can ask; empty: whomever the suite can.
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True)
class SuiteOffer:
    """One suite: what it measures, its variants (the first is the default), whom it asks, and its fields.

    `data` says whether questions must be given: "needed", "optional" (the suite brings its own) or "none".
    """

    name: str
    title: Words
    measures: Words
    variants: tuple[Variant, ...]
    subjects: tuple[str, ...] = ANSWERING
    data: str = "needed"
    data_help: Words = ""
    fields: tuple[str, ...] = ()
    # Which label of people an item of this suite can become (Campaign.Kind); empty: none.
    checked_as: str = ""
    # Scores of 1 or 0 that decide an item, first found first; those in `lower` are good at 0.
    deciding: tuple[str, ...] = ()
    lower: frozenset[str] = field(default_factory=frozenset)

    def variant(self, name: str) -> Variant | None:
        """The variant of this name; "" is the default."""
        return next((one for one in self.variants if one.name == (name or self.variants[0].name)), None)

    def all_fields(self) -> tuple[str, ...]:
        """The suite's fields and those of any of its variants, each once."""
        own = [one for variant in self.variants for one in (*variant.needs, *variant.fields)]
        return tuple(dict.fromkeys([*self.fields, *own]))


TRUTHFULNESS = SuiteOffer(
    name="truthfulness",
    title=_("Truthfulness (TruthfulQA)"),
    measures=_("Does it repeat popular falsehoods, or admit that it does not know?"),
    variants=(
        Variant("mc-upstream", _("given answers, MC1, MC2 and MC3 as the paper scores them"), (), (), MODELS),
        Variant("mc-lm-eval", _("given answers, MC1 and MC2 as lm-eval scores them"), (), (), MODELS),
        Variant("binary", _("one of two given answers, the form of 2025"), (), (), MODELS),
        Variant("generation", _("its own answers, up to 50 tokens"), fields=("knowledge", *GENERATION)),
        Variant("generation-lm-eval", _("its own answers as lm-eval asks for them"), fields=GENERATION),
        Variant("abstention", _("its own answers with how sure it is; it may decline"), fields=GENERATION),
    ),
    data="optional",
    data_help=_("Without: the questions that come with the suite. A file is TruthfulQA's .csv or .json."),
    fields=("prompt", "edition", "training_text", *SCORING),
    checked_as="honesty",
    deciding=("mc1", "binary"),
)
CLOSED_DOMAIN = SuiteOffer(
    name="hallucination-closed-domain",
    title=_("Hallucination, closed domain"),
    measures=_("Does it invent when a text lies before it? Every sentence is held against the text."),
    variants=(
        Variant("detector", _("the detector that ships, trained on people's labels")),
        Variant("summac-zs", _("an NLI model, SummaC's aggregation"), ("scorer",)),
        Variant("chunk-max", _("an NLI model, the best chunk of the text"), ("scorer",)),
    ),
    data_help=_("Prompts with a context each; recorded responses may bring their own."),
    fields=("labels", *ASKING),
    checked_as="spans",
    deciding=("hallucinated",),
    lower=frozenset({"hallucinated"}),
)
OPEN_DOMAIN = SuiteOffer(
    name="hallucination-open-domain",
    title=_("Hallucination, open domain"),
    measures=_("Does it invent when it is asked about the world?"),
    variants=(
        Variant("closed-book", _("right, abstained or wrong against reference answers")),
        Variant("self-consistency-ngram", _("does it say the same again? by words"), (), ("samples",)),
        Variant("self-consistency-nli", _("the same by an NLI model"), ("scorer",), ("samples",)),
        Variant("self-consistency-embedding", _("the same by sentence embeddings"), (), ("samples",)),
        Variant("supported-facts", _("share of facts that a corpus bears out, found both ways"), ("corpus",)),
        Variant("supported-facts-bm25", _("the same, found by words"), ("corpus",)),
        Variant("supported-facts-embedding", _("the same, found by embeddings"), ("corpus",)),
    ),
    data_help=_("Prompts; closed-book wants reference answers with each."),
    fields=ASKING,
    checked_as="honesty",
    deciding=("right", "supported_facts"),
)
IN_CONTEXT = SuiteOffer(
    name="in-context-learning",
    title=_("In-context learning"),
    measures=_("Does it learn from the examples before a question, or only from their looks?"),
    variants=(Variant("label-words", _("right, flipped and random labels; inputs of the kind and foreign")),),
    subjects=MODELS,
    data="optional",
    data_help=_("Without: the texts that come with the suite."),
    fields=("shots", "training_text", *SCORING),
    deciding=("accuracy right/in",),
)
CODE = SuiteOffer(
    name="code-generation",
    title=_("Code generation"),
    measures=_("Does its program pass the problem's tests? Programs run in the sandbox."),
    variants=(
        Variant("response", _("one program a problem, pass@1")),
        Variant(
            "samples", _("several programs a problem, pass@k"), (), ("samples", "k", "temperatures"), MODELS
        ),
        Variant(
            "completions",
            _("the same, the text of the problem continued"),
            (),
            ("samples", "k", "temperatures"),
            MODELS,
        ),
    ),
    data_help=_("Problems as HumanEval, MBPP or EvalPlus have them."),
    fields=ASKING,
    deciding=("pass@1",),
)
STRING_TASKS = SuiteOffer(
    name="string-tasks",
    title=_("String tasks (emergence)"),
    measures=_("One right answer, scored by a sharp metric and by smooth ones: what ladders are drawn of."),
    variants=(Variant("completion", _("the answer written on, and its probability")),),
    subjects=MODELS,
    data_help=_("Items with text, target and the name of their task; a ladder makes its own."),
    fields=("training_text", *GENERATION),
    deciding=("exact_match",),
)
REWARD = SuiteOffer(
    name="reward-agreement",
    title=_("Agreement of a reward model"),
    measures=_("Does it order held-out pairs as people did?"),
    variants=(Variant("pairwise", _("the rankings it was not trained on")),),
    subjects=(Kind.REWARD_MODEL,),
    data="none",
    deciding=("pair_accuracy",),
)
SUITES: Mapping[str, SuiteOffer] = {
    one.name: one
    for one in (TRUTHFULNESS, CLOSED_DOMAIN, OPEN_DOMAIN, IN_CONTEXT, CODE, STRING_TASKS, REWARD)
}


def suites_for(kind: str) -> list[SuiteOffer]:
    """The suites that can be asked of an artifact of this kind ("" for any)."""
    return [one for one in SUITES.values() if not kind or kind in one.subjects]
