/** The fields of a view, flat: `gpus` and what else is a list stays one field, a nested object's are `outer.inner`. */
export function flatFields(item: object): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(item))
    if (isObject(value))
      for (const [inner, found] of flatFields(value)) fields.set(`${name}.${inner}`, found);
    else fields.set(name, value);
  return fields;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
