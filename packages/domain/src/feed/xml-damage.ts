import type { FeedProblem, FeedProblemKind } from './feed-problem.ts';

const DAMAGES = {
  cutTag: ['lost', 'a tag that is cut off by the end of the document'],
  openComment: ['lost', 'a comment without its end: what follows it was not read'],
  openDeclaration: ['lost', 'a declaration without its end'],
  overDepth: ['left_out', 'elements nested too deep, not looked at'],
  overAttributes: ['left_out', 'attributes of a tag that has too many, not looked at'],
  entityDefinitions: [
    'left_out',
    'a document type with definitions of entities, none of which is followed',
  ],
  openCdata: ['repaired', 'CDATA sections without their end, ended with their element'],
  openQuote: ['repaired', 'attributes without their last quote, ended with their tag'],
  openTag: ['repaired', 'tags without their >, ended at the next one'],
  strayBracket: ['repaired', 'signs < that begin no tag, kept as text'],
  strayEnd: ['repaired', 'end tags that end nothing, passed over'],
  openItem: ['repaired', 'items without their end tag, ended with the next one'],
  openElement: ['repaired', 'elements without their end tag, ended with the one around them'],
  unknownReference: ['repaired', 'ampersands that begin no known entity, kept as text'],
} as const satisfies { readonly [name: string]: readonly [FeedProblemKind, string] };

export type XmlDamage = keyof typeof DAMAGES;

/** What is not well-formed in a document, counted, with the place of the first of each kind. */
export class XmlDamages {
  private readonly found = new Map<XmlDamage, { count: number; readonly at: number }>();

  /** `at`: offset in the text. */
  add(damage: XmlDamage, at: number): void {
    const found = this.found.get(damage);
    if (found === undefined) this.found.set(damage, { count: 1, at });
    else found.count++;
  }

  /** `text`: the document, to tell lines. */
  problems(text: string): FeedProblem[] {
    return [...this.found].map(([damage, { count, at }]) => {
      const [kind, what] = DAMAGES[damage];
      const message = count === 1 ? what : `${what} (${count} times)`;
      return { kind, message, count, place: `line ${lineAt(text, at)}` };
    });
  }
}

/** From 1. */
function lineAt(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', next + 1)) {
    line++;
  }
  return line;
}
