(config) => {
  "use strict";
  // Web Storage of another engine, over Chromium's: its limit, how it counts, when it refuses, what it throws.
  const { storage, deny, failNthWrite } = config;
  const native = (({ clear, getItem, key, removeItem, setItem }) => ({ clear, getItem, key, removeItem, setItem }))(
    Storage.prototype,
  );
  const nativeLength = Object.getOwnPropertyDescriptor(Storage.prototype, "length").get;
  let writes = 0;

  // A page sees proxies, which catch assignments; each answers with the Storage under it, to other frames' methods too.
  const UNDER = Symbol.for("tfjsd.storage");
  const under = (area) => area?.[UNDER] ?? area;

  const size = (text) => (storage.unit === "byte" && /[^\x00-\xff]/.test(text) ? 2 * text.length : text.length);

  const used = (area) => {
    let total = 0;
    for (let index = nativeLength.call(area) - 1; index >= 0; index--) {
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
  const quotaError = (template, key) => {
    const message = template.replaceAll("{key}", () => key);
    if (storage.interface === "QuotaExceededError" && QuotaError) return new QuotaError(message);
    return domException("QuotaExceededError", 22, message);
  };
  if (storage.interface !== "QuotaExceededError") delete globalThis.QuotaExceededError;

  const write = (area, name, text, template) => {
    const old = native.getItem.call(area, name);
    const item = size(name) + size(text);
    const before = used(area);
    const after = before + item - (old === null ? 0 : size(name) + size(old));
    writes += 1;
    if (writes === failNthWrite || isRefused(before, after, item)) throw quotaError(template, name);
    try {
      native.setItem.call(area, name, text);
    } catch (error) {
      throw error.name === "QuotaExceededError" ? quotaError(template, name) : error;
    }
  };

  const methods = {
    clear() {
      return native.clear.apply(under(this), arguments);
    },
    getItem(key) {
      return native.getItem.apply(under(this), arguments);
    },
    key(index) {
      return native.key.apply(under(this), arguments);
    },
    removeItem(key) {
      return native.removeItem.apply(under(this), arguments);
    },
    setItem(key, value) {
      const area = under(this);
      if (arguments.length < 2) return native.setItem.apply(area, arguments);
      write(area, `${key}`, `${value}`, storage.setItem);
    },
    get length() {
      return nativeLength.call(under(this));
    },
  };
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
    Object.defineProperty(Storage.prototype, name, property);
  }

  const isArrayIndex = (name) => /^(0|[1-9]\d{0,9})$/.test(name) && Number(name) < 2 ** 32 - 1;
  const assignmentTemplate = (name) => {
    const template = isArrayIndex(name) ? storage.indexedProperty : storage.namedProperty;
    return name === "" ? template.replace(" '{key}' on ", " on ") : template;
  };
  // In Chromium such a name becomes a property of the object; in the others it is an item, but for the length.
  const isProperty = (name) =>
    typeof name === "symbol" || name === "length" || (storage.propertiesHide && name in Storage.prototype);
  const views = new WeakMap();
  const viewOf = (area) => {
    if (views.has(area)) return views.get(area);
    const view = new Proxy(area, {
      get: (_, name) => (name === UNDER ? area : Reflect.get(area, name)),
      set(_, name, value, receiver) {
        if (receiver !== view) return Reflect.set(area, name, value, receiver);
        if (isProperty(name) || typeof value === "symbol") return Reflect.set(area, name, value);
        write(area, name, `${value}`, assignmentTemplate(name));
        return true;
      },
      defineProperty(_, name, property) {
        if (isProperty(name) || !("value" in property)) return Reflect.defineProperty(area, name, property);
        write(area, name, `${property.value}`, assignmentTemplate(name));
        return true;
      },
    });
    views.set(area, view);
    return view;
  };
  for (const name of ["localStorage", "sessionStorage"]) {
    const property = Object.getOwnPropertyDescriptor(globalThis, name);
    const getter = {
      get [name]() {
        return viewOf(property.get.call(globalThis));
      },
    };
    const { get } = Object.getOwnPropertyDescriptor(getter, name);
    Object.defineProperty(globalThis, name, { ...property, get });
  }

  const storageArea = Object.getOwnPropertyDescriptor(StorageEvent.prototype, "storageArea");
  Object.defineProperty(StorageEvent.prototype, "storageArea", {
    ...storageArea,
    get() {
      const area = storageArea.get.call(this);
      return area && viewOf(area);
    },
  });
  const { initStorageEvent } = StorageEvent.prototype;
  StorageEvent.prototype.initStorageEvent = function (...given) {
    return initStorageEvent.apply(this, given.map(under));
  };
  globalThis.StorageEvent = new Proxy(StorageEvent, {
    construct(target, [type, init], newTarget) {
      const plain = init?.storageArea ? { ...init, storageArea: under(init.storageArea) } : init;
      return Reflect.construct(target, type === undefined ? [] : [type, plain], newTarget);
    },
  });

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
