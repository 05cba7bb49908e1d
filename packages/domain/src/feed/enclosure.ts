import { httpUrl } from './url.ts';

export type Medium = 'audio' | 'video';

/** One file that an item offers, as the feed wrote it. */
export interface EnclosureClaim {
  /** `enclosure` and `link rel=enclosure` are meant to be downloaded; `media:content` is read in their place. */
  readonly source: 'enclosure' | 'media';
  readonly url: string;
  /** What it is relative to. */
  readonly baseUrl: string;
  /** A media type, in any case; often missing or wrong. */
  readonly type: string;
  /** `medium` of media:content; empty elsewhere. */
  readonly medium: string;
  /** Bytes; a lie as often as not. */
  readonly length: string;
}

export interface Enclosure {
  readonly url: string;
  readonly type: string | null;
  readonly lengthBytes: number | null;
}

type Kind = Medium | 'unknown' | 'other';

const AUDIO_EXTENSION =
  /\.(?:mp3|mpga|mp2|m4a|m4b|aac|ogg|oga|opus|flac|wav|wma|aif|aiff|mka|amr|ac3|caf)$/i;
const VIDEO_EXTENSION = /\.(?:mp4|m4v|mov|mkv|webm|avi|mpg|mpeg|ogv|wmv|3gp|flv|ts)$/i;
const OTHER_EXTENSION =
  /\.(?:jpe?g|png|gif|webp|svg|bmp|heic|pdf|epub|html?|txt|srt|vtt|json|xml|zip|docx?|pptx?|torrent)$/i;
/** Lists of what to play; none of them is audio. */
const PLAYLIST_TYPE = /^(?:audio|application)\/(?:x-|vnd\.apple\.)?(?:mpegurl|scpls|pn-realaudio)$/;
const PLAYLIST_EXTENSION = /\.(?:m3u8?|pls|ram|asx|xspf)$/i;

/** The file that makes an item an episode: audio first, then what the type leaves open, then video if it is wanted. */
export function chooseEnclosure(
  claims: readonly EnclosureClaim[],
  media: readonly Medium[],
): Enclosure | null {
  let best: { rank: number; enclosure: Enclosure } | null = null;
  for (const claim of claims) {
    const url = httpUrl(claim.url, claim.baseUrl);
    if (url === null) continue;
    const rank = rankOf(kindOf(claim, url.pathname), claim.source, media);
    if (rank === null || (best !== null && best.rank <= rank)) continue;
    best = {
      rank,
      enclosure: { url: url.href, type: typeOf(claim), lengthBytes: lengthOf(claim) },
    };
  }
  return best?.enclosure ?? null;
}

function rankOf(
  kind: Kind,
  source: EnclosureClaim['source'],
  media: readonly Medium[],
): number | null {
  const later = source === 'enclosure' ? 0 : 1;
  switch (kind) {
    case 'audio':
      return media.includes('audio') ? later : null;
    case 'unknown':
      // media:content without a type is most often an image.
      return source === 'enclosure' ? 2 : null;
    case 'video':
      return media.includes('video') ? 3 + later : null;
    case 'other':
      return null;
  }
}

/** The extension of audio is believed before the type: types are wrong far more often. */
function kindOf(claim: EnclosureClaim, path: string): Kind {
  const type = (typeOf(claim) ?? '').replace(/^x-/, '');
  const byType = kindOfType(type);
  if (AUDIO_EXTENSION.test(path)) return 'audio';
  if (PLAYLIST_EXTENSION.test(path) || PLAYLIST_TYPE.test(type)) return 'other';
  if (byType !== 'unknown') return byType;
  const medium = claim.medium.trim().toLowerCase();
  if (medium === 'audio' || medium === 'video') return medium;
  if (medium !== '') return 'other';
  if (VIDEO_EXTENSION.test(path)) return 'video';
  return OTHER_EXTENSION.test(path) ? 'other' : 'unknown';
}

/** `application/octet-stream` and its like say nothing. */
function kindOfType(type: string): Kind {
  if (type.startsWith('audio/') || type === 'application/ogg') return 'audio';
  if (type.startsWith('video/')) return 'video';
  return /^(?:(?:image|text|font|model)\/|application\/pdf$)/.test(type) ? 'other' : 'unknown';
}

function typeOf(claim: EnclosureClaim): string | null {
  const type = (claim.type.split(';')[0] ?? '').trim().toLowerCase();
  return type === '' || type.length > 100 ? null : type;
}

function lengthOf(claim: EnclosureClaim): number | null {
  const text = claim.length.trim();
  const bytes = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  return bytes > 0 ? bytes : null;
}
