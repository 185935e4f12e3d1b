/** JSON that refuses what JSON cannot say, where `JSON.stringify` would lose it silently. */
import { invalidInput } from './raise.js';

/** Anything that JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** Deeper than anything that is meant; the engine's limit is lower, and it names the argument too. */
const MAX_DEPTH = 1000;

/** The text of a value; a part that cannot be said is an `InvalidInput` that names its place. */
export function toJson(value: unknown, place = ''): string {
  check(value, place, new Set());
  return JSON.stringify(value);
}

function check(value: unknown, place: string, above: Set<object>): void {
  const problem = problemWith(value);
  if (problem !== undefined) refuse(place, problem);
  if (typeof value !== 'object' || value === null) return;
  if (above.has(value)) refuse(place, 'contains itself');
  if (above.size >= MAX_DEPTH) {
    // Its whole path would say no more.
    refuse(/^[^.[]*/.exec(place)?.[0] ?? place, `is more than ${MAX_DEPTH} levels deep`);
  }
  above.add(value);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const said: unknown = value.toJSON();
    if (said !== value) check(said, place, above);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (item === undefined) refuse(`${place}[${index}]`, 'is undefined, which JSON cannot say');
      check(item, `${place}[${index}]`, above);
    }
  } else {
    for (const [key, item] of Object.entries(value)) {
      if (isCut(key)) refuse(place, `has a key that ${CUT}`);
      if (item !== undefined) check(item, place === '' ? key : `${place}.${key}`, above);
    }
  }
  above.delete(value);
}

const CUT = 'was cut within a character: it has half of a surrogate pair';

function problemWith(value: unknown): string | undefined {
  switch (typeof value) {
    case 'function':
    case 'symbol':
    case 'bigint':
      return `is a ${typeof value}, which JSON cannot say`;
    case 'number':
      return Number.isFinite(value) ? undefined : `is ${value}, which JSON cannot say`;
    case 'string':
      return isCut(value) ? CUT : undefined;
    case 'object':
      return isPlain(value) ? undefined : `is a ${kindOf(value)}, which JSON cannot say`;
    default:
      return undefined;
  }
}

/** Whether a value is a text that can be sent as it is. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && !isCut(value);
}

/** Whether a text has half of a surrogate pair, which UTF-8 cannot say. */
function isCut(text: string): boolean {
  // Ten times as fast, where there is one.
  const { isWellFormed } = String.prototype as { isWellFormed?: (this: string) => boolean };
  return isWellFormed === undefined ? /\p{Surrogate}/u.test(text) : !isWellFormed.call(text);
}

/** What objects call themselves whose fields are all that they hold, and boxed values. */
const PLAIN = /^\[object (Object|Boolean|Number|String)\]$/;

/**
 * Whether JSON says all that there is of an object. It says nothing of what is read piece by piece
 * (`Map`, `FormData`, generators) or held by the platform (`Blob`, `Promise`, `RegExp`).
 */
function isPlain(value: object | null): boolean {
  if (value === null || Array.isArray(value)) return true;
  if (ArrayBuffer.isView(value)) return false;
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if ('toJSON' in value) return true;
  if (!PLAIN.test(Object.prototype.toString.call(value))) return false;
  return value instanceof String || !(Symbol.iterator in value || Symbol.asyncIterator in value);
}

function kindOf(value: object | null): string {
  if (value instanceof Date) return 'Date without a time';
  const name = value?.constructor?.name;
  return name || Object.prototype.toString.call(value).slice(8, -1);
}

function refuse(place: string, problem: string): never {
  const field = place === '' ? 'value' : place;
  throw invalidInput(field, `${field} ${problem}`);
}
