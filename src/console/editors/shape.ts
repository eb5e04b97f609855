// Describes what a template can read: each name with its type, and the names inside of it.

export interface Shape {
  /** The type for people: a GraphQL type such as `[Session!]!`, or a word such as `text`. */
  type: string;
  description?: string;
  /** The value is a list; `fields` are those of its items. */
  isList?: true;
  fields?: Readonly<Record<string, Shape>>;
}

export type Shapes = Readonly<Record<string, Shape>>;

const NUMBER = { type: 'number' };

/** Returns the names that follow a value: its fields, or `first`, `last` and `size` of a list. */
export function fieldsOf(shape: Shape): Shapes {
  if (!shape.isList) return shape.fields ?? {};
  const { isList: _, ...item } = shape;
  const one = { ...item, type: itemType(shape.type) };
  return { first: one, last: one, size: NUMBER };
}

/** Returns the shape of the items of a list; of any other value, its own. */
export const itemOf = (shape: Shape): Shape => (shape.isList ? (fieldsOf(shape).first as Shape) : shape);

/** Follows a path such as `['data', 'node', 'groups', '0', 'name']`; returns `null` when a name is unknown. */
export function shapeAt(shapes: Shapes, path: readonly string[]): Shape | null {
  const [name = '', ...rest] = path;
  let shape = Object.hasOwn(shapes, name) ? (shapes[name] as Shape) : null;
  for (const step of rest) {
    if (shape === null) return null;
    if (/^-?\d+$/.test(step)) shape = shape.isList ? itemOf(shape) : null;
    else {
      const fields: Shapes = fieldsOf(shape);
      shape = Object.hasOwn(fields, step) ? (fields[step] as Shape) : null;
    }
  }
  return shape;
}

const itemType = (type: string) => /^\[(.*)\]!?$/.exec(type)?.[1] ?? type;
