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
const OTHER_REGION = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];
const NO_ROOM = ['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'StorageFull'];
const MISFIT = ['BadDigest', 'XAmzContentSHA256Mismatch', 'InvalidDigest', 'XAmzContentChecksumMismatch'];
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

/** Whether a bucket asks for another region than it was asked in. */
export function isOtherRegion(error: unknown): boolean {
  const { name, status } = factsOf(error);
  return status === 301 || OTHER_REGION.includes(name);
}

/**
 * What a store says becomes a `LibraryError` of one sentence; our own errors pass. Whatever keeps everybody from the bucket
 * (it is not there, nobody is let in, nothing answers) is `offline`: nothing may be called missing then.
 */
export function libraryErrorOf(error: unknown, place: S3Place, path: string): LibraryError {
  if (error instanceof LibraryError) return error;
  const facts = factsOf(error);
  const [code, sentence] = judge(facts, place, path, error);
  return new LibraryError(code, sentence, error);
}

function judge(
  { name, status, message, region }: ServiceError,
  place: S3Place,
  path: string,
  error: unknown,
): readonly [LibraryErrorCode, string] {
  const where = s3PlaceName(place);
  if (name === 'NoSuchBucket')
    return ['offline', `the bucket ${place.bucket} of ${where} is not there: make it, or correct library.url`];
  if (isMissing(error)) return ['missing', `${path} is not in the library`];
  if (NO_CREDENTIALS.test(name))
    return ['offline', `no credentials for ${where} were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give this machine a role`];
  if (UNKNOWN_CREDENTIALS.includes(name))
    return ['offline', `${where} does not know the credentials it was shown (${name}): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE`];
  if (name.startsWith('Expired'))
    return ['offline', `the credentials for ${where} have expired (${name}): renew them`];
  if (name === 'RequestTimeTooSkewed')
    return ['offline', `the clock of this machine differs too much from that of ${where}: set it`];
  if (isOtherRegion(error))
    return ['offline', `the bucket ${place.bucket} is in another region${region}: name it in library.url with region=`];
  if (NO_ROOM.includes(name) || status === 507) return ['full', `no space is left in ${where}`];
  if (status === 401 || status === 403)
    return ['offline', `${where} does not let these credentials do what is needed (${name}): let them list the bucket, and get, put and delete its objects`];
  if (MISFIT.includes(name)) return ['io', `${path} did not arrive in ${where} as it was sent`];
  if (name === 'KeyTooLongError') return ['refused', `${path} is too long a name for ${where}`];
  if (status === 0 || status === 408 || status === 429 || status >= 500)
    return ['offline', `${where} does not answer (${status === 0 ? message : `${name}, status ${status}`}): see to it, and to the way there`];
  return ['io', `${path} in ${where} failed: ${name}, status ${status}: ${message}`];
}

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
