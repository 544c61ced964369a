// node roundtrip.mjs save|load PACKAGE BASE PREFIX < {"token", "saved"?}   prints what models.mjs reports, as JSON

import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';
import {differences, saveAll} from './models.mjs';

const [what, name, base, prefix] = process.argv.slice(2);
const {token, saved} = JSON.parse(readFileSync(0, 'utf8'));
process.env.TF_CPP_MIN_LOG_LEVEL = '2';
console.warn = console.log = console.info = () => {};
const tf = createRequire(import.meta.url)(name);
await tf.setBackend('cpu');
const requestInit = {headers: {Authorization: `Bearer ${token}`}};
const work = what === 'save' ? saveAll : differences;
process.stdout.write(JSON.stringify(await work(tf, base, requestInit, prefix, saved)));
