import { oneLine } from '../render/cell.ts';

export interface EpisodeHeading {
  readonly title: string;
  readonly feedTitle: string;
  readonly publishedAt: string | null;
}

/** What stands above the text of a transcript in Markdown: its title, its feed and its day. */
export function markdownHead({ title, feedTitle, publishedAt }: EpisodeHeading): string {
  const day = publishedAt === null ? '' : `, ${publishedAt.slice(0, 10)}`;
  return `# ${escaped(title) || 'Untitled'}\n\n*${escaped(feedTitle)}${day}*\n\n`;
}

/** Titles are whatever a feed says: none of their characters means anything. */
function escaped(text: string): string {
  return oneLine(text)
    .trim()
    .replace(/[\\`*_{}[\]<>#|~&]/g, String.raw`\$&`);
}
