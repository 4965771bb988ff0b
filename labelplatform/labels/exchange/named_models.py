"""Answers that name the model that wrote them: whoever ranks them is no longer blind.

Some names mean nothing else (ChatGPT, OpenAI); others are also people, animals, stars or winds (Claude, Llama, Gemini,
Mistral), so they count only beside words that speak of a model, or with a version.
"""

import re

ALWAYS = (
    *(
        "ChatGPT",
        r"GPT-?[2345](?:\.\d)?\w?",
        "OpenAI",
        "Anthropic",
        "DeepMind",
        "InstructGPT",
        "ChatGLM",
        "DeepSeek",
    ),
    *(
        "Qwen",
        "Baichuan",
        "InternLM",
        "Open ?Assistant",
        "LAION",
        "Koala-\\d+B",
        "LMSYS",
        "Mistral AI",
        "Hugging ?Face",
    ),
    *(
        "通义千问",
        "文心一言",
        "讯飞星火",
        "智谱清言",
        "ERNIE Bot",
        "PaLM ?2",
        "LaMDA",
        "Stability AI",
        "Tülu",
        "SmolLM",
    ),
)
ALSO_WORDS = (
    *(
        "Claude",
        "Llama",
        "LLaMA",
        "Gemini",
        "Vicuna",
        "Bard",
        "Mistral",
        "Mixtral",
        "Falcon",
        "Alpaca",
        "Koala",
        "Grok",
    ),
    *("Copilot", "Dolly", "Cohere", "Zephyr", "Hermes", "Gemma", "Phi", "Yi"),
)
_ALWAYS = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(ALWAYS)})(?![a-z])", re.IGNORECASE)
_VERSIONED = re.compile(
    rf"\b(?:{'|'.join(ALSO_WORDS)})[- ]?(?:v?\d[\w.]*|Pro|Ultra|Sonnet|Opus|Haiku|Chat)\b"
)
_NAMES = re.compile(rf"\b({'|'.join(ALSO_WORDS)})\b")
_CONTEXT = re.compile(
    r"\b(?:language model|AI|assistant|chatbot|trained by|developed by|created by|made by|my name is|I am called)\b"
    r"|语言模型|助手|训练",
    re.IGNORECASE,
)
_INTRODUCED = re.compile(rf"\bI(?: am|['’]m) ({'|'.join(ALSO_WORDS)})\b|我是 ?({'|'.join(ALSO_WORDS)})")
SENTENCE = re.compile(r"[.!?。！？\n]+")


def model_named(text: str) -> str:
    """The first name of a model in `text`, as it stands there; empty where there is none."""
    for pattern in (_ALWAYS, _VERSIONED, _INTRODUCED):
        if found := pattern.search(text):
            return next((group for group in found.groups() if group), found[0])
    if not _NAMES.search(text):
        return ""
    for sentence in SENTENCE.split(text):
        found = _NAMES.search(sentence)
        if found and _CONTEXT.search(sentence):
            return found[1]
    return ""
