// The models of the origin that is shown, as a table that can be sorted and searched.

import {age, count, differs, element, find, size} from '/page/elements.js';
import {DRAGGED} from '/page/origins.js';
import {split, state} from '/page/session.js';

const MEDIA = {indexeddb: 'IndexedDB', localstorage: 'localStorage'};
const COLUMNS = [
  {key: 'url', title: 'Name', of: ([url]) => split(url)[1]},
  {key: 'medium', title: 'Medium', of: ([url]) => split(url)[0]},
  {key: 'topology', title: 'Topology', of: ([, info]) => info.modelTopologyBytes ?? 0, size: true},
  {key: 'weights', title: 'Weights', of: ([, info]) => info.weightDataBytes ?? 0, size: true},
  {key: 'saved', title: 'Saved', of: ([, info]) => info.dateSaved.getTime() || 0},
];
const order = {key: 'saved', descending: true};

function rowOf([url, info], show) {
  const [medium, path] = split(url);
  const drag = (event) => {
    event.dataTransfer.setData(DRAGGED, url);
    event.dataTransfer.effectAllowed = 'copy';
  };
  const chosen = url === state.chosen;
  return element('tr', {class: chosen ? 'chosen' : null, 'data-url': url, draggable: 'true', ondragstart: drag},
    element('td', {}, element('button', {type: 'button', class: 'open', 'aria-current': chosen ? 'true' : null, onclick: () => show(url)}, path)),
    element('td', {class: 'col-medium'}, element('span', {class: `medium ${medium}`}, MEDIA[medium] ?? medium)),
    element('td', {class: 'size col-topology'}, size(info.modelTopologyBytes)),
    element('td', {class: 'size'}, size(info.weightDataBytes)),
    element('td', {}, age(info.dateSaved)));
}

function headOf({key, title, size: numeric}, show) {
  const sorted = order.key === key ? (order.descending ? 'descending' : 'ascending') : 'none';
  const sort = () => {
    order.descending = order.key === key ? !order.descending : !['url', 'medium'].includes(key);
    order.key = key;
    drawModels(show);
    focusColumn(key);
  };
  return element('th', {scope: 'col', class: `col-${key}${numeric ? ' size' : ''}`, 'aria-sort': sorted, 'data-key': key}, element('button', {type: 'button', onclick: sort}, title));
}

function rowsShown() {
  const wanted = find('find').value.toLowerCase();
  const {of} = COLUMNS.find(({key}) => key === order.key);
  const way = order.descending ? -1 : 1;
  const named = Object.entries(state.models).filter(([url]) => url.toLowerCase().includes(wanted));
  return named.sort((a, b) => (of(a) < of(b) ? -way : of(a) > of(b) ? way : 0));
}

function captionOf(infos) {
  const bytes = infos.reduce((sum, info) => sum + (info.weightDataBytes ?? 0) + (info.modelTopologyBytes ?? 0), 0);
  return element('caption', {}, `${count(infos.length)} ${infos.length === 1 ? 'model' : 'models'}, ${size(bytes)}`);
}

const nothing = (some) => element('div', {class: 'empty'},
  element('p', {}, some ? 'No name matches.' : 'No models in this origin yet.'),
  some ? null : element('p', {}, 'Drop some here, or save one from TensorFlow.js: ', element('code', {}, `model.save('${location.origin}/v1/models/indexeddb/my-model')`)));

/** `show(url)` opens a model. */
export function drawModels(show) {
  const list = find('list');
  if (!differs(list, [state.origin, state.models, state.chosen, order, find('find').value])) return;
  const rows = rowsShown();
  const focused = list.contains(document.activeElement) ? document.activeElement.closest('[data-key], [data-url]')?.dataset : null;
  const table = () => element('table', {},
    captionOf(Object.values(state.models)),
    element('thead', {}, element('tr', {}, COLUMNS.map((column) => headOf(column, show)))),
    element('tbody', {}, rows.map((entry) => rowOf(entry, show))));
  list.replaceChildren(rows.length ? table() : nothing(Object.keys(state.models).length));
  if (focused?.key) focusColumn(focused.key);
  if (focused?.url) focusModel(focused.url);
}

function focusColumn(key) {
  document.querySelector(`th[data-key=${key}] button`)?.focus();
}

/** Where the keyboard was before a model was opened. */
export function focusModel(url) {
  [...document.querySelectorAll('#list tr')].find((row) => row.dataset.url === url)?.querySelector('.open').focus();
}
