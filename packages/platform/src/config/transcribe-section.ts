import {
  choice,
  commandOrNull,
  duration,
  section,
  share,
  size,
  text,
  textOrNull,
  wholeOrAuto,
} from './setting.ts';

const commandSetting = commandOrNull(
  'The program of the engine `command`, with its arguments: no shell. `{audio}`, `{wav}` (16 kHz, made for it), `{model}`, `{language}`, `{output}` (a path without its extension), `{folder}`, `{prompt}`, `{hotwords}`; an argument that is a list of its own is left out while one of its fields has no value ([engines.md](engines.md)).',
);

const commandOutputSetting = choice(
  'file',
  ['file', 'stdout'],
  'Where `transcribe.command` writes what it heard: a file in `{folder}` that ends with .json, .vtt, .srt or .txt, or its stdout.',
);

const openaiShape = {
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

/** The section `transcribe`: what is asked of the engine, and what the engines besides faster-whisper are told (docs/engines.md). */
export const transcribeShape = {
  max: wholeOrAuto(
    0,
    10_000,
    'Transcriptions at the same time, of all agents together. `auto`: as many as they have slots.',
  ),
  model: text(
    'auto',
    /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/,
    '"auto" or the name of a Whisper model, such as "small.en"',
    'The model. `auto`: `tiny.en` on a CPU.',
  ),
  language: textOrNull(
    /^[a-z]{2,3}$/,
    'a language code such as "en"',
    'The language that is spoken. Null: the model finds out.',
  ),
  checkpointAfter: duration(
    '20m',
    '1s',
    '7d',
    'Of audio that is longer, what is heard is kept every few minutes, so that after a loss another agent goes on from there.',
  ),
  batchSize: wholeOrAuto(
    1,
    128,
    'Windows of audio that the model works on together. `auto`: 8 on a CPU, by its memory on a GPU.',
  ),
  computeType: choice(
    'auto',
    [
      'auto',
      'int8',
      'int8_float32',
      'int8_float16',
      'int8_bfloat16',
      'int16',
      'float16',
      'bfloat16',
      'float32',
    ],
    'The numbers that the model reckons with. `auto`: the best for the device and its memory.',
  ),
  device: choice('auto', ['auto', 'cpu', 'cuda'], 'Where the model runs.'),
  command: commandSetting,
  commandOutput: commandOutputSetting,
  openai: section(openaiShape),
  languageProbe: section({
    offset: duration(
      '1m',
      '0s',
      '10m',
      'Where no language is given, it is found out so far into the audio, behind the jingle; in a short file a tenth of it.',
    ),
    confidenceMin: share(
      0.5,
      'Where the model is less sure than this, it listens further in, twice, and takes what most say; else what was heard in the feed before.',
    ),
  }),
};
