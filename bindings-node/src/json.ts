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
  if ('toJSON' in value && typeof value.toJSON === 'function') return;
  above.add(value);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (item === undefined) refuse(`${place}[${index}]`, 'is undefined, which JSON cannot say');
      check(item, `${place}[${index}]`, above);
    }
  } else {
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) check(item, place === '' ? key : `${place}.${key}`, above);
    }
  }
  above.delete(value);
}

function problemWith(value: unknown): string | undefined {
  switch (typeof value) {
    case 'function':
    case 'symbol':
    case 'bigint':
      return `is a ${typeof value}, which JSON cannot say`;
    case 'number':
      return Number.isFinite(value) ? undefined : `is ${value}, which JSON cannot say`;
    case 'object':
      return isPlain(value) ? undefined : `is a ${kindOf(value)}, which JSON cannot say`;
    default:
      return undefined;
  }
}

const OPAQUE = [Map, Set, WeakMap, WeakSet, Promise, RegExp, ArrayBuffer, Error];

function isPlain(value: object | null): boolean {
  if (value === null || Array.isArray(value)) return true;
  if ('toJSON' in value && !ArrayBuffer.isView(value)) return true;
  return !ArrayBuffer.isView(value) && !OPAQUE.some((kind) => value instanceof kind);
}

function kindOf(value: object | null): string {
  return value?.constructor?.name ?? 'object';
}

function refuse(place: string, problem: string): never {
  const field = place === '' ? 'value' : place;
  throw invalidInput(field, `${field} ${problem}`);
}
