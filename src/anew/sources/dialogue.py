"""Dialogues as text: each message after a marker of who speaks."""

from __future__ import annotations

from typing import Any

MESSAGES = "messages"  # the name of a dialogue in a line of JSON


def dialogue(messages: Any) -> str | None:
    """ "<|user|>Hi!\\n<|assistant|>Hello.\\n" of [{"role": "user", "content": "Hi!"}, ...]; None for what is none.

    Whoever speaks next is asked with `marker(role)` after it, and stops before the next marker.
    """
    if not isinstance(messages, list) or not messages:
        return None
    turns = [_turn(message) for message in messages]
    return None if None in turns else "".join(map(str, turns))


def marker(role: str) -> str:
    return f"<|{role}|>"


def _turn(message: Any) -> str | None:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        return None
    content = message.get("content")
    if isinstance(content, list):  # of texts, pictures and so on
        content = "".join(part["text"] for part in content if isinstance(part, dict) and "text" in part)
    return f"{marker(message['role'])}{content.strip()}\n" if isinstance(content, str) else None
