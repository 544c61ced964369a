// Directories that are kept equal with the store, and the conflicts that a person has to decide.

import {count, differs, element} from '/page/elements.js';
import {shownPath} from '/page/session.js';

const ARROWS = {both: '⇄', in: '→', out: '←'};

const post = (daemon, pair, verb, body = {}) => daemon.post(`/v1/sync/${encodeURIComponent(pair)}/${verb}`, body);

const MOST_MODELS = 20;

const named = (text) => element('span', {class: 'name'}, text);

/** `keep` in the words of `tfjsd sync resolve`. */
const decisions = (model, act) => element('p', {class: 'row'},
  act('Keep the directory’s', 'resolve', {model, keep: 'dir'}, model),
  act('Keep the store’s', 'resolve', {model, keep: 'store'}, model),
  act('Keep both', 'resolve', {model, keep: 'both'}, model));

const conflict = (model, act) => element('div', {class: 'conflict'},
  element('p', {}, 'Both sides changed ', named(model)), decisions(model, act));

/** A conflict that a rule has decided: the other versions are models of their own. */
const settled = (model, copies, act) => element('div', {class: 'conflict'},
  element('p', {}, 'Both sides changed ', named(model), '. Kept as copies:'),
  element('ul', {class: 'copies'}, copies.map(({name, side}) => element('li', {}, `the ${side}’s: `, named(name)))),
  decisions(model, act));

/** Why models are not equal: `{model: reason}`. */
function reasons(title, found, kind) {
  const all = Object.entries(found ?? {});
  if (!all.length) return null;
  const rows = all.slice(0, MOST_MODELS).map(([model, reason]) => element('li', {}, named(model), `: ${reason}`));
  const rest = all.length - rows.length;
  return element('div', {class: kind}, element('p', {}, `${title} (${count(all.length)})`),
    element('ul', {}, rows, rest ? element('li', {}, `${count(rest)} more`) : null));
}

function pairOf(name, status, daemon, attempt, again) {
  const act = (label, verb, body, model) => element('button', {
    type: 'button', class: 'small', 'aria-label': model === undefined ? `${label}: ${name}` : `${label}: ${model} in ${name}`,
    onclick: () => attempt(async () => (await post(daemon, name, verb, body), again()), `${name}: done`),
  }, label);
  const paused = status.state === 'paused';
  const held = status.held?.length ?? 0;
  const models = status.models?.known ?? 0;
  const conflicts = status.conflicts ?? [];
  const copies = Object.entries(status.conflict_copies ?? {}).filter(([model]) => !conflicts.includes(model)).slice(0, MOST_MODELS);
  return element('li', {class: 'pair'},
    element('p', {class: 'title'}, element('span', {class: 'name'}, name), element('small', {class: `state ${status.state}`}, status.state)),
    element('p', {class: 'sides'}, element('span', {class: 'mono', title: status.directory}, shownPath(status.directory ?? '')), ` ${ARROWS[status.direction] ?? '⇄'} `, element('span', {class: 'mono'}, status.prefix ?? '')),
    element('small', {}, `${count(models)} ${models === 1 ? 'model' : 'models'} equal`),
    status.error ? element('p', {class: 'wrong'}, [status.error, status.hint].filter(Boolean).join(' – ')) : null,
    reasons('Problems', status.problems, 'reasons wrong'),
    reasons('Not yet carried', status.pending, 'reasons'),
    conflicts.map((model) => conflict(model, act)),
    copies.map(([model, versions]) => settled(model, versions, act)),
    element('p', {class: 'row'}, act(paused ? 'Resume' : 'Pause', paused ? 'resume' : 'pause'), held ? act(`Allow ${count(held)} deletions`, 'approve', {deletions: true}) : null));
}

/** Fills `place`; where the caller may not see pairs, or there are none, it stays empty. */
export async function showPairs(place, daemon, attempt) {
  const pairs = await daemon.json('GET', '/v1/sync').catch(() => ({}));
  if (!differs(place, pairs)) return;
  const again = () => showPairs(place, daemon, attempt);
  const focused = document.activeElement?.closest('#pairs') ? document.activeElement.getAttribute('aria-label') : null;
  const rows = Object.entries(pairs).map(([name, status]) => pairOf(name, status, daemon, attempt, again));
  place.replaceChildren(...(rows.length ? [element('h2', {}, 'Directories'), element('ul', {}, rows)] : []));
  if (focused) [...place.querySelectorAll('button')].find((one) => one.getAttribute('aria-label') === focused)?.focus();
}
