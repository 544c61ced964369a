// As much of the harness of the web platform tests as own.any.js needs.
'use strict';

const registered = [];
let started = false;
let problem = null;
addEventListener('error', (event) => { if (!started) problem = event.message; });

function promise_test(body, name) {
  registered.push({name, body, message: null, format_status() { return this.message === null ? 'Pass' : 'Fail'; }});
}

function assert_same(found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(found)} in place of ${JSON.stringify(expected)}`);
  }
}

function add_completion_callback(callback) {
  setTimeout(async () => {
    started = true;
    for (const test of registered) {
      try {
        await test.body();
      } catch (error) {
        test.message = String(error);
      }
    }
    callback(registered, {status: 0, message: problem});
  });
}
