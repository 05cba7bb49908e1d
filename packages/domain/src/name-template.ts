import { err, ok, type Result } from './result.ts';

/**
 * How the readable names of a library are made: folders and a file name with fields in braces, such as
 * `{feed}/{date} - {title} [{id}].{ext}`. A file name holds the id, so that no two episodes can have one name.
 */
export const DEFAULT_NAME_TEMPLATE = '{feed}/{date} - {title} [{id}].{ext}';

/** The titles are as long as a feed likes; the others are short. */
export type NameField = 'feed' | 'title' | 'date' | 'year' | 'id';
export type NamePiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly field: NameField };

export interface NameTemplate {
  readonly folders: readonly (readonly NamePiece[])[];
  /** Without the dot and the extension, which end every name. */
  readonly file: readonly NamePiece[];
}

const FIELDS: readonly NameField[] = ['feed', 'title', 'date', 'year', 'id'];
const FOLDERS_MAX = 3;
/** Of the texts between the fields of one part, so that titles keep most of the room. */
const TEXT_BYTES_MAX = 60;
const ENDING = '.{ext}';

/** Errors are half a sentence: what is wrong with it. */
export function parseNameTemplate(text: string): Result<NameTemplate, string> {
  if (!text.endsWith(ENDING)) return err(`it does not end with ${ENDING}`);
  const parts = text.slice(0, -ENDING.length).split('/');
  if (parts.length > FOLDERS_MAX + 1) return err(`it has more than ${FOLDERS_MAX} folders`);
  const read: NamePiece[][] = [];
  for (const part of parts) {
    const pieces = piecesOf(part);
    if (!pieces.ok) return pieces;
    read.push(pieces.value);
  }
  const file = read.pop() ?? [];
  if (!file.some((piece) => piece.kind === 'field' && piece.field === 'id'))
    return err('its file name has no {id}: two episodes may have one title');
  return ok({ folders: read, file });
}

function piecesOf(part: string): Result<NamePiece[], string> {
  const pieces: NamePiece[] = [];
  for (const [, name, text = ''] of part.matchAll(/\{([a-z]+)\}|([^{}]+|[{}])/gu)) {
    const field = FIELDS.find((known) => known === name);
    if (field === undefined && name !== undefined) return err(`{${name}} is no field`);
    pieces.push(field === undefined ? { kind: 'text', text } : { kind: 'field', field });
  }
  const fault = faultOf(part, pieces);
  return fault === null ? ok(pieces) : err(fault);
}

function faultOf(part: string, pieces: readonly NamePiece[]): string | null {
  if (part.trim() !== part || part === '')
    return 'a part of it is empty, or begins or ends with a space';
  if (/^\.|\.$/u.test(part)) return 'a part of it begins or ends with a dot';
  const own = pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join('');
  if (/[{}\\<>:"|?*\p{C}]/u.test(own)) return 'it has a character that no file name may have';
  if (own.length > TEXT_BYTES_MAX || /[^\x20-\x7e]/.test(own))
    return `its own text has more than ${TEXT_BYTES_MAX} characters in a part, or others than ASCII`;
  return null;
}
