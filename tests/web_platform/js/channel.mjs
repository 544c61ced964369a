// The synchronous channel to Python: lines of JSON on the two descriptors that the command line ends with.
import fs from 'node:fs';

const [INPUT, OUTPUT] = process.argv.slice(-2).map(Number);
const CHUNK = Buffer.alloc(1 << 16);
let pending = [];
let lines = [];

function readLine() {
  while (!lines.length) {
    const count = fs.readSync(INPUT, CHUNK);
    if (!count) process.exit(0);
    pending.push(Buffer.from(CHUNK.subarray(0, count)));
    if (!CHUNK.subarray(0, count).includes(10)) continue;
    const parts = Buffer.concat(pending).toString().split('\n');
    pending = [Buffer.from(parts.pop())];
    lines = parts;
  }
  return lines.shift();
}

export function receive() {
  return JSON.parse(readLine());
}

export function send(message) {
  const data = Buffer.from(JSON.stringify(message) + '\n');
  for (let sent = 0; sent < data.length;) sent += fs.writeSync(OUTPUT, data, sent);
}

// Asks Python and waits. What it raises is thrown here: `{throw: {name, message}}`.
export function call(name, ...args) {
  send({call: name, args});
  const reply = receive();
  if (!reply.throw) return reply.ok;
  const {name: kind, message} = reply.throw;
  if (kind === 'TypeError') throw new TypeError(message);
  if (kind === 'bridge') throw new Error(message);
  throw new DOMException(message, kind);
}
