"""What may come next on a command line."""

import subprocess
import sys

import pytest

from tfjsd.commands import completion_engine
from tfjsd.commands.arguments import Command, Operand, Option
from tfjsd.commands.completion_scripts import SCRIPTS

COMMANDS = [
    Command(
        "copy",
        "copy models",
        operands=(Operand("SOURCE", "", "some", complete="url"),),
        options=(Option("--into", "where", "PREFIX", complete="url"), Option("--glob", "patterns", short="-g")),
        aliases=("cp",),
    ),
    Command("completion", "scripts", operands=(Operand("SHELL", "", choices=("bash", "zsh")),)),
    Command("storage", "stores", children=(Command("get", "an item", operands=(Operand("KEY", "", complete="key"),)),)),
]
STORED = {
    "url": ["indexeddb://a", "indexeddb://b c", "localstorage://$(touch pwned)", "indexeddb://new\nline"],
    "key": ["theme"],
    "origin": ["https://app.example"],
}


def after(line):
    *words, current = line.split(" ")
    found = completion_engine.complete(words, current, COMMANDS, lambda kind: STORED[kind])
    return [value for value, _ in found.candidates], found.paths


def test_verbs():
    assert after("") == (["copy", "completion", "storage"], "-")
    assert after("co") == (["copy", "completion"], "-")
    assert after("--origin x sto") == (["storage"], "-")


def test_sub_verbs_and_their_operands():
    assert after("storage ") == (["get"], "-")
    assert after("storage get ") == (["theme"], "-")
    assert after("storage get theme ") == ([], "-")


def test_options_of_the_verb_and_of_all():
    values, _ = after("copy --")
    assert {"--into", "--glob", "--origin", "--help"} <= set(values)
    assert after("cp x --gl") == (["--glob"], "-")
    assert after("--ho") == (["--home"], "-")


def test_values_of_options():
    assert after("copy --origin ") == (["https://app.example"], "-")
    assert after("copy --home ") == ([], "directories")
    assert after("copy --into loc") == (["localstorage://$(touch pwned)", "localstorage://"], "files")


def test_choices():
    assert after("completion ") == (["bash", "zsh"], "-")


def test_urls_and_paths():
    values, paths = after("copy ")
    assert values == [*STORED["url"][:3], "localstorage://", "indexeddb://"]
    assert paths == "files"


def test_once_it_is_a_url_no_path_is_offered():
    assert after("copy indexeddb://") == (["indexeddb://a", "indexeddb://b c", "indexeddb://"], "-")


def test_after_two_dashes_there_are_no_options():
    assert after("copy -- --") == ([], "files")


def bash_completion(line, tmp_path, answer):
    """What bash offers for ``line`` when tfjsd answers so."""
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "tfjsd"
    tool.write_text(f"#!{sys.executable}\nprint({answer!r}, end='')\n")
    tool.chmod(0o755)
    script = SCRIPTS["bash"] + (
        f"COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDBREAKS=$' \\t\\n\"=:'\n"
        "_tfjsd; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
    )
    return done.stdout.splitlines()


def test_bash_never_expands_a_name(tmp_path):
    offered = bash_completion("tfjsd show localstorage://", tmp_path, "-\nlocalstorage://$(touch pwned)\tx\n")
    assert offered == [r"//\$\(touch\ pwned\)"]
    assert not (tmp_path / "pwned").exists()


def test_bash_offers_paths_beside_urls(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "my model").touch()
    assert sorted(bash_completion("tfjsd show m", tmp_path, "files\n")) == ["models/", "my\\ model"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_for_their_shell(shell, tmp_path):
    """Their syntax, where the shell is there to check it."""
    import shutil

    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell} here")
    (tmp_path / "script").write_text(SCRIPTS[shell])
    subprocess.run([path, "-n", str(tmp_path / "script")], check=True)
