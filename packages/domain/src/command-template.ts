import { err, ok, type Result } from './result.ts';

/**
 * A program and its arguments, in which fields in braces stand for what only a run knows. There is no shell: what a field
 * holds is one argument or a part of one, whatever its characters. An argument that is a list of its own is left out
 * while one of its fields has no value, such as `[--language, "{language}"]` where the language is to be detected.
 *
 * | field | stands for |
 * |---|---|
 * | `{audio}` | the audio as it was downloaded, in a folder of the run's own |
 * | `{wav}` | the same as 16 kHz mono WAV, made for it |
 * | `{model}` | the model's name |
 * | `{language}` | the language's code; `auto` where it is to be detected |
 * | `{output}` | the path without its extension where the transcript is to lie |
 * | `{folder}` | the run's folder, which is the current one too |
 * | `{prompt}`, `{hotwords}` | the feed's own |
 */
export interface CommandTemplate {
  /** A name in PATH, or a path. */
  readonly program: string;
  readonly arguments: readonly (string | readonly string[])[];
}

export const COMMAND_FIELDS = [
  'audio',
  'wav',
  'model',
  'language',
  'output',
  'folder',
  'prompt',
  'hotwords',
] as const;
export type CommandField = (typeof COMMAND_FIELDS)[number];

/** Null: it has none. */
export type CommandValues = Readonly<Record<CommandField, string | null>>;

const ARGUMENTS_MAX = 100;
const ARGUMENT_LENGTH_MAX = 4_096;
const FIELD = /\{([a-z]+)\}/g;

/** Errors are half a sentence: what is wrong with it. */
export function parseCommandTemplate(value: unknown): Result<CommandTemplate, string> {
  if (!Array.isArray(value) || value.length === 0) return err('it is no list with a program');
  const [program, ...rest] = value as readonly unknown[];
  if (!isArgument(program) || program === '' || fieldsIn(program).length > 0)
    return err('it does not begin with a program');
  const read = rest.filter(isPart);
  if (read.length < rest.length) return err('one of its arguments is no text');
  const fault = faultOf(read);
  return fault === null ? ok({ program, arguments: read }) : err(fault);
}

function faultOf(parts: CommandTemplate['arguments']): string | null {
  if (parts.flat().length >= ARGUMENTS_MAX) return 'it is too long';
  const fields = parts.flat().flatMap(fieldsIn);
  const unknown = fields.find((name) => !COMMAND_FIELDS.some((field) => field === name));
  if (unknown !== undefined) return `{${unknown}} is no field`;
  return fields.includes('audio') || fields.includes('wav')
    ? null
    : 'it has neither {audio} nor {wav}';
}

export function hasField(template: CommandTemplate, field: CommandField): boolean {
  return template.arguments.flat().some((text) => fieldsIn(text).includes(field));
}

/** The arguments of one run, without the program. */
export function fillCommand(template: CommandTemplate, values: CommandValues): readonly string[] {
  return template.arguments.flatMap((part) => {
    if (typeof part === 'string') return [filled(part, values)];
    const isEmpty = part.flatMap(fieldsIn).some((name) => valueFor(name, values) === null);
    return isEmpty ? [] : part.map((text) => filled(text, values));
  });
}

/** Once over the text: what a value holds is no field. A value must not be read as an option. */
function filled(text: string, values: CommandValues): string {
  const whole = text.replace(FIELD, (_, name: string) => {
    const value = valueFor(name, values);
    return value ?? (name === 'language' ? 'auto' : '');
  });
  return !text.startsWith('-') && whole.startsWith('-') ? ` ${whole}` : whole;
}

function valueFor(name: string, values: CommandValues): string | null {
  const field = COMMAND_FIELDS.find((known) => known === name);
  return field === undefined ? null : values[field];
}

function fieldsIn(text: string): readonly string[] {
  return [...text.matchAll(FIELD)].map(([, name]) => name ?? '');
}

function isPart(value: unknown): value is string | readonly string[] {
  return Array.isArray(value) ? value.every(isArgument) : isArgument(value);
}

function isArgument(value: unknown): value is string {
  return typeof value === 'string' && value.length <= ARGUMENT_LENGTH_MAX && !value.includes('\0');
}
