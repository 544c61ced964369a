"""Words become arguments by GNU's conventions, in any order."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjsd.commands.arguments import Command, Operand, Option, UsageError
from tfjsd.commands.parsing import parse, split_verb, words_of

COPY = Command(
    "copy",
    "",
    operands=(Operand("SOURCE", "", "some"), Operand("DEST", "", "one")),
    options=(
        Option("--into", "", "PREFIX"),
        Option("--header", "", "KEY:VALUE", repeat=True),
        Option("--output", "", "FILE", short="-o"),
        Option("--all", "", short="-A"),
        Option("--on", "", "WHAT", choices=("this", "that")),
    ),
)
NOTHING = Command("nothing", "")


def read(*words, command=COPY):
    return parse(command, words, where="tfjsd copy")


def test_options_and_operands_intermix():
    arguments = read("a", "--into", "x", "b", "--header", "k:v", "c", "--header=l:w")
    assert arguments.operands("SOURCE") == ("a", "b")
    assert arguments.operand("DEST") == "c"
    assert arguments.text("--into") == "x"
    assert arguments.texts("--header") == ("k:v", "l:w")


def test_two_dashes_end_the_options_wherever_they_stand():
    assert read("--", "-a", "b").operands("SOURCE") == ("-a",)
    assert read("a", "--", "--into").operand("DEST") == "--into"
    assert read("--all", "a", "--", "--").operand("DEST") == "--"


def test_a_single_dash_is_an_operand():
    assert read("-", "b").operands("SOURCE") == ("-",)


@pytest.mark.parametrize("words", [["-Aofile"], ["-A", "-o", "file"], ["-A", "--output=file"]])
def test_short_options_cluster_and_attach_their_value(words):
    arguments = read("a", "b", *words)
    assert arguments.flag("--all")
    assert arguments.text("--output") == "file"


def test_an_option_may_take_a_value_that_looks_like_an_option():
    assert read("a", "b", "--into", "--all").text("--into") == "--all"


def test_an_empty_value_is_a_value():
    assert read("a", "b", "--into=").text("--into") == ""


def test_the_last_of_an_option_counts():
    assert read("a", "b", "--into", "x", "--into", "y").text("--into") == "y"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["a", "b", "--intoo", "x"], "unknown option --intoo", "did you mean --into?"),
        (["a", "b", "-z"], "unknown option -z", "see tfjsd copy --help"),
        (["a", "b", "--int", "x"], "unknown option --int", "did you mean --into?"),
        (["a", "b", "--all=yes"], "--all takes no value", None),
        (["a", "b", "--into"], "--into needs a value", None),
        (["a", "b", "--on", "those"], "--on is one of this, that", None),
        (["a"], "DEST is missing: tfjsd copy SOURCE... DEST", None),
        ([], "SOURCE is missing", None),
    ],
)
def test_what_is_wrong_is_named(words, message, hint):
    with pytest.raises(UsageError) as caught:
        read(*words)
    assert message in caught.value.message
    assert caught.value.exit_code == 2
    if hint:
        assert caught.value.hint == hint


def test_too_many_operands_are_refused():
    with pytest.raises(UsageError, match="unexpected argument 'x'"):
        read("x", command=NOTHING)


def test_help_needs_no_operands():
    assert read("--help").flag("--help")


def test_global_options_go_before_or_after_the_verb():
    before, verb, after = split_verb(["--origin", "https://a", "-q", "--home=h", "list", "x", "--json"])
    assert (before, verb, after) == (["--origin", "https://a", "-q", "--home=h"], "list", ["x", "--json"])


@pytest.mark.parametrize("words", [[], ["--version"], ["--origin", "list"], ["--origin"]])
def test_without_a_verb_there_is_none(words):
    assert split_verb(words).verb is None


@pytest.mark.parametrize(("text", "least"), [("-1", 0), ("1.5", 0), ("٣", 0), ("0", 1), ("", 0), ("9" * 5000, 0)])
def test_numbers_are_checked(text, least):
    arguments = read("a", "b", f"--into={text}")
    with pytest.raises(UsageError, match="--into takes a whole number"):
        arguments.number("--into", least=least)
    assert read("a", "b", "--into", "12").number("--into") == 12
    assert read("a", "b").number("--into") is None


@given(st.text(st.characters(min_codepoint=1)))
def test_every_name_survives_the_command_line(name):
    """What is printed as UTF-8 with the three bytes of lone surrogates comes back as an argument."""
    data = name.encode("utf-8", "surrogatepass")
    if b"\0" in data:
        return
    [word] = words_of([os.fsdecode(data)])
    assert word.encode("utf-16", "surrogatepass") == name.encode("utf-16", "surrogatepass")


def test_bytes_that_are_no_text_stay_as_python_has_them():
    word = os.fsdecode(b"\xff")
    assert words_of([word]) == [word]
