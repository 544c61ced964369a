// Event and EventTarget with a tree of targets. https://dom.spec.whatwg.org/#events
const slots = new WeakMap();
const listenersOf = new WeakMap();

export class Event {
  constructor(type, init = {}) {
    if (!arguments.length) throw new TypeError('1 argument required');
    slots.set(this, {
      type: String(type), bubbles: !!init.bubbles, cancelable: !!init.cancelable, target: null, current: null,
      phase: 0, stopped: false, stoppedNow: false, canceled: false, path: [], trusted: false, time: performance.now(),
    });
  }
  get type() { return slots.get(this).type; }
  get target() { return slots.get(this).target; }
  get srcElement() { return slots.get(this).target; }
  get currentTarget() { return slots.get(this).current; }
  get eventPhase() { return slots.get(this).phase; }
  get bubbles() { return slots.get(this).bubbles; }
  get cancelable() { return slots.get(this).cancelable; }
  get defaultPrevented() { return slots.get(this).canceled; }
  get isTrusted() { return slots.get(this).trusted; }
  get timeStamp() { return slots.get(this).time; }
  get composed() { return false; }
  composedPath() { return [...slots.get(this).path]; }
  stopPropagation() { slots.get(this).stopped = true; }
  stopImmediatePropagation() { slots.get(this).stopped = slots.get(this).stoppedNow = true; }
  preventDefault() { if (slots.get(this).cancelable) slots.get(this).canceled = true; }
}
const PHASES = {NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3};
for (const [name, value] of Object.entries(PHASES)) {
  for (const place of [Event, Event.prototype]) Object.defineProperty(place, name, {value, enumerable: true});
}

export const parentOf = Symbol('parentOf');

export class EventTarget {
  addEventListener(type, callback, options) {
    if (callback === null || callback === undefined) return;
    const capture = typeof options === 'object' ? !!options.capture : !!options;
    const once = typeof options === 'object' && !!options.once;
    const all = listenersOf.get(this) ?? listenersOf.set(this, []).get(this);
    if (all.some((one) => one.type === type && one.callback === callback && one.capture === capture)) return;
    all.push({type: String(type), callback, capture, once});
  }
  removeEventListener(type, callback, options) {
    const capture = typeof options === 'object' ? !!options?.capture : !!options;
    const all = listenersOf.get(this) ?? [];
    const found = all.findIndex((one) => one.type === type && one.callback === callback && one.capture === capture);
    if (found >= 0) all.splice(found, 1)[0].removed = true;
  }
  dispatchEvent(event) {
    if (slots.get(event).phase) throw new DOMException('The event is already being dispatched.', 'InvalidStateError');
    const course = invocations(this, event);
    while (!course.next().done);
    return !event.defaultPrevented;
  }
}

// The `on…` attributes. https://html.spec.whatwg.org/#event-handler-attributes
export function defineHandlers(Class, names) {
  for (const name of names) {
    const handlers = new WeakMap();
    Object.defineProperty(Class.prototype, `on${name}`, {
      configurable: true,
      enumerable: true,
      get: named(`get on${name}`, function() { return (handlers.get(check(this, Class)) ?? {}).handler ?? null; }),
      set: named(`set on${name}`, function(handler) {
        check(this, Class);
        let known = handlers.get(this);
        const usable = handler !== null && ['function', 'object'].includes(typeof handler) ? handler : null;
        if (!known) {
          if (!usable) return;
          known = {handler: null};
          handlers.set(this, known);
        }
        if (!known.callback && usable) {
          known.callback = function(event) {
            if (typeof known.handler === 'function' && known.handler.call(this, event) === false) event.preventDefault();
          };
          this.addEventListener(name, known.callback);
        } else if (known.callback && !usable) {
          this.removeEventListener(name, known.callback);
          known.callback = null;
        }
        known.handler = usable;
      }),
    });
  }
}

function named(name, get) {
  return Object.defineProperty(get, 'name', {value: name});
}

function check(object, Class) {
  if (!(object instanceof Class)) throw new TypeError('Illegal invocation');
  return object;
}

// Runs the listeners one after the other and yields after each; returns whether one of them threw.
export function* invocations(target, event, trusted = false) {
  const slot = slots.get(event);
  slot.target = target;
  slot.trusted = trusted;
  slot.path = [];
  for (let place = target; place; place = place[parentOf]?.() ?? null) slot.path.push(place);
  const above = slot.path.slice(1);
  let threw = false;
  const steps = [
    ...above.reverse().map((place) => [place, Event.CAPTURING_PHASE, true]),
    [target, Event.AT_TARGET, true], [target, Event.AT_TARGET, false],
    ...(slot.bubbles ? slot.path.slice(1).map((place) => [place, Event.BUBBLING_PHASE, false]) : []),
  ];
  for (const [place, phase, capture] of steps) {
    if (slot.stopped) break;
    slot.current = place;
    slot.phase = phase;
    for (const listener of [...(listenersOf.get(place) ?? [])]) {
      if (listener.type !== slot.type || listener.capture !== capture || listener.removed) continue;
      if (listener.once) place.removeEventListener(listener.type, listener.callback, listener.capture);
      try {
        const {callback} = listener;
        if (typeof callback === 'function') callback.call(place, event);
        else callback.handleEvent(event);
      } catch (error) {
        threw = true;
        report(error);
      }
      yield;
      if (slot.stoppedNow) break;
    }
  }
  Object.assign(slot, {current: null, phase: 0, stopped: false, stoppedNow: false});
  return threw;
}

// https://html.spec.whatwg.org/#report-the-exception
export function report(error) {
  const event = new Event('error', {cancelable: true});
  Object.assign(event, {error, message: String(error), filename: '', lineno: 0, colno: 0});
  globalThis.dispatchEvent(event);
}

const globalTarget = new EventTarget();
export function installGlobals() {
  Object.assign(globalThis, {Event, EventTarget});
  for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent']) {
    globalThis[name] = (...args) => globalTarget[name](...args);
  }
  process.on('unhandledRejection', (reason, promise) => {
    const event = new Event('unhandledrejection', {cancelable: true});
    globalThis.dispatchEvent(Object.assign(event, {reason, promise}));
  });
}
