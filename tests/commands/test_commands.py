"""What each verb prints and returns, against a store in memory."""

import io
import json
import tarfile

import pytest

from tfjsd.errors import class_named


def test_list_is_a_table_with_a_total(run):
    done = run("list")
    assert done.code == 0
    header, first, second, total = done.out.splitlines()
    assert header.split() == ["URL", "TOPOLOGY", "WEIGHTS", "SAVED"]
    assert first.startswith("localstorage://small")
    assert "4.0 MB" in second
    assert total == "2 models, 4.0 MB"
    assert done.err == ""


def test_list_as_json_is_what_list_models_returns(run):
    document = json.loads(run("list", "--json").out)
    assert document["indexeddb://mnist"] == {
        "dateSaved": "2026-11-20T12:00:00.123Z",
        "modelTopologyType": "JSON",
        "modelTopologyBytes": 27,
        "weightSpecsBytes": 50,
        "weightDataBytes": 4_000_000,
    }
    assert json.loads(run("ls", "-A", "--json").out).keys() == {"http://localhost", "https://app.example"}
    assert json.loads(run("list", "--format", "json").out) == document


def test_list_of_all_origins_names_them(run):
    done = run("list", "--all-origins")
    assert "https://app.example   indexeddb://theirs" in done.out
    assert run("list", "-Aq").out.splitlines()[-1] == "https://app.example\tindexeddb://theirs"


def test_list_quietly_is_urls(run):
    assert run("ls", "-q").out == "localstorage://small\nindexeddb://mnist\n"


def test_list_chooses_orders_and_limits(run):
    assert run("list", "mnist", "-q").out == "indexeddb://mnist\n"
    assert run("list", "-q", "--sort", "size:desc", "--limit", "1").out == "indexeddb://mnist\n"
    assert run("list", "--filter", "size<1MB", "-q").out == "localstorage://small\n"
    assert run("list", "--limit", "1").out.splitlines()[-1].startswith("1 of 2 models")
    assert run("list", "--format", r"{path}\t{weights:d}").out == "small\t16\nmnist\t4000000\n"


def test_an_empty_list_tells_of_models_elsewhere(run):
    done = run("list", "--origin", "https://empty.example")
    assert done.code == 0
    assert done.out.splitlines()[1:] == ["0 models, 0 B"]
    assert done.err == "3 models in other origins; see tfjsd list -A\n"
    done = run("--json", "list", "--origin", "https://empty.example")
    assert (done.out, done.err) == ("{}\n", "3 models in other origins; see tfjsd list -A\n")
    assert run("--quiet", "list", "--origin", "https://empty.example").err == ""


def test_a_long_url_is_shortened_on_a_terminal_only(run, store, make_model, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    url = "indexeddb://" + "x" * 100
    store.models[url] = make_model()
    assert url in run("list").out
    assert url not in run("list", terminal=True).out
    assert url in run("list", "--no-trunc", terminal=True).out


def test_names_cannot_drive_the_terminal(run, store, make_model):
    store.models["indexeddb://\x1b[2J"] = make_model()
    assert "\x1b[2J" not in run("list", terminal=True).out
    assert "\x1b[2J" not in run("list", "-q", terminal=True).out
    assert "\x1b[2J" in run("list", "-q").out


def test_copy_and_move_say_so(run, store):
    assert (
        run("copy", "indexeddb://mnist", "localstorage://m").out == "copied 'indexeddb://mnist' to 'localstorage://m'\n"
    )
    assert run("mv", "localstorage://m", "indexeddb://n").out == "moved 'localstorage://m' to 'indexeddb://n'\n"
    assert set(store.models) == {"localstorage://small", "indexeddb://mnist", "indexeddb://n"}
    assert run("cp", "-q", "indexeddb://n", "indexeddb://o").out == ""
    assert json.loads(run("cp", "--json", "indexeddb://n", "indexeddb://o").out)["weightDataBytes"] == 4_000_000


def test_several_go_into_a_prefix(run, store):
    done = run("copy", "indexeddb://mnist", "localstorage://small", "--into", "indexeddb://backup")
    assert done.out.splitlines() == [
        "copied 'indexeddb://mnist' to 'indexeddb://backup/mnist'",
        "copied 'localstorage://small' to 'indexeddb://backup/small'",
    ]
    done = run("move", "--glob", "indexeddb://backup/*", "--into", "localstorage://", "--json")
    assert json.loads(done.out).keys() == {"indexeddb://backup/mnist", "indexeddb://backup/small"}
    assert "localstorage://backup/small" in store.models


def test_one_failure_of_several_is_told_and_the_others_are_done(run, store):
    done = run("copy", "indexeddb://none", "localstorage://small", "--into", "indexeddb://")
    assert done.code == 1
    assert "error: indexeddb://none: Cannot find model" in done.err
    assert "indexeddb://small" in store.models
    document = json.loads(
        run("copy", "indexeddb://none", "localstorage://small", "--into", "indexeddb://", "--json").out
    )
    assert document["indexeddb://none"]["error"]["name"] == "ModelNotFoundError"
    assert document["localstorage://small"]["weightDataBytes"] == 16


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["copy", "indexeddb://mnist"], "DEST is missing"),
        (["copy", "a", "b", "c"], "2 sources and one DEST"),
        (["copy", "indexeddb://mnist", "localstorage://small", "--glob", "--into", "-"], "holds one model"),
        (["copy", "indexeddb://a", "localstorage://a", "--into", "indexeddb://x"], "both 'indexeddb://a' and"),
        (["copy", "--glob", "*://*", "--json"], "DEST is missing"),
        (["copy", "indexeddb://mnist", "-", "--json"], "exclude each other"),
        (["copy", "indexeddb://mnist", "./x/model.json"], "DEST is a directory"),
        (["copy", "indexeddb://mnist", "out", "--shard-size", "huge"], "is not a size"),
        (["copy", "indexeddb://mnist", "http://x/", "--header", "nocolon"], "--header takes KEY:VALUE"),
        (["copy", "indexeddb://mnist", "indexeddb://x", "--header", "a:b"], "--header goes with an http:// SOURCE or"),
        (["copy", "http://x/model.json", "indexeddb://x", "--method", "PUT"], "--method goes with an http:// DEST"),
        (["copy", "indexeddb://mnist", "indexeddb://x", "--shard-size", "1MB"], "--shard-size goes with a directory"),
        (["copy", "indexeddb://mnist", "out", "--weights-manifest", "f"], "--weights-manifest goes with a topology"),
        (["copy", "indexeddb://mnist", "out", "--downloads-dir", "d"], "--downloads-dir goes with a downloads://"),
        (["copy", "./m", "indexeddb://x", "--weight-path-prefix", "p"], "--weight-path-prefix goes with an http://"),
        (["list", "--sort", "name"], "--sort takes"),
        (["list", "--limit", "-3"], "--limit takes a whole number"),
        (["lst"], "unknown command 'lst'"),
        (["storage", "gat"], "tfjsd storage has no command 'gat'"),
    ],
)
def test_usage_errors_exit_2_and_change_nothing(run, store, argv, message):
    before = dict(store.models)
    done = run(*argv)
    assert done.code == 2, done
    assert message in done.err
    assert store.models == before


def test_errors_are_a_message_then_a_hint(run, store):
    store.full = True
    done = run("copy", "indexeddb://mnist", "localstorage://m")
    assert done.code == 1
    assert done.err == "error: too much\nhint: make room\n"
    done = run("copy", "--json", "indexeddb://mnist", "localstorage://m")
    assert json.loads(done.err) == {"error": {"name": "QuotaExceededError", "message": "too much", "hint": "make room"}}
    assert done.out == ""


def test_a_bare_name_is_answered_with_the_url_that_was_meant(run, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for argv in (
        ["copy", "mnist", "out"],
        ["show", "mnist"],
        ["remove", "mnist"],
        ["move", "indexeddb://mnist", "small"],
    ):
        done = run(*argv)
        assert done.code == 1
        assert "did you mean" in done.err
    assert "did you mean indexeddb://mnist? A path of that name is written ./mnist" in run("copy", "mnist", "out").err
    assert not (tmp_path / "small").exists()


def test_no_clobber_refuses(run, store, tmp_path):
    done = run("copy", "-n", "indexeddb://mnist", "localstorage://small")
    assert done.code == 1
    assert store.models["localstorage://small"].weight_data_bytes == 16
    (tmp_path / "model.json").write_text("{}")
    assert run("copy", "--no-clobber", "indexeddb://mnist", str(tmp_path)).code == 1
    assert (tmp_path / "model.json").read_text() == "{}"


def test_a_move_from_a_file_is_refused_with_tfjs_text(run, tmp_path):
    done = run("move", str(tmp_path), "indexeddb://x")
    assert done.code == 1
    assert done.err == (
        "error: Cannot find model manager for scheme 'file'\nhint: only stored models can be moved; use copy\n"
    )
    assert "scheme 'http'" in run("move", "http://x/model.json", "indexeddb://x").err


def test_between_origins(run, store):
    run("copy", "--from-origin", "https://app.example", "indexeddb://theirs", "indexeddb://mine")
    assert "indexeddb://mine" in store.models
    run("copy", "--to-origin", "https://third.example", "indexeddb://mine", "indexeddb://mine")
    assert "indexeddb://mine" in store.worlds["https://third.example"]


def test_remove(run, store):
    assert run("rm", "indexeddb://mnist").out == "removed 'indexeddb://mnist'\n"
    done = run("remove", "indexeddb://mnist", "localstorage://small")
    assert done.code == 1
    assert store.models == {}
    assert run("remove", "--ignore-missing", "indexeddb://mnist").code == 0
    assert run("remove", "--json", "indexeddb://x").out.startswith('{\n  "indexeddb://x": {\n    "error"')


def test_remove_looks_first_on_a_dry_run(run, store):
    done = run("remove", "--glob", "--dry-run", "*://*", "indexeddb://mnist")
    assert done.out.splitlines() == ["would remove 'localstorage://small'", "would remove 'indexeddb://mnist'"]
    done = run("remove", "--glob", "--dry-run", "indexeddb://*")
    assert done.out.splitlines() == ["would remove 'indexeddb://mnist'"]
    assert len(store.models) == 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["copy", "indexdb://a", "out"], "did you mean indexeddb://a?"),
        (["copy", "indexeddb://mnist", "IndexedDB://b"], "did you mean indexeddb://b?"),
        (
            ["copy", "indexeddb://mnist", "s3://b"],
            "the schemes are localstorage, indexeddb, file, http, https, downloads",
        ),
        (["copy", "indexeddb://mnist", "localstorage:b"], "did you mean localstorage://b?"),
        (["copy", "indexeddb:/mnist", "out"], "did you mean indexeddb://mnist?"),
        (["show", "indexeddb://nope"], "tfjsd list shows what is stored"),
        (["copy", "nope", "indexeddb://b"], "a stored model is named indexeddb://NAME"),
        (["storage", "get", "nope"], "tfjsd storage keys"),
    ],
)
def test_the_likely_mistakes_are_told_with_what_helps(run, words, hint):
    done = run(*words)
    assert done.code == 1
    assert hint in done.err.partition("\nhint: ")[2]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("indexeddb://nope", "Cannot find model with path 'nope' in IndexedDB."),
        ("localstorage://nope", "Cannot find model at path 'nope'"),
        ("ftp://nope", "Cannot find model manager for scheme 'ftp'"),
    ],
)
def test_a_dry_run_fails_in_the_words_of_the_removal(run, url, message):
    done = run("remove", "--dry-run", url)
    assert (done.code, done.err.partition("\n")[0]) == (1, f"error: {url}: {message}")


def test_patterns_of_remove_mean_models_and_never_files(run, store, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("precious")
    monkeypatch.chdir(tmp_path)
    done = run("remove", "--glob", "*")
    assert done.code == 2
    assert "'*' is no pattern of model URLs" in done.err
    assert len(store.models) == 2


def test_a_pattern_of_remove_that_matches_nothing_can_be_ignored(run, store):
    done = run("remove", "--glob", "indexeddb://zz*", "--ignore-missing")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert len(store.models) == 2


def test_remove_asks_a_person_before_it_takes_several(run, store):
    both = ("indexeddb://mnist", "localstorage://small")
    done = run("remove", *both, stdin=b"n\n", terminal=True)
    assert done.code == 1
    assert "remove 2 models (4.0 MB)? [y/N]" in done.err
    assert len(store.models) == 2
    assert run("remove", "-y", *both, terminal=True).code == 0
    assert store.models == {}


def test_without_glob_names_are_verbatim(run, store, make_model):
    store.models["indexeddb://*"] = make_model()
    run("remove", "indexeddb://*")
    assert set(store.models) == {"localstorage://small", "indexeddb://mnist"}


@pytest.mark.parametrize("verb", ["copy", "move"])
@pytest.mark.parametrize(
    ("source", "dest", "message"),
    [
        ("indexeddb://none", "ftp://x", "no save handler is found for destination URL ftp://x."),
        ("ftp://x", "indexeddb://x", "no load handler is found for source URL ftp://x."),
        ("downloads://x", "indexeddb://x", "no load handler is found for source URL downloads://x."),
        ("ftp://x", "ftp://y", "no load handler is found for source URL ftp://x."),
    ],
)
def test_an_end_without_a_handler_is_refused_in_the_words_of_tfjs(run, verb, source, dest, message):
    done = run(verb, source, dest)
    assert (done.code, done.err.partition("\n")[0]) == (1, f"error: Copying failed because {message}")


def test_a_pattern_that_matches_nothing_fails(run):
    done = run("remove", "--glob", "indexeddb://none*")
    assert done.code == 1
    assert "nothing matches 'indexeddb://none*'" in done.err


def test_a_name_cannot_leave_the_directory_it_goes_into(run, store, make_model, tmp_path):
    for name in ("../evil", "a/../../evil", "/etc/evil", "a//b"):
        store.models[f"indexeddb://{name}"] = make_model()
        done = run("copy", f"indexeddb://{name}", "--into", str(tmp_path / "out"))
        assert done.code == 1, done
        assert "is no path below" in done.err
    assert list(tmp_path.iterdir()) == []


# -- tar ---------------------------------------------------------------------------------------------------------------


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_a_tar_goes_out_and_comes_in(run, store, capfdbinary):
    from tfjsd.commands.archive import ArchiveWriter

    stream = io.BytesIO()
    ArchiveWriter(stream).save(store.models["indexeddb://mnist"])
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as archive:
        assert archive.getnames() == ["model.json", "weights.bin"]
        model_json = archive.extractfile("model.json")
        assert model_json is not None
        manifest = json.load(model_json)["weightsManifest"]
        assert manifest[0]["paths"] == ["weights.bin"]
    assert len(stream.getvalue()) % tarfile.RECORDSIZE == 0
    assert run("copy", "-", "indexeddb://again", stdin=stream.getvalue()).code == 0
    assert store.models["indexeddb://again"] == store.models["indexeddb://mnist"]


MODEL_JSON = json.dumps(
    {
        "modelTopology": {},
        "weightsManifest": [
            {"paths": ["a.bin", "./b.bin"], "weights": [{"name": "w", "shape": [2], "dtype": "float32"}]}
        ],
    }
).encode()


def test_any_tar_of_a_model_is_read(run, store):
    data = tar({"x/b.bin": b"5678", "x/README": b"", "x/a.bin": b"1234", "x/model.json": MODEL_JSON})
    assert run("copy", "-", "indexeddb://t", stdin=data).code == 0
    assert bytes(store.models["indexeddb://t"].joined_weight_data()) == b"12345678"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no tar archive"),
        (b"no tar at all" * 100, "no tar archive"),
        (tar({"weights.bin": b""}), "has no model.json"),
        (tar({"a/model.json": b"{}", "b/model.json": b"{}"}), "has 2 model.json"),
        (tar({"model.json": MODEL_JSON, "a.bin": b"1234"}), "lacks the weight file './b.bin'"),
        (tar({"model.json": MODEL_JSON, "a.bin": b"1234", "b.bin": b"5"}), ""),
        (tar({"model.json": MODEL_JSON, "../a.bin": b"1234", "b.bin": b"5678"}), "lacks the weight file"),
        (tar({"model.json": b"{"}), ""),
        (tar({"model.json": MODEL_JSON, "a.bin": b"1234" * 10_000, "b.bin": b""})[:9000], "no tar archive"),
    ],
)
def test_a_bad_tar_is_an_error_and_stores_nothing(run, store, data, message):
    done = run("copy", "-", "indexeddb://t", stdin=data)
    assert done.code == 1, done
    assert message in done.err
    assert "indexeddb://t" not in store.models


def test_a_terminal_gets_no_tar(run):
    assert run("copy", "indexeddb://mnist", "-", terminal=True).code == 2
    assert run("copy", "-", "indexeddb://x", terminal=True).code == 2


# -- localStorage ------------------------------------------------------------------------------------------------------


def test_storage_gets_exactly_what_was_set(run):
    assert run("storage", "set", "k", "a\nb").out == "set 'k'\n"
    assert run("storage", "get", "k").out == "a\nb"
    assert run("storage", "get", "k", terminal=True).out == "a\nb\n"
    assert json.loads(run("storage", "get", "k", "--json").out) == {"key": "k", "value": "a\nb"}


def test_storage_sets_from_a_file_or_a_pipe(run, tmp_path):
    (tmp_path / "v").write_bytes("é\ud800".encode("utf-8", "surrogatepass"))
    run("storage", "set", "k", f"@{tmp_path / 'v'}")
    assert json.loads(run("storage", "get", "k", "--json").out)["value"] == "é\ud800"
    run("storage", "set", "k", "-", stdin=b"piped")
    assert run("storage", "get", "k").out == "piped"
    run("storage", "set", "k", "@@at")
    assert run("storage", "get", "k").out == "@at"
    assert run("storage", "set", "k", "-", stdin=b"\xff").code == 1
    assert run("storage", "set", "--", "-k", "-v").code == 0


def test_storage_says_what_is_not_there(run):
    for verb in ("get", "remove"):
        done = run("storage", verb, "none")
        assert done.code == 1
        assert "no item 'none' in localStorage of http://localhost" in done.err


def test_storage_exports_and_imports(run, store, tmp_path):
    run("storage", "set", "a", "1")
    run("storage", "set", "b", "2")
    assert json.loads(run("storage", "export").out) == {"a": "1", "b": "2"}
    assert run("storage", "export", str(tmp_path / "f")).out == f"exported 2 items to '{tmp_path / 'f'}'\n"
    assert run("storage", "import", str(tmp_path / "f"), "--origin", "https://x").out == "imported 2 items\n"
    assert store.areas["https://x"] == {"a": "1", "b": "2"}
    assert run("storage", "import", "-", stdin=b'{"a": 1}').code == 1
    assert run("storage", "keys").out == "a\nb\n"
    assert json.loads(run("storage", "keys", "--json").out) == ["a", "b"]


def test_storage_clear_asks_a_person(run, store):
    run("storage", "set", "a", "1")
    assert run("storage", "clear", stdin=b"\n", terminal=True).code == 1
    assert run("storage", "clear").out == "removed 1 item\n"
    assert run("storage", "clear", terminal=True).code == 0


# -- help, reserved words ----------------------------------------------------------------------------------------------


def test_help_of_every_command_has_an_example(run):
    from tfjsd.commands.catalogue import command_groups

    for _, group in command_groups():
        for command in group:
            for names in [[command.name], *([command.name, child.name] for child in command.children)]:
                done = run(*names, "--help")
                assert done.code == 0, done
                assert f"Usage: tfjsd {' '.join(names)}" in done.out
                if not command.reserved and not command.hidden:
                    assert "Examples:" in done.out, names


def test_the_catalogue_names_exactly_what_the_modules_have():
    from tfjsd.commands.catalogue import GROUPS, commands_of

    for _, module, verbs in GROUPS:
        found = [name for command in commands_of(module) for name in (command.name, *command.aliases)]
        assert list(verbs) == found


def test_help_in_all_its_places(run):
    overview = run("--help").out
    assert run("help").out == overview
    assert run("help", "copy").out == run("copy", "-h").out == run("--help", "copy").out
    assert run().code == 2
    assert run().out == ""
    assert "Usage: tfjsd" in run().err
    assert run("storage").code == 2
    assert "__complete" not in overview


def test_the_version(run):
    import tfjsd

    assert run("--version").out == run("list", "--version").out == f"tfjsd {tfjsd.__version__}\n"
    assert json.loads(run("--version", "--json").out) == {"version": tfjsd.__version__}


@pytest.mark.parametrize(
    "argv",
    [
        ["convert", "a"],
        ["convert"],
        ["list", "--profile", "chrome"],
        ["--profile=firefox", "list"],
    ],
)
def test_reserved_words_say_that_they_are_to_come(run, argv):
    done = run(*argv)
    assert done.code == 2, done
    assert "not in this version of tfjsd" in done.err
    assert "Error" in json.loads(run(*argv, "--json").err)["error"]["name"]


def test_a_file_that_cannot_be_read_is_an_error_with_a_name(run, tmp_path):
    done = run("--json", "storage", "set", "k", f"@{tmp_path}/missing")
    assert done.code == 1
    error = {"name": "FileError", "message": f"{tmp_path}/missing: No such file or directory"}
    assert json.loads(done.err) == {"error": error}
    assert issubclass(class_named("FileError"), OSError)


def test_the_token_is_shown_and_rotated(run, tmp_path):
    shown = run("--home", str(tmp_path / "h"), "token", "show")
    assert run("--home", str(tmp_path / "h"), "token", "show").out == shown.out
    rotated = run("--home", str(tmp_path / "h"), "--json", "token", "rotate")
    assert json.loads(rotated.out)["token"] + "\n" != shown.out


def test_a_working_directory_that_is_gone_is_named(run, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for line in (["copy", "indexeddb://mnist", "./x"], ["storage", "export", "x"]):
        done = run(*line)
        assert (done.code, done.err) == (1, "error: the working directory: No such file or directory\n")
