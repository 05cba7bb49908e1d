import type { EpisodeExtrasView } from '../views/episode-extras-map.ts';
import { oneLine } from './cell.ts';

/** What a feed says of an episode beside, in the form of `episode show`. */
export function episodeExtrasLines(extras: EpisodeExtrasView | null): string[] {
  if (extras === null) return [];
  const number = [
    ...(extras.season === null ? [] : [`season ${extras.season}`]),
    ...(extras.episodeNumber === null ? [] : [`episode ${extras.episodeNumber}`]),
    ...(extras.episodeType === 'full' ? [] : [extras.episodeType]),
    ...(extras.explicit === true ? ['explicit'] : []),
    ...(extras.blocked ? ['not for directories'] : []),
  ];
  const people = extras.persons.map(({ name, role }) => `${name} (${role})`);
  return [
    ...(number.length === 0 ? [] : [`Number     ${number.join(', ')}`]),
    ...(people.length === 0 ? [] : [`People     ${oneLine(people.join(', '))}`]),
    ...(extras.chaptersUrl === '' ? [] : [`Chapters   ${oneLine(extras.chaptersUrl)}`]),
    ...extras.transcripts.map(({ url, type, language }) => {
      const about = [type, language].filter((one) => one !== '').join(', ');
      return `Offered    ${oneLine(url)}${about === '' ? '' : ` (${oneLine(about)})`}`;
    }),
  ];
}
