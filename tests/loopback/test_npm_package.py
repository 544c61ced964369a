"""What ``npm pack`` makes of js/ can be installed, imported, run, and compiled against."""

import json
import shutil
from pathlib import Path

import pytest
from loopback.conftest import running
from loopback.npm_project import CLIENT, make_project, need_node
from loopback.pages import JS

import tfjsd

PROGRAM = """
import assert from 'node:assert';
import {createRequire} from 'node:module';
import * as page from 'tfjsd';
import {install, Storage} from 'tfjsd/node';

const [url, token] = process.argv.slice(2);
console.warn = console.log = console.info = () => {};
const tf = createRequire(import.meta.url)('@tensorflow/tfjs');
await tf.setBackend('cpu');
assert.equal(typeof page.mirror, 'function');
const tfjsd = install(tf, {url, token});
await tf.sequential({layers: [tf.layers.dense({units: 3, inputShape: [2]})]}).save('localstorage://fresh');
assert.ok(localStorage instanceof Storage);
await tfjsd.close();
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    need_node()
    return make_project(tmp_path_factory.mktemp("fresh"))


def test_a_fresh_project_imports_it_and_saves(project):
    (project.directory / "program.js").write_text(PROGRAM)
    with running() as daemon:
        project.run("node", "program.js", daemon.url, daemon.token)
        with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as store:
            assert list(store.list_models()) == ["localstorage://fresh"]


def test_the_package_holds_every_file_and_has_no_dependency(project):
    package = json.loads((CLIENT / "package.json").read_text())
    assert project.files == {path.name for path in CLIENT.iterdir()} == {*package["files"], "package.json"}
    assert "dependencies" not in package
    assert package["version"] == tfjsd.__version__
    for entry in package["exports"].values():
        for path in entry.values():
            assert (CLIENT / Path(path)).exists()


@pytest.mark.parametrize("package", ["@tensorflow/tfjs", "tfjs-3", "tfjs-2"])
def test_strict_programs_compile_with_the_types_of_each_tensorflow_js(project, package):
    for file in (JS / "types").iterdir():
        shutil.copy(file, project.directory)
    project.use("@tensorflow/tfjs", package)
    project.compile("-p", ".")


@pytest.mark.parametrize(("libraries", "types"), [("es2022,dom,dom.asynciterable", "none"), ("es2022", "node")])
def test_the_types_are_sound_by_themselves_in_a_page_and_in_node(project, libraries, types):
    for name in ("@types/node", "undici-types"):
        project.use(name, name)
    (project.directory / "node_modules" / "@types" / "none").mkdir(exist_ok=True)
    (project.directory / "node_modules" / "@types" / "none" / "index.d.ts").touch()
    own = project.directory / "node_modules" / "tfjsd"
    options = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--module", "nodenext"]
    project.compile(*options, "--lib", libraries, "--types", types, str(own / "tfjsd.d.ts"), str(own / "node.d.ts"))


def test_a_wrong_program_is_refused(project):
    """The negative control: without the lines that expect errors there are errors."""
    wrong = project.directory / "refused.ts"
    text = (JS / "types" / "wrong.ts").read_text()
    wrong.write_text("\n".join(line for line in text.splitlines() if "@ts-expect-error" not in line))
    try:
        with pytest.raises(AssertionError) as told:
            project.compile(
                "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "refused.ts"
            )
    finally:
        wrong.unlink()
    assert str(told.value).count("error TS") >= text.count("@ts-expect-error")


def test_what_is_declared_is_what_the_modules_have(project):
    assert json.loads(project.run("node", str(JS / "declarations.mjs"), str(CLIENT))) == []


def test_a_declaration_without_its_function_is_found(project, tmp_path):
    """The negative control."""
    changed = tmp_path / "changed"
    shutil.copytree(CLIENT, changed)
    types = changed / "tfjsd.d.ts"
    types.write_text(types.read_text().replace("  modelInfo(", "  modelInform(") + "export function none(): void;\n")
    assert set(json.loads(project.run("node", str(JS / "declarations.mjs"), str(changed)))) == {
        "tfjsd: Daemon.modelInform is declared only",
        "tfjsd: Daemon.modelInfo is not declared",
        "tfjsd: none is declared only",
        "node: Daemon.modelInform is declared only",
        "node: Daemon.modelInfo is not declared",
        "node: none is declared only",
    }
