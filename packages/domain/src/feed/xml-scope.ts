import { namespaceOfUndeclaredPrefix, qualifiedName } from './xml-event.ts';

/** A name as it is written in a document, and as it is meant. */
export interface XmlName {
  /** `prefix:local` of `qualifiedName`. */
  readonly qualified: string;
  /** As it is written, in lower case: tags are matched by it. */
  readonly folded: string;
}

/** Names kept of a scope: a hostile document may use as many as it has bytes. */
const NAMES_MAX = 1_000;
const PREFIXES_MAX = 100;

/** Which prefix means which namespace, within one element of a document. */
export class XmlScope {
  private readonly namespaces: ReadonlyMap<string, string>;
  private readonly names = new Map<string, XmlName>();

  constructor(namespaces: ReadonlyMap<string, string> = new Map()) {
    this.namespaces = namespaces;
  }

  /** The scope of an element that declares these; itself when they declare nothing new. */
  with(declared: ReadonlyMap<string, string>): XmlScope {
    const isNew = [...declared].some(([prefix, uri]) => this.namespaces.get(prefix) !== uri);
    if (!isNew || this.namespaces.size >= PREFIXES_MAX) return this;
    return new XmlScope(new Map([...this.namespaces, ...declared]));
  }

  name(raw: string): XmlName {
    const known = this.names.get(raw);
    if (known !== undefined) return known;
    if (this.names.size >= NAMES_MAX) this.names.clear();
    const colon = raw.indexOf(':');
    const prefix = colon < 0 ? '' : raw.slice(0, colon);
    const uri = this.namespaces.get(prefix) ?? namespaceOfUndeclaredPrefix(prefix);
    const qualified = qualifiedName(uri, raw.slice(colon + 1), prefix);
    const name = { qualified, folded: raw.toLowerCase() };
    this.names.set(raw, name);
    return name;
  }
}
