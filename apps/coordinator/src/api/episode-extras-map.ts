import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { EpisodeExtras } from '@podctl/proto/podctl/v1/episode.ts';

/** What the feed says of an episode beside; undefined when it says nothing. */
export function episodeExtras(meta: EpisodeMeta): EpisodeExtras | undefined {
  const { transcripts = [], persons = [] } = meta;
  const extras: EpisodeExtras = {
    season: meta.season ?? 0,
    episodeNumber: meta.episodeNumber ?? 0,
    episodeType: meta.episodeType ?? 'full',
    durationSecondsEstimate: meta.durationSecondsEstimate ?? 0,
    transcripts: transcripts.map(({ url, type, language }) => ({
      url: withoutSecrets(url),
      type: type ?? '',
      language: language ?? '',
    })),
    persons: persons.map(({ name, role }) => ({ name, role })),
    chaptersUrl: meta.chaptersUrl === undefined ? '' : withoutSecrets(meta.chaptersUrl),
    explicit: meta.isExplicit,
    blocked: meta.isBlocked === true,
  };
  return saysNothing(meta) ? undefined : extras;
}

function saysNothing(meta: EpisodeMeta): boolean {
  const said = [meta.season, meta.episodeNumber, meta.episodeType, meta.durationSecondsEstimate];
  const more = [meta.transcripts, meta.persons, meta.chaptersUrl, meta.isExplicit, meta.isBlocked];
  return [...said, ...more].every((one) => one === undefined || one === null);
}
