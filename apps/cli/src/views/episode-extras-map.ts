import type { EpisodeExtras } from '@podctl/proto/podctl/v1/episode.ts';

/** What a feed says of an episode beside its title, date and audio, as `episode show --json` prints it. */
export interface EpisodeExtrasView {
  readonly season: number | null;
  readonly episodeNumber: number | null;
  readonly episodeType: string;
  /** As the feed claims. */
  readonly durationSecondsEstimate: number | null;
  /** Without credentials and query. */
  readonly transcripts: readonly {
    readonly url: string;
    readonly type: string;
    readonly language: string;
  }[];
  readonly persons: readonly { readonly name: string; readonly role: string }[];
  readonly chaptersUrl: string;
  readonly explicit: boolean | null;
  readonly blocked: boolean;
}

export function episodeExtrasView(extras: EpisodeExtras | undefined): EpisodeExtrasView | null {
  if (extras === undefined) return null;
  return {
    season: extras.season || null,
    episodeNumber: extras.episodeNumber || null,
    episodeType: extras.episodeType,
    durationSecondsEstimate: extras.durationSecondsEstimate || null,
    transcripts: extras.transcripts.map(({ url, type, language }) => ({ url, type, language })),
    persons: extras.persons.map(({ name, role }) => ({ name, role })),
    chaptersUrl: extras.chaptersUrl,
    explicit: extras.explicit ?? null,
    blocked: extras.blocked,
  };
}
