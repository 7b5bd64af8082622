"""Grammars of programming languages, as files beside this one: `python.lark`."""

from __future__ import annotations

import re
from pathlib import Path

LANGUAGES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.lark")))
_RULE = re.compile(r"^(\w+):.*(?:\n +.*)*", re.MULTILINE)
_COPIES = {"_d": 8, "_b": 2}  # of rules with these endings: depths of indentation; without and within brackets


def grammar_of(language: str) -> str:
    """In the dialect of Lark, with copies of the rules that there are several of."""
    rules = {found[1]: found[0] for found in _RULE.finditer(_read(language))}
    return "\n".join(copy for name, rule in rules.items() for copy in _copies(name, rule, rules))


def _copies(name: str, rule: str, rules: dict[str, str]) -> list[str]:
    """Those that are not written out."""
    stem, ending = name[:-2], name[-2:]
    if ending not in _COPIES:
        return [rule]
    return [_copy(rule, ending, k) for k in range(_COPIES[ending]) if f"{stem}_{k}" not in rules]


def _copy(rule: str, ending: str, k: int) -> str:
    return re.sub(rf"{ending}\b", f"_{k}", re.sub(r"_deeper\b", f"_{k + 1}", rule))


def _read(language: str) -> str:
    return Path(__file__).with_name(f"{language}.lark").read_text(encoding="utf-8")
