/**
 * Looks for a piece of text again and again from places that only move on. What was found is kept until it is passed, and
 * so is that there is nothing more: without it a document of nothing but unclosed quotes would take quadratic time.
 */
export class Seeker {
  private readonly text: string;
  private readonly needle: string;
  private found = -1;
  private soughtFrom = -1;

  constructor(text: string, needle: string) {
    this.text = text;
    this.needle = needle;
  }

  /** The first place at or after `from`; the text's length when there is none. */
  next(from: number): number {
    const isKnown = this.soughtFrom >= 0 && from >= this.soughtFrom && from <= this.found;
    if (isKnown) return this.found;
    const at = this.text.indexOf(this.needle, from);
    this.soughtFrom = from;
    this.found = at < 0 ? this.text.length : at;
    return this.found;
  }
}
