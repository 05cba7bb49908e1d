/** Hosts that count a download and redirect to the URL in their path, as publishers chain them before the real one. */
const TRACKING_HOSTS: ReadonlySet<string> = new Set([
  '2.gum.fm',
  'arttrk.com',
  'chrt.fm',
  'chtbl.com',
  'claritaspod.com',
  'clrtpod.com',
  'dts.podtrac.com',
  'gum.fm',
  'media.blubrry.com',
  'mgln.ai',
  'op3.dev',
  'pdcn.co',
  'pdst.fm',
  'play.podtrac.com',
  'podtrac.com',
  'prfx.byspotify.com',
  'pscrb.fm',
  'swap.fm',
  'tracking.swap.fm',
  'verifi.podscribe.com',
  'www.podtrac.com',
]);

/** Query parameters that say who asks, from where, or until when: they change while the audio does not. */
const CHANGING_PARAMETERS =
  /^(?:utm_.*|x-amz-.*|expires|signature|key-pair-id|policy|token|sig|hdnts|updated|source|ref|from|client_source|_from)$/i;

/** Those of them that say until when: after that the URL gives nothing. */
const SIGNING_PARAMETER = /^(?:x-amz-.*|expires|signature|key-pair-id|policy|token|sig|hdnts)$/i;

/** Whether a URL expires by itself, as far as its parameters tell. */
export function isSignedUrl(enclosureUrl: string): boolean {
  const query = enclosureUrl.indexOf('?');
  if (query === -1) return false;
  const names = new URLSearchParams(enclosureUrl.slice(query + 1)).keys();
  return [...names].some((name) => SIGNING_PARAMETER.test(name));
}

const HOPS_MAX = 12;
const HOST_SEGMENT = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$/i;
const FILE_SEGMENT = /\.(?:mp3|m4a|m4b|mp4|aac|ogg|oga|opus|flac|wav|wma|mov|php|html?|aspx?)$/i;

/**
 * The enclosure's URL as an identity for items without a GUID (castget#67, airsonic-advanced#505): tracking
 * prefixes looked through, changing parameters dropped, always https. It is never fetched.
 */
export function enclosureKey(enclosureUrl: string): string {
  const url = behindTrackers(new URL(enclosureUrl));
  for (const name of [...url.searchParams.keys()]) {
    if (CHANGING_PARAMETERS.test(name)) url.searchParams.delete(name);
  }
  return `https://${url.host}${url.pathname}${url.search}`;
}

/** What the known tracking hosts in front of it lead to; the URL itself where there are none. */
export function behindTrackers(enclosureUrl: URL): URL {
  let url = enclosureUrl;
  for (let hop = 0; hop < HOPS_MAX; hop++) {
    const inner = TRACKING_HOSTS.has(url.hostname) ? innerUrl(url) : null;
    if (inner === null) break;
    url = inner;
  }
  return url;
}

/** The URL in a tracker's path: whole, escaped, or as host and path; null when there is none. */
function innerUrl(url: URL): URL | null {
  const whole = /\/(https?)(?::|%3a)(?:\/|%2f){1,2}(.+)$/i.exec(url.pathname);
  if (whole !== null) return URL.parse(`https://${unescapeSlashes(whole[2] ?? '')}${url.search}`);
  const segments = url.pathname.split('/');
  const at = segments.findIndex(
    (segment, i) =>
      i < segments.length - 1 && HOST_SEGMENT.test(segment) && !FILE_SEGMENT.test(segment),
  );
  return at < 0 ? null : URL.parse(`https://${segments.slice(at).join('/')}${url.search}`);
}

function unescapeSlashes(text: string): string {
  return text.replace(/%2f/gi, '/').replace(/%3a/gi, ':');
}
