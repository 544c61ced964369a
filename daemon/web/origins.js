// The origins with their quota bars; a model's row can be dropped onto one.

import {count, differs, element, find, size} from '/page/elements.js';
import {state} from '/page/session.js';

export const DRAGGED = 'text/x-tfjsd';

const briefly = (number) => (number < 10_000 ? count(number) : Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 1}).format(number));

/** The bar is for the eye; the words above it say the same. */
function meter(label, used, limit, shown) {
  const share = limit ? Math.min(1, used / limit) : 0;
  const bar = element('i');
  bar.style.width = `${share * 100}%`;
  return element('span', {class: 'quota', title: `${label}: ${count(used)} of ${count(limit)}`},
    element('small', {}, element('span', {}, label), ' ', element('span', {}, `${shown(used)} of ${shown(limit)}`)),
    element('span', {class: share > 0.9 ? 'meter full' : 'meter', 'aria-hidden': 'true'}, bar));
}

function takeDrops(button, name, dropped) {
  button.addEventListener('dragover', (event) => {
    if (!event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    button.classList.add('over');
  });
  button.addEventListener('dragleave', () => button.classList.remove('over'));
  button.addEventListener('drop', (event) => {
    button.classList.remove('over');
    const url = event.dataTransfer.getData(DRAGGED);
    if (!url || name === state.origin) return;
    event.preventDefault();
    dropped(url, name);
  });
}

function originItem([name, {usage, quota, localStorage: area, models}], {choose, dropped}) {
  const button = element('button', {type: 'button', 'aria-current': String(name === state.origin), onclick: () => choose(name)},
    element('span', {class: 'title'}, element('span', {class: 'name'}, name),
      models == null ? null : element('small', {}, `${count(models)} ${models === 1 ? 'model' : 'models'}`)),
    meter('Storage', usage, quota, size),
    area.quota == null ? null : meter('localStorage', area.usage, area.quota, briefly));
  takeDrops(button, name, dropped);
  return element('li', {}, button);
}

/** `origins`: name to estimate. `choose(name)` shows one, `dropped(url, name)` got a model of the one that is shown. */
export function drawOrigins(origins, callbacks) {
  const list = find('origins');
  if (!differs(list, [state.origin, origins])) return;
  const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
  list.replaceChildren(...Object.entries(origins).map((entry) => originItem(entry, callbacks)));
  if (focused >= 0) list.children[focused]?.querySelector('button').focus();
  find('known-origins').replaceChildren(...Object.keys(origins).map((name) => element('option', {value: name})));
}
