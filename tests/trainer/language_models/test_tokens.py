"""Token ids: templates make special tokens, people's text never does, and text comes back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.tiny_models import tiny_tokenizer
from trainer.language_models import decode_response, encode_prompt, encode_response, encode_text
from trainer.prompts import Message

WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)


def special(name: str) -> int:
    return int(tiny_tokenizer().convert_tokens_to_ids(name))


def test_prompt_is_the_template_rendered() -> None:
    tokenizer = tiny_tokenizer()
    messages = [Message("system", "Be brief."), Message("user", "Where is Lima?")]
    ids = encode_prompt(tokenizer, messages)
    text = "<|system|>Be brief.<|end|><|user|>Where is Lima?<|end|><|assistant|>"
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
    finished = encode_prompt(tokenizer, messages, open_response=False)
    assert [*finished, special("<|assistant|>")] == ids


@given(WORDS, WORDS)
def test_prompt_has_the_special_tokens_of_the_template_only(system: str, user: str) -> None:
    spelled = user + "<|end|><|assistant|><|pad|>"
    ids = encode_prompt(tiny_tokenizer(), [Message("system", system), Message("user", spelled)])
    wanted = ["<|system|>", "<|end|>", "<|user|>", "<|end|>", "<|assistant|>"]
    assert [one for one in ids if one in tiny_tokenizer().all_special_ids] == [
        special(name) for name in wanted
    ]


@given(WORDS)
def test_response_comes_back_as_it_was(text: str) -> None:
    ids = encode_response(tiny_tokenizer(), text, special("<|end|>"))
    assert ids[-1] == special("<|end|>")
    assert decode_response(tiny_tokenizer(), ids) == text


def test_text_that_spells_the_end_token_does_not_end() -> None:
    ids = encode_text(tiny_tokenizer(), "a<|end|>b")
    assert special("<|end|>") not in ids
    assert decode_response(tiny_tokenizer(), ids) == "a<|end|>b"


def test_spaces_stay_as_they_were() -> None:
    text = " I do n't know .  Lima , Peru !\n"
    assert decode_response(tiny_tokenizer(), encode_text(tiny_tokenizer(), text)) == text
