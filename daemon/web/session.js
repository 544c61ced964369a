// Who is in, which origin is shown, and how what a person asked for is run and told.

import {Daemon} from '/tfjsd.js';
import {find} from '/page/elements.js';

/** Where the daemon's own hint is for the command line. */
const HINTS = {ModelExistsError: 'remove it first, or take another name'};

export const state = {token: null, origin: null, origins: {}, models: {}, chosen: null};

export const daemonOf = (origin) => new Daemon({url: location.origin, token: state.token, origin});
export const here = () => daemonOf(state.origin);

/** `indexeddb://a/b` as its medium and its path. */
export const split = (url) => url.split(/:\/\/(.*)/s, 2);

export const USER_HOME = 'tfjsd-user-home';

/** `~/models` for what lies in the home directory of the daemon's user, where the page knows it. */
export function shownPath(path) {
  const home = sessionStorage.getItem(USER_HOME);
  return home && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

export function say(text, bad = false) {
  find('says').textContent = text;
  find('says').classList.toggle('bad', bad);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (find('says').textContent = ''), bad ? 9000 : 4000);
}

let refused = () => {};

/** `run` is called once the token is worth nothing any more. */
export const whenRefused = (run) => (refused = run);

/** Runs what a person asked for, and tells how it went; undefined where it failed. */
export async function attempt(work, done) {
  try {
    const result = await work();
    if (done) say(typeof done === 'function' ? done(result) : done);
    return result;
  } catch (error) {
    if (error.status === 401) refused();
    else say([error.message, HINTS[error.name] ?? error.hint].filter(Boolean).join(' – '), true);
    return undefined;
  }
}
