/**
 * Names outside and on the wire. Only the fields that the contract names are renamed; the keys of
 * free maps and fields that nobody knows stay as they are.
 */

/** Where in a value the contract names fields: a named shape, or a list, map or choice of them. */
export type Shape =
  | string
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly oneOf: readonly Shape[] };

/** The fields of a shape that are renamed or have a shape: name outside, name on the wire. */
export type Fields = Readonly<Record<string, readonly [wire: string, shape?: Shape]>>;

/** All named shapes. */
export type Shapes = Readonly<Record<string, Fields>>;

type Direction = 'in' | 'out';
type Renames = ReadonlyMap<string, readonly [name: string, shape: Shape | undefined]>;

const cache = new WeakMap<Fields, Record<Direction, Renames>>();

/** Renames what a shape names: `out` towards the wire, `in` towards the caller. */
export function rename(
  shapes: Shapes,
  shape: Shape,
  value: unknown,
  direction: Direction,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (typeof shape === 'string') {
    return renameFields(shapes, shapes[shape] ?? {}, value, direction);
  }
  if ('list' in shape) {
    if (!Array.isArray(value)) return value;
    return value.map((item) => rename(shapes, shape.list, item, direction));
  }
  if ('map' in shape) {
    return mapEntries(value, (key, item) => [key, rename(shapes, shape.map, item, direction)]);
  }
  return rename(shapes, closest(shapes, shape.oneOf, value, direction), value, direction);
}

/** Renames the named fields of one object. */
export function renameFields(
  shapes: Shapes,
  fields: Fields,
  value: unknown,
  direction: Direction,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const renames = renamesOf(fields)[direction];
  return mapEntries(value, (key, item) => {
    const [name, shape] = renames.get(key) ?? [key, undefined];
    return [name, shape === undefined ? item : rename(shapes, shape, item, direction)];
  });
}

function mapEntries(value: object, each: (key: string, item: unknown) => [string, unknown]) {
  if (Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => each(key, item)));
}

/** The shape of a choice that knows most of the value's fields. */
function closest(
  shapes: Shapes,
  choice: readonly Shape[],
  value: object,
  direction: Direction,
): Shape {
  const score = (shape: Shape): number => {
    if (typeof shape !== 'string') return 'list' in shape && Array.isArray(value) ? 1 : 0;
    const renames = renamesOf(shapes[shape] ?? {})[direction];
    return Object.keys(value).filter((key) => renames.has(key)).length;
  };
  const [first = '', ...rest] = choice;
  return rest.reduce<Shape>((best, next) => (score(next) > score(best) ? next : best), first);
}

function renamesOf(fields: Fields): Record<Direction, Renames> {
  let found = cache.get(fields);
  if (found === undefined) {
    const entries = Object.entries(fields);
    found = {
      out: new Map(entries.map(([name, [wire, shape]]) => [name, [wire, shape]])),
      in: new Map(entries.map(([name, [wire, shape]]) => [wire, [name, shape]])),
    };
    cache.set(fields, found);
  }
  return found;
}
