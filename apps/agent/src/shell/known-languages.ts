import type { FeedId } from '@podctl/domain/ids.ts';
import type { RawTranscript } from '../core/raw-transcript.ts';

const FEEDS_MAX = 10_000;

/** What was last surely spoken in each feed that this agent heard: taken for an episode where nothing is sure. */
export class KnownLanguages {
  readonly #languages = new Map<FeedId, string>();

  of(feed: FeedId): string | undefined {
    return this.#languages.get(feed);
  }

  note(feed: FeedId, { language, languageBy }: RawTranscript): void {
    const isSure = languageBy === 'probe' || languageBy === 'majority';
    if (!isSure || language === null) return;
    this.#languages.delete(feed);
    const [oldest] = this.#languages.keys();
    if (oldest !== undefined && this.#languages.size >= FEEDS_MAX) this.#languages.delete(oldest);
    this.#languages.set(feed, language);
  }
}
