/** What a failed call on a file has seen, for people; null when the error is none of the file system's. */
export function whySeen(error: unknown): string | null {
  const code = errorCode(error);
  return code === null ? null : (reasons[code] ?? null);
}

/** `there is no file x`, `this user may not read x`, …: what was seen when the file at `path` was to be read. */
export function whyNotRead(path: string, error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return `there is no file ${path}`;
    case 'ENOTDIR':
      return `there is no file ${path}: a part of that path is no folder`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not read ${path}`;
    case 'EISDIR':
      return `${path} is a folder, not a file`;
    default:
      return `${path} cannot be read: ${whySeen(error) ?? wordsOf(error)}`;
  }
}

const reasons: { readonly [code: string]: string } = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the disk is mounted read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's quota is used up",
  EIO: 'the disk reports an error (EIO)',
  ENOTDIR: 'a part of that path is a file, not a folder',
  ENOENT: 'its file system takes no new folder there',
  ENAMETOOLONG: 'the name is too long',
  EEXIST: 'there is one already',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
};

/** The system's code of an error, or of what caused it. */
export function errorCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code))
    return error.code;
  return error.cause === undefined ? null : errorCode(error.cause);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
