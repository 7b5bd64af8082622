"""Text that obeys a grammar: each code that is drawn is one with which the text can still become what it must be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anew.codecs.text.codes import Codes
from anew.codecs.text.languages import LANGUAGES, grammar_of
from anew.errors import AnewError, unknown
from anew.nn.rules import Rules

_SPACE = r"(\n[ \t]{0,32}| )?"  # between the parts of JSON: more of it could go on until the length runs out
_NAMES = {"regex": "regex", "json_schema": "JSON schema", "lark": "Lark grammar", "language": "language"}
_SAID = re.compile(r"^error: (.*)$", re.MULTILINE)  # what is wrong, in many lines of where
_MOST = 200  # letters of that


@dataclass(frozen=True)
class Grammar:
    """What all of a text must be, as one of these.

    `regex` is a regular expression without look-around and references back; `json_schema` a schema, as it is or as
    text; `lark` a context-free grammar in the way of Lark, whose first rule is `start`; `language` one of `LANGUAGES`,
    of which a text is, with its prompt. Raises AnewError for none or several of them.
    """

    regex: str | None = None
    json_schema: Mapping[str, Any] | str | None = None
    lark: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in _NAMES) != 1:
            raise AnewError("a grammar is one of regex, json_schema, lark and language; give one of them")
        if self.language not in (None, *LANGUAGES):
            raise unknown("language", str(self.language), LANGUAGES)

    @property
    def kind(self) -> str:
        """What people call it."""
        return next(shown for name, shown in _NAMES.items() if getattr(self, name) is not None)


class Matcher:
    """A grammar over the codes of texts. Raises AnewError for one that cannot be followed, or without llguidance.

    Code 0 ends a text. Those from `codes.vocabulary` + 1 to `vocabulary` stand for no text, so they are never allowed.
    """

    def __init__(self, grammar: Grammar, codes: Codes, vocabulary: int):
        library = _library()
        tokenizer = library.LLTokenizer(library.TokenizerWrapper(_Vocabulary(codes)))
        try:
            self.start = library.LLMatcher(tokenizer, _compiled(grammar, library), log_level=0)
            wrong = self.start.get_error()
        except (ValueError, TypeError) as error:
            wrong = str(error)
        if wrong:
            said = (_SAID.search(wrong) or re.search("(.*)", wrong))[1][:_MOST]  # type: ignore[index]
            raise AnewError(f"this {grammar.kind} cannot be followed: {said}; see docs/text.md for what can")
        self.codes = vocabulary + 1

    def rules(self, n: int, first: int = 0) -> Rules:
        """For n sequences that obey it from place `first` on."""
        return GrammarRules([self.start.deep_copy() for _ in range(n)], self.codes, first)

    def begins(self, codes: list[int]) -> bool:
        """Whether a text that obeys it may begin with these."""
        return bool(self.start.deep_copy().consume_tokens(codes))

    def whole(self, x: Tensor, first: int = 0) -> Tensor:
        """bool (n,): which of the sequences (n, length) are all that the grammar asks for."""
        rows = [row[: row.index(0)] if 0 in row else row for row in x[:, first:].tolist()]
        return torch.tensor([_accepts(self.start.deep_copy(), row) for row in rows], dtype=torch.bool)


class GrammarRules(Rules):
    """`matchers` are the states of the n sequences; the first codes that are told, `before` of them, obey nothing.

    Where the library gives up, because a text has become too complex, the sequence ends.
    """

    def __init__(self, matchers: list[Any], codes: int, before: int):
        self.matchers, self.codes, self.before = matchers, codes, before

    def allowed(self) -> Tensor:
        allowed = np.zeros((len(self.matchers), self.codes), bool)
        for row, matcher in zip(allowed, self.matchers):
            if matcher.is_error():
                row[0] = True
            else:
                bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
                row[: len(bits)] = bits[: self.codes]
        return torch.from_numpy(allowed)

    def tell(self, codes: Tensor) -> None:
        if self.before:
            self.before -= 1
            return
        for matcher, code in zip(self.matchers, codes.tolist()):
            if code:
                matcher.consume_token(code)

    def pick(self, rows: Tensor) -> None:
        self.matchers = [self.matchers[row].deep_copy() for row in rows.tolist()]


class _Vocabulary:
    """Codes as the library asks for them."""

    eos_token_id, bos_token_id, special_token_ids = 0, None, (0,)

    def __init__(self, codes: Codes):
        self._codes, self.tokens = codes, [b"<end>", *codes.bytes]

    def __call__(self, text: str) -> list[int]:
        return self._codes.encode([text])[0]


def _compiled(grammar: Grammar, library: Any) -> str:
    if grammar.regex is not None:
        return str(library.LLMatcher.grammar_from_regex(grammar.regex))
    if grammar.lark is not None:
        return str(library.LLMatcher.grammar_from_lark(grammar.lark))
    if grammar.language is not None:
        return str(library.LLMatcher.grammar_from_lark(grammar_of(grammar.language)))
    schema = grammar.json_schema if isinstance(grammar.json_schema, str) else json.dumps(grammar.json_schema)
    return str(library.LLMatcher.grammar_from_json_schema(schema, defaults={"whitespace_pattern": _SPACE}))


def _accepts(matcher: Any, codes: list[int]) -> bool:
    return bool(matcher.consume_tokens(codes) and matcher.is_accepting())


def _library() -> Any:
    try:
        import llguidance
    except ImportError as error:
        raise AnewError("grammars are followed by llguidance: pip install 'anew[constrained]'") from error
    return llguidance
