"""Tiny saved models with random weights: an NLI classifier and an encoder, with a word-level tokenizer."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

WORDS = "[PAD] [UNK] [CLS] [SEP] ada ben wrote books sailed home left stayed she he in may rain . , ?".split()
NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}


def config(labels: dict[int, str]) -> BertConfig:
    return BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=64, initializer_range=0.6, id2label=labels,
        label2id={name: number for number, name in labels.items()},
    )  # fmt: skip


def _save_tokenizer(folder: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks).save_pretrained(str(folder))


def nli_folder(folder: Path, labels: dict[int, str] | None = None) -> Path:
    torch.manual_seed(3)
    BertForSequenceClassification(config(labels or NLI)).eval().save_pretrained(str(folder))
    _save_tokenizer(folder)
    return folder


def encoder_folder(folder: Path) -> Path:
    torch.manual_seed(3)
    BertModel(config(NLI)).eval().save_pretrained(str(folder))
    _save_tokenizer(folder)
    return folder
