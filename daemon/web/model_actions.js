// What can be done with a model: copy, move, remove, upload; each ends with `refresh`.

import {find, size} from '/page/elements.js';
import {modelsOf} from '/page/model_files.js';
import {attempt, daemonOf, here, split, state} from '/page/session.js';

const bytesOf = (info) => size((info?.weightDataBytes ?? 0) + (info?.modelTopologyBytes ?? 0));

/** Asks a person before something cannot be undone. */
const isSure = (title, what, verb) => new Promise((resolve) => {
  const dialog = find('sure');
  find('sure-title').textContent = title;
  find('sure-what').textContent = `${what}. This cannot be undone.`;
  find('sure-yes').textContent = verb;
  dialog.onclose = () => resolve(dialog.returnValue === 'yes');
  dialog.returnValue = '';
  dialog.showModal();
});

/** `overwrite: '0'`: a model that is there already is not replaced, the other one stays where it is. */
async function transfer(way, url, origin, dest, overwrite) {
  if (origin === state.origin) return here()[`${way}Model`](url, dest, {overwrite});
  const [info, artifacts] = [state.models[url], await here().loadModel(url)];
  const saved = await daemonOf(origin).saveModel(dest, artifacts, {overwrite});
  if (way === 'move') await here().removeModel(url, {expected: info});
  return saved;
}

/** What is new about where a model goes: its name, its origin, or both. */
const placeOf = (url, origin, dest) => {
  if (origin === state.origin) return dest;
  return dest === url ? origin : `${dest} in ${origin}`;
};

/** `way`: 'copy' or 'move', of a model of the origin that is shown. What is there already is replaced only if a person
 * says so. */
export async function carry(way, url, origin, dest, refresh) {
  await attempt(async () => {
    try {
      return await transfer(way, url, origin, dest, '0');
    } catch (error) {
      if (error.name !== 'ModelExistsError') throw error;
      const what = `${dest}, ${bytesOf(await daemonOf(origin).modelInfo(dest))}, in ${origin}`;
      if (!(await isSure('Replace this model?', what, 'Replace'))) throw error;
      return transfer(way, url, origin, dest, '1');
    }
  }, `${way === 'copy' ? 'Copied' : 'Moved'} ${url} to ${placeOf(url, origin, dest)}`);
  await refresh();
}

/** Asks where to, and does it. */
export function place(way, url, refresh) {
  const verb = way === 'copy' ? 'Copy' : 'Move';
  const dialog = find('place');
  const form = dialog.querySelector('form');
  const [medium, path] = split(url);
  find('place-title').textContent = `${verb} ${url}`;
  form.querySelector('.primary').textContent = verb;
  form.origin.value = state.origin;
  form.medium.value = medium;
  form.path.value = way === 'copy' ? `${path} copy` : path;
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    await carry(way, url, form.origin.value, `${form.medium.value}://${form.path.value}`, refresh);
  };
  dialog.returnValue = '';
  dialog.showModal();
  form.path.select();
}

/** Asks whether a person is sure, and removes the model that was shown, not one that has taken its place. */
export async function remove(url, refresh) {
  const info = state.models[url];
  if (!(await isSure('Remove this model?', `${url}, ${bytesOf(info)}, in ${state.origin}`, 'Remove'))) return;
  await attempt(() => here().removeModel(url, {expected: info}), `Removed ${url}`);
  await refresh();
  find('models').focus();
}

/** `files`: what was chosen, or a promise of it. */
export async function upload(files, refresh) {
  await attempt(async () => {
    const models = await modelsOf(await files);
    for (const {name, artifacts} of models) await here().saveModel(`indexeddb://${name}`, artifacts, {overwrite: '0'});
    return models;
  }, (models) => `Uploaded ${models.map(({name}) => `indexeddb://${name}`).join(', ')}`);
  await refresh();
}
