import { expect, test } from 'vitest';
import { LibraryError } from '../../library.ts';
import { isMissing, isTaken, libraryErrorOf } from './s3-errors.ts';

const PLACE = { bucket: 'pods', prefix: 'a/', endpoint: null, region: null, pathStyle: false };

/** As the SDK throws it. */
function thrown(name: string, httpStatusCode?: number, message = name): Error {
  const error = new Error(message);
  error.name = name;
  return Object.assign(error, {
    $metadata: httpStatusCode === undefined ? {} : { httpStatusCode },
  });
}

test.each([
  [thrown('NoSuchKey', 404), 'missing', 'x/y is not in the library'],
  [thrown('NotFound', 404), 'missing', 'x/y is not in the library'],
  [thrown('NoSuchBucket', 404), 'offline', 'make it, or correct library.url'],
  [thrown('CredentialsProviderError'), 'offline', 'set AWS_ACCESS_KEY_ID'],
  [thrown('Error', undefined, 'Region is missing'), 'offline', 'set AWS_REGION'],
  [thrown('InvalidAccessKeyId', 403), 'offline', 'does not know the credentials'],
  [thrown('ExpiredToken', 400), 'offline', 'have expired'],
  [thrown('RequestTimeTooSkewed', 403), 'offline', 'the clock of this machine'],
  [thrown('PermanentRedirect', 301), 'offline', 'region='],
  [thrown('AccessDenied', 403), 'offline', 'let them list the bucket'],
  [thrown('Forbidden', 403), 'offline', 'let them list the bucket'],
  [thrown('SlowDown', 503), 'offline', 'does not answer (SlowDown, status 503)'],
  [thrown('TimeoutError', undefined, 'timed out'), 'offline', 'does not answer (timed out)'],
  [thrown('QuotaExceeded', 400), 'full', 'no space is left'],
  [thrown('BadDigest', 400), 'io', 'did not arrive'],
  [thrown('KeyTooLongError', 400), 'refused', 'too long'],
  [thrown('InvalidRequest', 400, 'what?'), 'io', 'InvalidRequest, status 400: what?'],
] as const)('%s is %s, in one sentence', (error, code, words) => {
  const told = libraryErrorOf(error, PLACE, 'x/y');
  expect(told).toBeInstanceOf(LibraryError);
  expect([told.code, told.message]).toEqual([code, expect.stringContaining(words)]);
  expect(told.message).not.toContain('\n');
});

test('an error of ours passes as it is, and only an object can be missing or taken', () => {
  const ours = new LibraryError('offline', 'ours');
  expect(libraryErrorOf(ours, PLACE, 'x')).toBe(ours);
  expect(isMissing(thrown('NoSuchBucket', 404))).toBe(false);
  expect(isMissing(thrown('NotFound', 404))).toBe(true);
  expect(isTaken(thrown('PreconditionFailed', 412))).toBe(true);
  expect(isTaken(thrown('AccessDenied', 403))).toBe(false);
});
