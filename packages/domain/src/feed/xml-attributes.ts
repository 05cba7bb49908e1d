import type { XmlAttributes } from './xml-event.ts';
import { decodeReferences } from './xml-reference.ts';
import type { XmlScope } from './xml-scope.ts';

/** Of one value, what is looked at. */
const VALUE_LENGTH_MAX = 65_536;
const NONE = { get: () => undefined } as const satisfies XmlAttributes;

/** The attributes of a tag as they are written; one is decoded when somebody asks for it. The first of a name counts. */
export class WrittenAttributes implements XmlAttributes {
  private readonly pairs: readonly string[];
  private readonly scope: XmlScope;
  private readonly onUnknown: () => void;

  /** `pairs`: name, value, name, value. */
  constructor(pairs: readonly string[], scope: XmlScope, onUnknown: () => void) {
    this.pairs = pairs;
    this.scope = scope;
    this.onUnknown = onUnknown;
  }

  get(name: string): string | undefined {
    for (let i = 0; i < this.pairs.length; i += 2) {
      if (this.nameOf(this.pairs[i] ?? '') === name)
        return decodeReferences(
          (this.pairs[i + 1] ?? '').slice(0, VALUE_LENGTH_MAX),
          this.onUnknown,
        );
    }
    return undefined;
  }

  /** A name without a prefix has no namespace, whatever the default one is. */
  private nameOf(raw: string): string {
    return raw.includes(':') ? this.scope.name(raw).qualified : raw.toLowerCase();
  }
}

export function attributesOf(
  pairs: readonly string[],
  scope: XmlScope,
  onUnknown: () => void,
): XmlAttributes {
  return pairs.length === 0 ? NONE : new WrittenAttributes(pairs, scope, onUnknown);
}

/** What the attributes of a tag declare: prefix to URI, the default under ''. Null for nothing. */
export function declaredNamespaces(pairs: readonly string[]): ReadonlyMap<string, string> | null {
  let declared: Map<string, string> | null = null;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] ?? '';
    if (!name.startsWith('xmlns')) continue;
    declared ??= new Map();
    if (name === 'xmlns') declared.set('', pairs[i + 1] ?? '');
    else if (name.startsWith('xmlns:')) declared.set(name.slice(6), pairs[i + 1] ?? '');
  }
  return declared;
}
