import type { SearchHit } from '@podctl/proto/podctl/v1/transcript.ts';
import { isoTime } from './list-document.ts';

/** A passage in the form that `--json` prints. */
export interface SearchHitView {
  readonly feedId: string;
  readonly feedTitle: string;
  readonly episodeId: string;
  readonly title: string;
  readonly publishedAt: string | null;
  /** When the first match is spoken. */
  readonly startSeconds: number;
  /** The texts of `parts` joined. */
  readonly snippet: string;
  readonly parts: readonly { readonly text: string; readonly matched: boolean }[];
}

export function searchHitView(hit: SearchHit): SearchHitView {
  const { feedId, feedTitle, episodeId, title, publishedAt, startSeconds } = hit;
  const parts = hit.snippet.map(({ text, matched }) => ({ text, matched }));
  const snippet = parts.map(({ text }) => text).join('');
  return {
    ...{ feedId, feedTitle, episodeId, title, startSeconds, snippet, parts },
    publishedAt: isoTime(publishedAt),
  };
}
