// node declarations.mjs DIRECTORY   what the types of a package declare that its modules do not have, and what they leave
// out: functions, classes, and the members of classes that a program can call; as JSON, empty where they agree

import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import ts from 'typescript';

const directory = resolve(process.argv[2]);

/** Names of members, without the private ones and those that a constructor assigns. */
const membersOf = (value) =>
  typeof value === 'function' && value.prototype ? Object.getOwnPropertyNames(value.prototype).filter((name) => name !== 'constructor') : [];

function declared(file) {
  const program = ts.createProgram([file], {target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext});
  const checker = program.getTypeChecker();
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));
  const found = new Map();
  for (const symbol of exported) {
    const own = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (!(own.flags & ts.SymbolFlags.Value)) continue;
    const methods = [...(own.members?.values() ?? [])].filter((member) => member.flags & (ts.SymbolFlags.Method | ts.SymbolFlags.Accessor));
    const all = [...(own.members?.values() ?? [])];
    found.set(symbol.name, {methods: methods.map(({name}) => name), all: all.map(({name}) => name)});
  }
  return found;
}

const differing = [];
for (const name of ['tfjsd', 'node']) {
  const module = await import(pathToFileURL(join(directory, `${name}.js`)));
  const types = declared(join(directory, `${name}.d.ts`));
  for (const key of Object.keys(module)) if (!types.has(key)) differing.push(`${name}: ${key} is not declared`);
  for (const [key, {methods, all}] of types) {
    if (!(key in module)) {
      differing.push(`${name}: ${key} is declared only`);
      continue;
    }
    const members = membersOf(module[key]);
    differing.push(...methods.filter((one) => !members.includes(one)).map((one) => `${name}: ${key}.${one} is declared only`));
    differing.push(...members.filter((one) => !all.includes(one)).map((one) => `${name}: ${key}.${one} is not declared`));
  }
}
process.stdout.write(JSON.stringify(differing));
