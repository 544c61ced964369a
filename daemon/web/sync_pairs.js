// Directories that are kept equal with the store, and the conflicts that a person has to decide.

import {element} from '/page/elements.js';

const post = (daemon, pair, verb, body = {}) => daemon.post(`/v1/sync/${encodeURIComponent(pair)}/${verb}`, body);

function pairOf(name, status, daemon, attempt, again) {
  const act = (label, verb, body) =>
    element('button', {type: 'button', 'aria-label': `${label}: ${name}`, onclick: () => attempt(async () => (await post(daemon, name, verb, body), again()), `${name}: done`)}, label);
  const paused = status.state === 'paused';
  return element('li', {},
    element('span', {class: 'name'}, name), element('small', {}, `${status.directory ?? ''} · ${status.state}${status.error ? `: ${status.error}` : ''}`),
    element('span', {class: 'row'}, act(paused ? 'Resume' : 'Pause', paused ? 'resume' : 'pause'), status.held?.length ? act(`Allow ${status.held.length} deletions`, 'approve', {deletions: true}) : null),
    (status.conflicts ?? []).map((model) => element('p', {class: 'row'}, element('span', {class: 'name'}, model),
      act('Keep the directory’s', 'resolve', {model, keep: 'dir'}), act('Keep the store’s', 'resolve', {model, keep: 'store'}), act('Keep both', 'resolve', {model, keep: 'both'}))));
}

/** Fills `place`; where the caller may not see pairs, or there are none, it stays empty. */
export async function showPairs(place, daemon, attempt) {
  const pairs = await daemon.json('GET', '/v1/sync').catch(() => ({}));
  const again = () => showPairs(place, daemon, attempt);
  const rows = Object.entries(pairs).map(([name, status]) => pairOf(name, status, daemon, attempt, again));
  place.replaceChildren(...(rows.length ? [element('h2', {}, 'Directories'), element('ul', {}, rows)] : []));
}
