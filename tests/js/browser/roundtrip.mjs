// node browser/roundtrip.mjs saveAll|differences PACKAGE PREFIX < {"chromium", "site", "url", "token", "saved"?}
// prints what models.mjs reports when it runs in a page, as JSON

import {readFileSync} from 'node:fs';
import {chromium} from 'playwright-core';

const [what, name, prefix] = process.argv.slice(2);
const {chromium: executablePath, site, url, token, saved} = JSON.parse(readFileSync(0, 'utf8'));
const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run']});
try {
  const page = await browser.newPage();
  await page.goto(site);
  await page.addScriptTag({url: `/node_modules/${name}/dist/tf.min.js`});
  const work = async ([what, url, token, prefix, saved]) => {
    await tf.setBackend('cpu');
    const models = await import('/models.mjs');
    return models[what](tf, url, {headers: {Authorization: `Bearer ${token}`}}, prefix, saved);
  };
  process.stdout.write(JSON.stringify(await page.evaluate(work, [what, url, token, prefix, saved])));
} finally {
  await browser.close();
}
