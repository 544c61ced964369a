(config) => {
  "use strict";
  // Web Storage of another engine, over Chromium's: its limit, how it counts, when it refuses, what it throws.
  const { storage, deny, failNthWrite } = config;
  const native = {
    getItem: Storage.prototype.getItem,
    key: Storage.prototype.key,
    length: Object.getOwnPropertyDescriptor(Storage.prototype, "length").get,
    setItem: Storage.prototype.setItem,
  };
  let writes = 0;

  const size = (text) => (storage.unit === "byte" && /[^\x00-\xff]/.test(text) ? 2 * text.length : text.length);

  const used = (area) => {
    let total = 0;
    for (let index = native.length.call(area) - 1; index >= 0; index--) {
      const key = native.key.call(area, index);
      total += size(key) + size(native.getItem.call(area, key));
    }
    return total;
  };

  const isRefused = (before, after, item) => {
    if (storage.limit === null) return false;
    if (storage.refusal === "total") return after > storage.limit;
    if (storage.refusal === "growth-or-item" && item > storage.limit) return true;
    return after > before && after > storage.limit;
  };

  const domException = (name, code, message) => {
    const error = new DOMException(message, name);
    // Since QuotaExceededError is a class of its own, Chromium gives the name no code any more.
    if (error.code !== code) Object.defineProperty(error, "code", { value: code });
    return error;
  };

  const QuotaError = globalThis.QuotaExceededError;
  const quotaError = (key) => {
    const message = storage.message.replace("{key}", () => key);
    if (storage.interface === "QuotaExceededError" && QuotaError) return new QuotaError(message);
    return domException("QuotaExceededError", 22, message);
  };
  if (storage.interface !== "QuotaExceededError") delete globalThis.QuotaExceededError;

  const setItem = {
    setItem(key, value) {
      if (arguments.length < 2) return native.setItem.apply(this, arguments);
      const name = `${key}`;
      const text = `${value}`;
      const old = native.getItem.call(this, name);
      const item = size(name) + size(text);
      const before = used(this);
      const after = before + item - (old === null ? 0 : size(name) + size(old));
      writes += 1;
      if (writes === failNthWrite || isRefused(before, after, item)) throw quotaError(name);
      try {
        native.setItem.call(this, name, text);
      } catch (error) {
        throw error.name === "QuotaExceededError" ? quotaError(name) : error;
      }
    },
  }.setItem;
  Object.defineProperty(Storage.prototype, "setItem", { configurable: true, enumerable: true, value: setItem, writable: true });

  const refuse = (message) => {
    throw domException("SecurityError", 18, message);
  };
  if (deny.localstorage) {
    for (const [property, message] of Object.entries(deny.localstorage)) {
      Object.defineProperty(globalThis, property, { configurable: true, enumerable: true, get: () => refuse(message) });
    }
  }
  if (deny.indexeddb) {
    for (const method of ["open", "deleteDatabase", "databases"]) {
      IDBFactory.prototype[method] = () => refuse(deny.indexeddb);
    }
  }
  if (deny.downloads) {
    const isDownload = (target) => target instanceof HTMLAnchorElement && target.hasAttribute("download");
    const { dispatchEvent } = EventTarget.prototype;
    const { click } = HTMLElement.prototype;
    EventTarget.prototype.dispatchEvent = function (event) {
      return isDownload(this) && event.type === "click" ? true : dispatchEvent.call(this, event);
    };
    HTMLElement.prototype.click = function () {
      if (!isDownload(this)) click.call(this);
    };
  }
}
