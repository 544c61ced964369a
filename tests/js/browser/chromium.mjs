// Debian's Chromium, driven by playwright-core, and the daemon that a test was given: TFJSD_TEST holds `{chromium, url,
// socket, token, site}`, the last a site of a listed origin that serves tests/js.

import {request} from 'node:http';
import {after} from 'node:test';
import {chromium} from 'playwright-core';

export const given = JSON.parse(process.env.TFJSD_TEST);

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync', '--disable-background-networking', '--disable-component-update'];

export const browser = await chromium.launch({executablePath: given.chromium, args: ARGUMENTS});
after(() => browser.close());

/** A page of its own profile, unless one is given; what fails inside it fails the test. */
export async function newPage(t, address, options, profile) {
  const context = profile ?? (await browser.newContext(options));
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const [errors, hosts] = [[], new Set()];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('request', (sent) => /^(http|ws)s?:/.test(sent.url()) && hosts.add(new URL(sent.url()).origin));
  t.after(async () => {
    if (!profile) await context.close();
    if (errors.length) throw new Error(errors.join('\n'));
  });
  await page.goto(address);
  return Object.assign(page, {hosts});
}

/** A request to the daemon's unix socket, as its own user: `{status, body}`. */
export const ask = (method, path, body) => new Promise((resolve, reject) => {
  const sent = request({socketPath: given.socket, method, path}, (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve({status: answer.statusCode, body: JSON.parse(text || 'null')}));
  });
  sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
});

/** The daemon's own page, as `tfjsd open` opens it. */
export async function newDaemonPage(t, options) {
  const {body: {url, code}} = await ask('POST', '/v1/page/code');
  const page = await newPage(t, `${url}#${code}`, options);
  await page.waitForSelector('#live[data-state=on]');
  return page;
}

export const models = async () => (await ask('GET', '/v1/models')).body;

/** A page of the listed origin with a TensorFlow.js in it, and `model(units)`. */
export async function newTfPage(t, name = '@tensorflow/tfjs', profile = undefined) {
  const page = await newPage(t, given.site, {}, profile);
  await page.addScriptTag({url: `/node_modules/${name}/dist/tf.min.js`});
  await page.evaluate(async (whom) => {
    await tf.setBackend('cpu');
    window.daemon = whom;
    window.model = (units) => tf.sequential({layers: [tf.layers.dense({units, inputShape: [2]})]});
    window.attempt = (promise) => promise.then(() => 'done', (error) => `${error.name}: ${error.message}`);
  }, {url: given.url, token: given.token});
  return page;
}

export const VERSIONS = {'4.22': '@tensorflow/tfjs', '3.21': 'tfjs-3', '2.8': 'tfjs-2'};
