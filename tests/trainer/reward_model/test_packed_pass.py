"""One packed pass gives the states, and the gradients, of plain passes over each sequence, whatever the shapes."""

import random
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaModel

from trainer.reward_model.packed_attention import Block, blocks_of
from trainer.reward_model.packed_pass import PackedPass, Read, packs
from trainer.reward_model.prompt_groups import PromptGroup


def trunk(*, width: int = 16, layers: int = 3, key_heads: int = 2, context: int = 64) -> LlamaModel:
    """A Llama trunk whose four heads share `key_heads` key heads."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=key_heads,
        max_position_embeddings=context,
        attn_implementation="sdpa",
        initializer_range=0.3,
    )
    return LlamaModel(config).eval()


def group(prompt: int, *responses: int, seed: int = 0) -> PromptGroup:
    drawn = random.Random(f"{seed} {prompt} {responses}")
    ids = [tuple(drawn.randrange(40) for _ in range(length)) for length in (prompt, *responses)]
    return PromptGroup(ids[0], tuple(ids[1:]))


def plain(model: nn.Module, groups: Sequence[PromptGroup], read: Read) -> Tensor:
    """The same states from one pass a sequence: no cache, no mask, no padding."""
    found: list[Tensor] = []
    for one in groups:
        for number, response in enumerate(one.responses):
            states = model(input_ids=torch.tensor([[*one.prompt, *response]])).last_hidden_state[0]
            if read == "ends":
                found.append(states[-1:])
            else:
                found.append(states[len(one.prompt) - (number == 0) :])
    return torch.cat(found)


SHAPES = [
    [group(5, 3, 3, 3)],
    [group(1, 1)],
    [group(7, 2, 6, 1), group(3, 4), group(9, 1, 1, 1, 5)],
    [group(20, 3, 4), group(2, 30, 1)],
]


@pytest.mark.parametrize("read", ["ends", "responses"])
@pytest.mark.parametrize("groups", SHAPES)
@pytest.mark.parametrize("apart", [False, True])
def test_check_02_states_and_gradients_are_those_of_plain_passes(
    groups: list[PromptGroup], read: Read, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if apart:
        # Each group a block of its own, as large groups of unlike shapes are.
        monkeypatch.setattr("trainer.reward_model.prompt_groups.SMALL_BLOCK", 0)
        monkeypatch.setattr("trainer.reward_model.prompt_groups.LARGEST_PADDING", 0.5)
    model = trunk()
    packed = PackedPass(model, groups, read)
    assert len(packed._blocks) == (len(groups) if apart else 1)
    found: list[Tensor] = []
    wanted: list[Tensor] = []
    for states, into in ((packed.run(), found), (plain(model, groups, read), wanted)):
        model.zero_grad()
        torch.autograd.backward(states.pow(3).sum())
        into += [
            states.detach(),
            *(weight.grad.clone() for weight in model.parameters() if weight.grad is not None),
        ]
    for ours, theirs in zip(found, wanted, strict=True):
        assert (ours - theirs).norm() <= 1e-5 * theirs.norm()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=5), min_size=1, max_size=6), st.booleans())
def test_any_shapes_give_the_states_of_plain_passes(shapes: list[list[int]], ends: bool) -> None:
    read: Read = "ends" if ends else "responses"
    groups = [group(*lengths) for lengths in shapes]
    model = trunk(key_heads=4)
    with torch.no_grad():
        torch.testing.assert_close(
            PackedPass(model, groups, read).run(), plain(model, groups, read), atol=1e-4, rtol=1e-4
        )


def test_layers_can_be_run_in_parts() -> None:
    model, groups = trunk(), SHAPES[2]
    packed = PackedPass(model, groups, "ends")
    with torch.no_grad():
        lower = packed.layers(packed.embed(), 0, 1)
        assert torch.equal(packed.finish(packed.layers(lower, 1, 2)), packed.run())


def test_check_12_no_state_depends_on_other_groups_of_the_pass() -> None:
    model, groups = trunk(), SHAPES[2]
    with torch.no_grad():
        together = PackedPass(model, groups, "ends").run()
        alone = torch.cat([PackedPass(model, [one], "ends").run() for one in groups])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_check_02_every_token_is_computed_once_and_the_last_layer_only_where_it_is_read() -> None:
    """Multiply-adds of a pass over 16 prompt tokens and 4 times 8: 48 tokens, not 4 times 24."""
    model, width, layers = trunk(width=32, key_heads=4), 32, 3
    groups = [group(16, 8, 8, 8, 8)]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        PackedPass(model, groups, "ends").run()
    square, mlp, tokens = width * width, 3 * width * 2 * width, 48
    wanted = (layers - 1) * tokens * (4 * square + mlp) + tokens * 2 * square + 4 * (2 * square + mlp)
    assert counter.get_total_flops() == 2 * wanted


def test_groups_of_unlike_shapes_do_not_share_a_block() -> None:
    small, large, huge = group(4, 4), group(100, *[50] * 9), group(400, *[50] * 9)
    assert [len(block) for block in blocks_of([small, small, small])] == [3]
    assert [len(block) for block in blocks_of([large, large, huge, large])] == [2, 1, 1]


def test_a_response_sees_its_own_prompt_without_its_pads_and_itself_up_to_the_query() -> None:
    block = Block.of([group(2, 2), group(1, 1, 2)], ends_only=False, device="cpu")
    assert block.every.response_mask[:, 0].int().tolist() == [
        [[1, 1, 1, 0], [1, 1, 1, 1]],
        [[1, 0, 1, 0], [1, 0, 1, 0]],
        [[1, 0, 1, 0], [1, 0, 1, 1]],
    ]
    ends = Block.of([group(2, 2), group(2, 1)], ends_only=True, device="cpu")
    assert ends.read.response_mask[:, 0].int().tolist() == [[[1, 1, 1, 1]], [[1, 1, 1, 0]]]


def test_only_a_plain_whole_llama_is_packed() -> None:
    model = trunk()
    assert packs(model)

    class Stand(LlamaModel):
        """Must be called whole: it does something around the call."""

    assert not packs(Stand(model.config))
    sharded = trunk()
    sharded.norm.weight.placements = ()
    assert not packs(sharded)


def test_layers_that_recompute_give_the_same_gradient_and_run_twice() -> None:
    model, groups = trunk(), SHAPES[2]
    found: list[list[Tensor]] = []
    runs: list[int] = []
    model.layers[1].mlp.register_forward_pre_hook(lambda *_: runs.append(1))
    for recomputing in (False, True):
        model.zero_grad()
        for layer in model.layers:
            layer.gradient_checkpointing, layer.training = recomputing, recomputing
        torch.autograd.backward(PackedPass(model, groups, "ends").run().pow(3).sum())
        found.append([weight.grad.clone() for weight in model.parameters() if weight.grad is not None])
    assert len(runs) == 1 + 2
    for plainly, again in zip(*found, strict=True):
        assert torch.equal(plainly, again)
