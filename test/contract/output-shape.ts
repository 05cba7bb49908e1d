import { fileURLToPath } from 'node:url';
import { API, type Checker, type Project, type Type } from 'typescript/unstable/sync';

/** The fields of what a command prints, as paths (`items[].feedId`), with the types that JSON has for them. */
export type Shape = Readonly<Record<string, string>>;

export interface CommandFile {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const DEPTH_MAX = 8;

/**
 * What each command's `run` resolves to, from its type: a field that was renamed, removed or changed shows itself, for
 * commands that are not written yet too. A command that resolves to nothing has none. Throws when a file has no command.
 */
export function outputShapes(files: readonly CommandFile[]): ReadonlyMap<string, Shape> {
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProject: `${root}tsconfig.json` }).getProjects()[0];
    if (project === undefined) throw new Error('tsconfig.json is no project');
    const shapes = new Map<string, Shape>();
    for (const { name, path } of files) {
      const fields = new Map<string, string>();
      collect(project.checker, outputOf(project, path), '', 0, fields);
      if (!fields.has('')) shapes.set(name, Object.fromEntries(fields));
    }
    return shapes;
  } finally {
    api.close();
  }
}

function outputOf({ program, checker }: Project, path: string): Type {
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  const command = module && checker.getMemberInModuleExports(module, 'default');
  if (command === undefined) throw new Error(`${path} has no command as its default export`);
  const run = checker.getPropertyOfType(checker.getDeclaredTypeOfSymbol(command), 'run');
  const type = run && checker.getTypeOfSymbol(run);
  const signature = type && checker.getSignaturesOfType(type, 0)[0];
  const promise = signature && checker.getReturnTypeOfSignature(signature);
  const output = promise?.isTypeReference() ? checker.getTypeArguments(promise)[0] : undefined;
  if (output === undefined) throw new Error(`${path}: its run() gives no promise`);
  return output;
}

/** Notes the type at a path; objects and lists by what is in them. */
function collect(
  checker: Checker,
  type: Type,
  path: string,
  depth: number,
  fields: Map<string, string>,
): void {
  for (const one of type.isUnionType() ? (type.getTypes() ?? []) : [type]) {
    const inside = depth < DEPTH_MAX ? insideOf(checker, one) : null;
    if (inside === null) note(fields, path, checker.typeToString(one));
    else
      for (const { name, type: inner } of inside)
        collect(checker, inner, joined(path, name), depth + 1, fields);
  }
}

interface Inside {
  readonly name: string;
  readonly type: Type;
}

/** The items of a list, the properties of an object; null for what is one value in JSON. */
function insideOf(checker: Checker, type: Type): readonly Inside[] | null {
  if (checker.isArrayLikeType(type) && type.isTypeReference()) {
    const [item, ...others] = checker.getTypeArguments(type);
    return item === undefined || others.length > 0 ? null : [{ name: '[]', type: item }];
  }
  if (!type.isObjectType() || checker.getIndexInfosOfType(type).length > 0) return null;
  return checker.getPropertiesOfType(type).flatMap((property) => {
    const inner = checker.getTypeOfSymbol(property);
    return inner === undefined ? [] : [{ name: property.name, type: inner }];
  });
}

function joined(path: string, name: string): string {
  return path === '' || name === '[]' ? `${path}${name}` : `${path}.${name}`;
}

/** One more of the types that a path may have. */
function note(fields: Map<string, string>, path: string, word: string): void {
  const words = new Set([...(fields.get(path)?.split(' | ') ?? []), word]);
  if (words.has('true') && words.has('false')) {
    words.delete('true');
    words.delete('false');
    words.add('boolean');
  }
  fields.set(path, [...words].sort().join(' | '));
}
