import fc, { type Arbitrary } from 'fast-check';
import { hostileBytes, hostileText } from './hostile-text.ts';

/**
 * Messages that were valid once. JSON is kept as a tree whose leaves are text, so that what no JSON value can say can be
 * said: a key twice, 1e309, NaN, half a surrogate pair.
 */
type Node =
  | { readonly kind: 'leaf'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'record'; readonly fields: readonly Field[] };
type Field = readonly [key: string, value: Node];

type Change =
  | { readonly kind: 'leaf'; readonly text: string }
  | { readonly kind: 'drop' | 'twice' | 'wrap' }
  | { readonly kind: 'deepen'; readonly depth: number }
  | { readonly kind: 'enlarge'; readonly count: number }
  | { readonly kind: 'insert'; readonly text: string; readonly at: number }
  | { readonly kind: 'add'; readonly key: string; readonly text: string };

const DEPTH_MAX = 10_000;
const LEAVES = [
  ...['null', 'true', '0', '-0', '-1', '1.5', '1e309', '-1e309', 'NaN', 'Infinity', '1e-400'],
  ...['9007199254740991', '9007199254740993', '1e21', '0x10', '01', '""', '"a"', '"null"'],
  ...['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u001b[2J"', '"\\u009b31m"', '"\\u2028"'],
  ...['"\\u202e"', '"../../etc/passwd"', '"$JS.API.>"', '"a\\r\\nb: c"', '[]', '{}', '[[]]'],
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}'],
  ...['{"toString":1,"valueOf":1}', '{"length":4294967295}', '{"kind":"hello"}', 'undefined'],
];
const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'kind', '', '0', 'then'];
/** Rare: each has a megabyte. */
const HUGE_BYTES = 1_000_000;

const change: Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...LEAVES).map((text) => ({ kind: 'leaf', text }) as const),
  },
  {
    weight: 3,
    arbitrary: hostileText.map((text) => ({ kind: 'leaf', text: JSON.stringify(text) }) as const),
  },
  { weight: 2, arbitrary: fc.double().map((n) => ({ kind: 'leaf', text: String(n) }) as const) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('drop', 'twice', 'wrap').map((kind) => ({ kind }) as const),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('insert'), text: hostileText, at: fc.nat(300) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('enlarge'), count: fc.nat(2_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deepen'), depth: fc.nat(DEPTH_MAX) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('add'),
      key: fc.oneof(fc.constantFrom(...KEYS), hostileText),
      text: fc.constantFrom(...LEAVES),
    }),
  },
);

/** Bytes made from one of the messages: some still valid, most of them almost. */
export function mutated(messages: readonly unknown[]): Arbitrary<Uint8Array> {
  const trees = messages.map(treeOf);
  const changes = fc.array(fc.tuple(fc.nat(2_000), change), { maxLength: 4 });
  const text = fc
    .tuple(fc.constantFrom(...trees), changes)
    .map(([tree, some]) => printed(some.reduce(changed, tree)));
  const huge = fc
    .constantFrom(...messages)
    .map((message) => JSON.stringify({ ...Object(message), pad: 'x'.repeat(HUGE_BYTES) }));
  return fc.oneof(
    { weight: 60, arbitrary: text.map((said) => new TextEncoder().encode(said)) },
    { weight: 20, arbitrary: hostileBytes(text) },
    { weight: 10, arbitrary: fc.json().map((said) => new TextEncoder().encode(said)) },
    { weight: 10, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    { weight: 1, arbitrary: huge.map((said) => new TextEncoder().encode(said)) },
  );
}

function treeOf(value: unknown): Node {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null)
    return { kind: 'leaf', text: JSON.stringify(value) ?? 'null' };
  const fields = Object.entries(value).filter(([, of]) => of !== undefined);
  return { kind: 'record', fields: fields.map(([key, of]) => [key, treeOf(of)] as const) };
}

function printed(node: Node): string {
  switch (node.kind) {
    case 'leaf':
      return node.text;
    case 'list':
      return `[${node.items.map(printed).join(',')}]`;
    case 'record':
      return `{${node.fields.map(([key, of]) => `${JSON.stringify(key)}:${printed(of)}`).join(',')}}`;
  }
}

function changed(tree: Node, [at, how]: readonly [number, Change]): Node {
  const place = { left: at % sizeOf(tree) };
  return replaced(tree, place, how)[0] ?? { kind: 'leaf', text: '' };
}

function sizeOf(node: Node): number {
  const below = childrenOf(node).map(sizeOf);
  return below.reduce((sum, size) => sum + size, 1);
}

function childrenOf(node: Node): readonly Node[] {
  if (node.kind === 'leaf') return [];
  return node.kind === 'list' ? node.items : node.fields.map(([, of]) => of);
}

/** What stands in the node's place: nothing, it, or several. */
function replaced(node: Node, place: { left: number }, how: Change): readonly Node[] {
  place.left -= 1;
  if (place.left === -1) return applied(node, how);
  if (node.kind === 'leaf') return [node];
  if (node.kind === 'list')
    return [{ kind: 'list', items: node.items.flatMap((item) => replaced(item, place, how)) }];
  const fields = node.fields.flatMap(([key, of]) =>
    replaced(of, place, how).map((one): Field => [key, one]),
  );
  return [{ kind: 'record', fields }];
}

function applied(node: Node, how: Change): readonly Node[] {
  switch (how.kind) {
    case 'leaf':
      return [{ kind: 'leaf', text: how.text }];
    case 'drop':
      return [];
    case 'twice':
      return [node, node];
    case 'wrap':
      return [{ kind: 'list', items: [node] }];
    case 'deepen': {
      const { depth } = how;
      return [{ kind: 'leaf', text: `${'['.repeat(depth)}${printed(node)}${']'.repeat(depth)}` }];
    }
    case 'enlarge':
      return [enlarged(node, how.count)];
    case 'insert':
      return [{ kind: 'leaf', text: inserted(printed(node), how) }];
    case 'add':
      if (node.kind !== 'record') return [{ kind: 'leaf', text: how.text }];
      return [{ ...node, fields: [...node.fields, [how.key, { kind: 'leaf', text: how.text }]] }];
  }
}

function enlarged(node: Node, count: number): Node {
  const [first] = childrenOf(node);
  if (node.kind === 'list')
    return { kind: 'list', items: Array.from({ length: count }, () => first ?? node) };
  if (node.kind === 'leaf' && node.text.startsWith('"'))
    return { kind: 'leaf', text: `"${node.text.slice(1, -1).repeat(Math.min(count, 500))}"` };
  return { kind: 'list', items: Array.from({ length: Math.min(count, 200) }, () => node) };
}

/** Inside a string it stays one. */
function inserted(text: string, { text: more, at }: { text: string; at: number }): string {
  if (!text.startsWith('"') || text.length < 2) return `${text}${more}`;
  const inner = 1 + (at % (text.length - 1));
  return `${text.slice(0, inner)}${JSON.stringify(more).slice(1, -1)}${text.slice(inner)}`;
}
