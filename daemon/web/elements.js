// Elements made of text only: names and values come from anywhere and are never read as HTML.

const SVG = 'http://www.w3.org/2000/svg';

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

export const element = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

export const find = (id) => document.getElementById(id);

const shown = new WeakMap();

/** Whether `place` shows something else than this already: what stays as it is can be clicked while it is looked at. */
export function differs(place, content) {
  const text = JSON.stringify(content);
  if (shown.get(place) === text) return false;
  shown.set(place, text);
  return true;
}

/** Decimal, as the command line has them: 4.1 MB. */
export function size(bytes) {
  if (bytes == null) return '–';
  let [value, unit] = [bytes, 'B'];
  for (const next of ['kB', 'MB', 'GB', 'TB']) {
    if (value < 999.5) break;
    [value, unit] = [value / 1000, next];
  }
  return `${unit === 'B' || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

export const count = (number) => number.toLocaleString('en');

const AGES = [[60, 'second'], [60, 'minute'], [24, 'hour'], [30, 'day'], [12, 'month'], [Infinity, 'year']];
const relative = new Intl.RelativeTimeFormat('en', {numeric: 'auto'});

function ago(date) {
  let value = (date.getTime() - Date.now()) / 1000;
  let text = '';
  for (const [next, unit] of AGES) {
    text = Math.abs(value) < 1 && unit === 'second' ? 'now' : relative.format(Math.round(value), unit);
    if (Math.abs(value) < next) break;
    value /= next;
  }
  return text;
}

export const age = (date) => Number.isNaN(date.getTime())
  ? element('span', {}, 'unknown')
  : element('time', {datetime: date.toISOString(), title: date.toLocaleString()}, ago(date));

/** What is shown grows older. */
export function growOlder() {
  for (const time of document.querySelectorAll('time')) {
    const text = ago(new Date(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}
