// Runs test files of the web platform tests with IndexedDB in Python: `node main.mjs ROOT FILE[?VARIANT]`.
// Python says what happens (scripts, timers, events); each is a task, after which the microtasks run.
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import {Blob, File, FileReader} from './blobs.mjs';
import {call, receive, send} from './channel.mjs';
import {installGlobals, invocations, report} from './events.mjs';
import {settlePromise} from './idb/factory.mjs';
import {eventOf, installInterfaces, unknownToPython} from './idb/interfaces.mjs';

const [root, address] = process.argv.slice(2, 4);
const [file, variant] = address.split('?');
const nextTask = setImmediate;
const timers = new Map();

// The microtasks run and new transactions become inactive. https://html.spec.whatwg.org/#perform-a-microtask-checkpoint
async function checkpoint() {
  await new Promise((resolve) => nextTask(resolve));
  call('checkpoint');
}

// The server of the web platform tests has this file under another name.
const ALIASES = {'/resources/WebIDLParser.js': '/resources/webidl2/lib/webidl2.js'};

const placeOf = (name) => path.join(root, name.startsWith('/') ? ALIASES[name] ?? name : path.join(path.dirname(file), name));
const fetched = (name) => [placeOf(name), fs.readFileSync(placeOf(name), 'utf8')];

// The scripts of a test, with their names. A page's scripts run without the page.
function* scriptsOf(source) {
  if (file.endsWith('.js')) {
    yield fetched('/resources/testharness.js');
    for (const [, name] of source.matchAll(/^\/\/ META: script=(.*)$/gm)) yield fetched(name);
    yield [file, source];
    return;
  }
  for (const [, src, text] of source.matchAll(/<script(?: src="?([^" >]+)"?)?[^>]*>([^]*?)<\/script>/g)) {
    if (!src) yield [file, text];
    else if (!src.includes('testharnessreport') && !src.includes('testdriver')) yield fetched(src);
  }
}

function load() {
  for (const [name, source] of scriptsOf(fs.readFileSync(path.join(root, file), 'utf8'))) {
    vm.runInThisContext(source, {filename: name});
    if (name.endsWith('testharness.js')) listen();
  }
}

function listen() {
  const shown = (test) => ({name: test.name, status: test.format_status(), message: test.message});
  add_completion_callback((tests, status) => {
    call('finish', tests.map(shown), {status: status.status, message: status.message});
  });
}

const TASKS = {
  async load() {
    try {
      load();
    } catch (error) {
      report(error);
    }
  },
  async timer({id}) {
    const {callback, args} = timers.get(id);
    if (!timers.get(id).repeats) timers.delete(id);
    try {
      callback(...args);
    } catch (error) {
      report(error);
    }
  },
  async event(told) {
    const [target, event] = eventOf(told);
    const course = invocations(target, event, true);
    let step = course.next();
    for (; !step.done; step = course.next()) await checkpoint();
    return {prevented: event.defaultPrevented, threw: step.value};
  },
  async databases({id, found}) {
    settlePromise(id, found);
  },
  async timeout() {
    globalThis.timeout?.();
  },
};

function turn() {
  const message = receive();
  TASKS[message.task](message).catch(report).then(async (done = {}) => {
    await checkpoint();
    send({done});
    nextTask(turn);
  });
}

function startTimer(repeats, callback, delay = 0, ...args) {
  const id = call('timer', Math.max(Number(delay) || 0, 0), repeats);
  const run = typeof callback === 'function' ? callback : () => vm.runInThisContext(String(callback));
  timers.set(id, {callback: run, args, repeats});
  return id;
}

function stopTimer(id) {
  if (timers.delete(id)) call('stop_timer', id);
}

async function respond(name) {
  if (urls.has(name)) return urls.get(name);
  return {ok: true, text: async () => fs.readFileSync(path.join(root, name), 'utf8')};
}

const urls = new Map();
function addressOf(blob) {
  const made = `blob:${location.origin}/${urls.size}`;
  urls.set(made, blob);
  return made;
}

function installWindow() {
  const location = new URL(`http://web-platform.test/${file}${variant ? '?' + variant : ''}`);
  Object.assign(globalThis, {
    self: globalThis, window: globalThis, location, origin: location.origin, Blob, File, FileReader,
    Window: class Window {}, crossOriginIsolated: true, GLOBAL: {isWindow: () => true, isWorker: () => false, isShadowRealm: () => false},
    setTimeout: (...args) => startTimer(false, ...args),
    setInterval: (...args) => startTimer(true, ...args),
    clearTimeout: stopTimer,
    clearInterval: stopTimer,
    fetch: async (name) => respond(String(name)),
  });
  URL.createObjectURL = addressOf;
  for (const Class of unknownToPython) globalThis[Class.name] = Class;
  delete globalThis.setImmediate;
  delete globalThis.navigator;
  globalThis.console = new console.Console(process.stderr, process.stderr);
}

installGlobals();
installWindow();
installInterfaces(call('factory'));
send({done: {}});
nextTask(turn);
