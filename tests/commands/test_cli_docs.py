"""docs/cli.md names everything that the command line has, where it belongs."""

import re
from pathlib import Path

import pytest

from tfjsd.commands.arguments import GLOBAL_OPTIONS
from tfjsd.commands.catalogue import command_groups

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
HEADING = re.compile(r"^(#{2,4}) (.*)$", re.MULTILINE)


def sections():
    """The text below each heading, up to the next one."""
    text = DOCS.read_text()
    found = list(HEADING.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return {match[2]: text[match.end() : end] for match, end in zip(found, ends, strict=True)}


def described():
    for _, group in command_groups():
        for command in group:
            if command.hidden or command.reserved:
                continue
            yield f"tfjsd {command.name}", command
            for child in command.children:
                yield f"tfjsd {command.name} {child.name}", child


@pytest.mark.parametrize(
    ("heading", "command"), list(described()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_verb_has_a_section_with_its_aliases_operands_and_options(heading, command):
    section = sections()[heading]
    parent = heading.rpartition(" ")[0]
    for alias in command.aliases:
        assert f"{parent} {alias}" in section
    for operand in command.operands:
        assert operand.name in section or all(choice in section for choice in operand.choices)
    for option in command.options:
        assert f"| `{option.name}" in section, option.name
        if option.short:
            assert f"`{option.short}" in section, option.short
        for choice in option.choices:
            assert f"`{choice}`" in section, choice


def test_no_section_is_about_a_verb_or_an_option_that_is_not_there():
    known = dict(described())
    for heading, section in sections().items():
        if not heading.startswith("tfjsd "):
            continue
        options = {option.name for option in (*known[heading].options, *GLOBAL_OPTIONS)}
        assert set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)) <= options, heading


def test_global_options_are_described():
    section = sections()["Global options"]
    for option in GLOBAL_OPTIONS:
        assert f"| `{option.name}" in section
        assert not option.short or f"`{option.short}`" in section


def test_reserved_words_are_listed():
    section = sections()["Reserved"]
    for _, group in command_groups():
        for command in group:
            assert not command.reserved or f"`tfjsd {command.name}`" in section


def test_every_schema_can_be_read(schemas):
    """By the validator of these tests, which refuses keywords that it does not know."""
    for name in schemas.names():
        schemas.check_schema(name)


def test_the_validator_can_fail(schemas):
    for name, wrong in {
        "info": {"dateSaved": "2026-01-01T00:00:00.000Z", "modelTopologyType": "XML"},
        "outcomes": {"indexeddb://x": {"error": {"name": "E"}}},
        "storage-keys": ["a", 1],
        "stop": {"stopped": 1},
        "storage-usage": {"used": 1, "limit": None, "unit": "utf16", "more": 1},
        "estimate": {"usage": 1.5, "quota": 1, "usageDetails": {}},
    }.items():
        with pytest.raises(AssertionError):
            schemas.validate(name, wrong)
