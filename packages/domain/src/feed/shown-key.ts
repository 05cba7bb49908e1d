import { shownPath } from './secret-path.ts';
import { withoutSecrets } from './url.ts';

/** A word and a number: so a well-known system names its pages, and no host makes its tokens so. */
const PAGE_QUERY = /^\?[a-z_-]{1,20}=\d{1,12}$/i;

/**
 * An episode's GUID, or the URL that stands for one, as it may be shown and written beside the audio: some hosts take the
 * signed URL of the audio for a GUID. What holds nothing that could be a secret is the same to the letter.
 */
export function shownKey(key: string): string {
  const url = URL.parse(key.trim());
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return key;
  const isPage = url.search === '' || PAGE_QUERY.test(url.search);
  const isPlain = url.username === '' && url.password === '' && url.hash === '';
  if (isPage && isPlain && shownPath(url.pathname) === url.pathname) return key;
  return `${withoutSecrets(key)}${isPage ? url.search : ''}`;
}
