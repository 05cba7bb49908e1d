/** Letters and digits in a row, as tokens are made: no word and no name is so long, and the parts of a UUID are not. */
const RUN = /[A-Za-z0-9]{20,}/g;

/**
 * A path as it may be shown. Which part of a URL is a secret cannot be known. The rule: user, password, the whole query
 * and the fragment always are; of the path each run of 20 or more letters and digits that has both is taken for a token,
 * since some hosts of private feeds put it there. UUIDs are kept: public feeds are named by them.
 */
export function shownPath(path: string): string {
  return path.replace(RUN, (run) => (isToken(run) ? '***' : run));
}

function isToken(run: string): boolean {
  return /[0-9]/.test(run) && /[A-Za-z]/.test(run);
}
