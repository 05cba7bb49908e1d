import { choice, commandOrNull, duration, size, textOrNull } from './setting.ts';

/** What the engines besides faster-whisper are told, within the section `transcribe` (docs/engines.md). */
export const commandSetting = commandOrNull(
  'The program of the engine `command`, with its arguments: no shell. `{audio}`, `{wav}` (16 kHz, made for it), `{model}`, `{language}`, `{output}` (a path without its extension), `{folder}`, `{prompt}`, `{hotwords}`; an argument that is a list of its own is left out while one of its fields has no value ([engines.md](engines.md)).',
);

export const commandOutputSetting = choice(
  'file',
  ['file', 'stdout'],
  'Where `transcribe.command` writes what it heard: a file in `{folder}` that ends with .json, .vtt, .srt or .txt, or its stdout.',
);

export const openaiShape = {
  url: textOrNull(
    /^https?:\/\/[^\s/@?#]{1,250}(?:\/[^\s@?#]{0,500})?$/,
    'http:// or https:// with a host and a path, without user and query, such as "http://127.0.0.1:8000/v1"',
    'Where the engine `openai` asks: what stands before `/audio/transcriptions`.',
  ),
  model: textOrNull(
    /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/,
    'the name that the server has for a model',
    'The model that is asked for where none is named (`transcribe.model` is `auto`). Null: `whisper-1`.',
  ),
  tokenFile: textOrNull(
    /^[^\0]{1,4096}$/,
    'a file',
    'Holds the bearer token for `transcribe.openai.url`, and nothing else. Null: none is sent.',
  ),
  timeout: duration(
    '1h',
    '1s',
    '1d',
    'The longest that one answer of the server may take, from the first byte sent.',
  ),
  uploadMax: size(
    '25MB',
    '10KB',
    '1000TB',
    'The most that the server takes at once. Larger audio is sent as Opus of 24 kbit/s: two hours in 25 MB.',
  ),
};
