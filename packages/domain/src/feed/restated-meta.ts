import { type EpisodeMeta, episodeMetaOf } from '../episode-meta.ts';
import type { ChangedEpisode } from './ledger.ts';

/**
 * What is kept of a known episode once a document says something else of it. Its first key, and the feed's title of then, stay;
 * what a document does not tell of date and duration does as well.
 *
 * @param isNamed files of it have readable names, which are made of title and date: those stay.
 */
export function restatedMeta(
  meta: EpisodeMeta,
  { item, alias, isUrlNew, isRestless }: ChangedEpisode,
  isNamed: boolean,
): EpisodeMeta {
  const { key, guid, feedTitle, title, publishedMs } = meta;
  const told = episodeMetaOf(feedTitle, item);
  return {
    ...{ ...meta, ...told, key, guid },
    ...(isUrlNew ? {} : { url: meta.url }),
    // Of audio that is the same the length stays: with ads it is another each time.
    lengthBytes:
      isUrlNew || alias !== null ? told.lengthBytes : (meta.lengthBytes ?? told.lengthBytes),
    durationSecondsEstimate: told.durationSecondsEstimate ?? meta.durationSecondsEstimate,
    ...(isNamed ? { title, publishedMs } : { publishedMs: told.publishedMs ?? publishedMs }),
    aliases: aliasesOf(meta, alias),
    isUrlRestless: isRestless || undefined,
  };
}

function aliasesOf({ aliases = [], key }: EpisodeMeta, alias: string | null) {
  if (alias === null || alias === key || aliases.includes(alias))
    return aliases.length === 0 ? undefined : aliases;
  return [...aliases, alias];
}
