// Names the functions of a WebAssembly module so that, in the order of their names, each stands near
// those that are most like it: gzip looks 32 kB back, and finds there what it has seen already.
// Whoever calls this then has the optimiser put functions in the order of their names.

/** One for each hash; always the same, so that a build can be repeated. */
const SEEDS = Int32Array.from({ length: 200 }, (_, at) => Math.imul(0x9e3779b1, at + 1));
/** How many of the last functions the next one is compared with. */
const RECENT = 8;
const CODE = 10;
const ENCODER = new TextEncoder();

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  number() {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at];
      this.at += 1;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  piece(length = this.number()) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function number(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

function sections(module) {
  const reader = new Reader(module, 8);
  const found = [];
  while (reader.at < module.length) found.push([reader.piece(1)[0], reader.piece()]);
  return found;
}

/** Four bytes at a time, what is in a function: the least of each hash. */
function signature(body) {
  const least = new Uint32Array(SEEDS.length).fill(0xffffffff);
  for (let at = 0; at + 4 <= body.length; at += 1) {
    const four = body[at] | (body[at + 1] << 8) | (body[at + 2] << 16) | (body[at + 3] << 24);
    for (let seed = 0; seed < SEEDS.length; seed += 1) {
      const mixed = Math.imul(four ^ SEEDS[seed], 0x85ebca6b);
      const hash = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 0;
      if (hash < least[seed]) least[seed] = hash;
    }
  }
  return least;
}

/** From the largest on, always the one that is most like one of the last: their numbers. */
function order(bodies) {
  const signatures = bodies.map(signature);
  const left = new Set(bodies.keys());
  const recent = [];
  const sorted = [];
  let current = bodies.reduce(
    (best, body, at) => (body.length > bodies[best].length ? at : best),
    0,
  );
  while (left.delete(current)) {
    sorted.push(current);
    const alike = new Uint8Array(bodies.length);
    for (const other of left) {
      for (let seed = 0; seed < SEEDS.length; seed += 1) {
        alike[other] += signatures[other][seed] === signatures[current][seed] ? 1 : 0;
      }
    }
    recent.unshift(alike);
    recent.length = Math.min(recent.length, RECENT);
    const size = bodies[current].length;
    let best = -Infinity;
    for (const other of left) {
      const most = Math.max(...recent.map((row, ago) => row[other] * (1 - 0.03 * ago)));
      const length = bodies[other].length;
      const score = most - (Math.abs(length - size) / (length + size)) * 0.5;
      if (score > best) [best, current] = [score, other];
    }
  }
  return sorted;
}

/** The module with names by which its functions are in a good order. */
export function orderFunctions(module) {
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(module));
  const first = imported.filter(({ kind }) => kind === 'function').length;
  const all = sections(module);
  const code = new Reader(all.find(([id]) => id === CODE)[1]);
  const bodies = Array.from({ length: code.number() }, () => code.piece());
  const names = [];
  for (const [place, at] of order(bodies).entries()) names[at] = String(place).padStart(6, '0');
  const map = names.flatMap((name, at) => [...number(first + at), 6, ...ENCODER.encode(name)]);
  const entries = [...number(names.length), ...map];
  const section = [4, ...ENCODER.encode('name'), 1, ...number(entries.length), ...entries];
  const kept = all.filter(([id, body]) => id !== 0 || !isNames(body));
  const pieces = [...kept, [0, section]].map(([id, body]) =>
    Buffer.from([id, ...number(body.length), ...body]),
  );
  return Buffer.concat([module.subarray(0, 8), ...pieces]);
}

function isNames(section) {
  return new TextDecoder().decode(new Reader(section).piece()) === 'name';
}
