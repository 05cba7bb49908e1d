import { type S3Place, s3PlaceName } from '../../config/s3-place.ts';
import { LibraryError, type LibraryErrorCode } from '../../library.ts';

/** What the SDK's errors have in common: the service's code as the name, the status beside it. */
interface ServiceError {
  readonly name: string;
  readonly status: number;
  readonly message: string;
  readonly region: string;
}

const MISSING = ['NoSuchKey', 'NotFound', 'NoSuchUpload', 'NoSuchVersion'];
const UNKNOWN_CREDENTIALS = ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken'];
const OTHER_REGION = [
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
];
const NO_ROOM = ['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'StorageFull'];
const MISFIT = [
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'InvalidDigest',
  'XAmzContentChecksumMismatch',
];
const NO_CREDENTIALS = /^(?:CredentialsProviderError|TokenProviderError|ProviderError)$/;

/** Whether the store says that there is no such object. */
export function isMissing(error: unknown): boolean {
  const { name, status } = factsOf(error);
  return name !== 'NoSuchBucket' && (MISSING.includes(name) || status === 404);
}

/** Whether a condition of a write was not met: somebody else was first. */
export function isTaken(error: unknown): boolean {
  const { name, status } = factsOf(error);
  return status === 412 || status === 409 || name === 'PreconditionFailed';
}

/** Whether the store does not know conditions on writes. */
export function isUnsupported(error: unknown): boolean {
  return factsOf(error).status === 501 || factsOf(error).name === 'NotImplemented';
}

/**
 * What a store says becomes a `LibraryError` of one sentence; our own errors pass. Whatever keeps everybody from the bucket
 * (it is not there, nobody is let in, nothing answers) is `offline`: nothing may be called missing then.
 */
export function libraryErrorOf(error: unknown, place: S3Place, path: string): LibraryError {
  if (error instanceof LibraryError) return error;
  const facts = factsOf(error);
  const where = s3PlaceName(place);
  const rule = RULES.find(({ fits }) => fits(facts));
  if (rule !== undefined)
    return new LibraryError(rule.code, rule.say(where, facts, place, path), error);
  const { name, status, message } = facts;
  const sentence = `${path} in ${where} failed: ${name}, status ${status}: ${message}`;
  return new LibraryError('io', sentence, error);
}

interface Rule {
  fits(of: ServiceError): boolean;
  readonly code: LibraryErrorCode;
  /** @param where the bucket as a person names it. */
  say(where: string, of: ServiceError, place: S3Place, path: string): string;
}

const named = (names: readonly string[]) => (of: ServiceError) => names.includes(of.name);

/** The first that fits counts. */
const RULES: readonly Rule[] = [
  {
    fits: named(['NoSuchBucket']),
    code: 'offline',
    say: (where, _of, { bucket }) =>
      `the bucket ${bucket} of ${where} is not there: make it, or correct library.url`,
  },
  {
    fits: ({ name, status }) => MISSING.includes(name) || status === 404,
    code: 'missing',
    say: (_where, _of, _place, path) => `${path} is not in the library`,
  },
  {
    fits: ({ name }) => NO_CREDENTIALS.test(name),
    code: 'offline',
    say: (where) =>
      `no credentials for ${where} were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give this machine a role`,
  },
  {
    fits: ({ status, message }) => status === 0 && message.startsWith('Region is missing'),
    code: 'offline',
    say: (where) =>
      `the region of ${where} is not known: name it in library.url with region=, or set AWS_REGION`,
  },
  {
    fits: named(UNKNOWN_CREDENTIALS),
    code: 'offline',
    say: (where, { name }) =>
      `${where} does not know the credentials it was shown (${name}): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE`,
  },
  {
    fits: ({ name }) => name.startsWith('Expired'),
    code: 'offline',
    say: (where, { name }) => `the credentials for ${where} have expired (${name}): renew them`,
  },
  {
    fits: named(['RequestTimeTooSkewed']),
    code: 'offline',
    say: (where) => `the clock of this machine differs too much from that of ${where}: set it`,
  },
  {
    fits: ({ name, status }) => status === 301 || OTHER_REGION.includes(name),
    code: 'offline',
    say: (_where, { region }, { bucket }) =>
      `the bucket ${bucket} is in another region${region}: name it in library.url with region=`,
  },
  {
    fits: ({ name, status }) => NO_ROOM.includes(name) || status === 507,
    code: 'full',
    say: (where) => `no space is left in ${where}`,
  },
  {
    fits: ({ status }) => status === 401 || status === 403,
    code: 'offline',
    say: (where, { name }) =>
      `${where} does not let these credentials do what is needed (${name}): let them list the bucket, and get, put and delete its objects`,
  },
  {
    fits: named(MISFIT),
    code: 'io',
    say: (where, _of, _place, path) => `${path} did not arrive in ${where} as it was sent`,
  },
  {
    fits: named(['KeyTooLongError']),
    code: 'refused',
    say: (where, _of, _place, path) => `${path} is too long a name for ${where}`,
  },
  {
    fits: ({ status }) => status === 0 || status === 408 || status === 429 || status >= 500,
    code: 'offline',
    say: (where, { name, status, message }) =>
      `${where} does not answer (${status === 0 ? message : `${name}, status ${status}`}): see to it, and to the way there`,
  },
];

function factsOf(error: unknown): ServiceError {
  if (!(error instanceof Error)) return { name: '', status: 0, message: String(error), region: '' };
  const metadata = field(error, '$metadata');
  const status = Number(field(metadata, 'httpStatusCode') ?? 0);
  const code = field(error, 'Code') ?? field(error, 'code');
  const named = error.name === 'Error' && typeof code === 'string' ? code : error.name;
  const told = field(error, 'Region') ?? field(error, 'region');
  const message = error.message === '' ? named : error.message;
  return { name: named, status, message, region: typeof told === 'string' ? ` (${told})` : '' };
}

function field(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
}
