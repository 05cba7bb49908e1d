import { lstat, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { extname, join } from 'node:path';
import {
  type CommandTemplate,
  type CommandValues,
  fillCommand,
  hasField,
} from '@podctl/domain/command-template.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { readAudioFacts } from '@podctl/platform/audio-facts.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import type { HeardText } from '../core/engine-json.ts';
import { OUTPUT_FORMS, readEngineOutput, readPrinted } from '../core/engine-output.ts';
import { toldSeconds } from '../core/engine-progress.ts';
import { type Converter, convertAudio } from './audio-conversion.ts';
import type { TranscribeRequest } from './engine.ts';
import { exitWords, type ProgramEnd, runProgram } from './program-run.ts';

export interface CommandSpec {
  readonly template: CommandTemplate;
  readonly output: 'file' | 'stdout';
  /** Each run has a folder of its own in it, on a disk with room for an hour's WAV. */
  readonly folder: string;
  /** The program's. */
  readonly env: NodeJS.ProcessEnv;
  readonly converter: Converter;
}

/** What a run came to, and how long the audio is; null where neither it nor the audio tells. */
export interface CommandHeard {
  readonly heard: HeardText;
  readonly durationSeconds: number | null;
}

export interface CommandListener {
  readonly said: (line: string) => void;
  readonly measured: (durationSeconds: number | null) => void;
  readonly told: (seconds: number) => void;
}

/** Of one transcript; a day of speech is one MB of text. */
export const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const WAV = 'audio.wav';
/** What a shell says of a program that is not there, or is none. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** One run of the program: the audio in, its transcript out, and nothing left behind. */
export async function runCommand(
  spec: CommandSpec,
  model: string,
  request: TranscribeRequest,
  listener: CommandListener,
  signal: AbortSignal,
): Promise<Result<CommandHeard, EngineFailure>> {
  const folder = await mkdtemp(join(spec.folder, 'run-'));
  try {
    const audio = await prepared(spec, folder, request.audioPath, listener.said, signal);
    if (!audio.ok) return audio;
    const { durationSeconds } = audio.value;
    listener.measured(durationSeconds);
    const values: CommandValues = {
      ...{ audio: audio.value.link, wav: join(folder, WAV), model, folder },
      ...{ language: request.language, output: join(folder, 'transcript') },
      ...{ prompt: request.prompt ?? null, hotwords: request.hotwords ?? null },
    };
    const printed: string[] = [];
    const progress = (line: string) => {
      const seconds = toldSeconds(line.slice(line.lastIndexOf('\r') + 1), durationSeconds);
      if (seconds !== null) listener.told(seconds);
    };
    const end = await runProgram(
      {
        ...{ name: spec.template.program, command: spec.template.program, folder },
        ...{ args: fillCommand(spec.template, values), uncounted: [WAV] },
        ...{ env: spec.env, lockFd: spec.converter.lockFd, clock: spec.converter.clock },
        outputBytesMax: OUTPUT_BYTES_MAX,
        onLine: (line) => {
          progress(line);
          if (spec.output === 'stdout') printed.push(line);
        },
        said: (line) => {
          progress(line);
          listener.said(line);
        },
      },
      signal,
    );
    const failure = failureOf(spec, end);
    if (failure !== null) return err(failure);
    const heard =
      spec.output === 'stdout' ? readPrinted(printed.join('\n')) : await writtenIn(folder);
    return heard === null ? err(muteOf(spec, end)) : ok({ heard, durationSeconds });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The audio under a name of the run's own, so that what a program writes beside it is in the run's folder. */
async function prepared(
  { template, converter }: CommandSpec,
  folder: string,
  source: string,
  said: (line: string) => void,
  signal: AbortSignal,
): Promise<Result<{ link: string; durationSeconds: number | null }, EngineFailure>> {
  const extension = /^\.[a-z0-9]{1,5}$/i.exec(extname(source))?.[0] ?? '';
  const link = join(folder, `episode${extension}`);
  await symlink(source, link);
  if (hasField(template, 'wav')) {
    const made = await convertAudio(converter, source, join(folder, WAV), said, signal);
    return made.ok ? ok({ link, durationSeconds: made.value }) : made;
  }
  const facts = await readAudioFacts(source).catch((error: unknown) => String(error));
  if (typeof facts === 'string') return err({ code: 'internal', message: `${facts}.` });
  if (facts.ok) return ok({ link, durationSeconds: facts.value.seconds });
  return err({ code: 'audio_unreadable', message: 'The file is no audio that can be decoded.' });
}

function failureOf({ template }: CommandSpec, end: ProgramEnd): EngineFailure | null {
  switch (end.kind) {
    case 'cancelled':
      return { code: 'cancelled', message: 'The transcription was cancelled.' };
    case 'boundless':
      return { code: 'engine_babble', message: end.message };
    case 'unstartable':
      return { code: 'engine_missing', message: end.message };
    case 'exited': {
      const { code, signal } = end.exit;
      if (code === 0) return null;
      const words = exitWords(end.exit);
      if (code === NOT_FOUND || code === NOT_EXECUTABLE)
        return { code: 'engine_missing', message: `${template.program} cannot be run: ${words}` };
      // The shell beside it passes on who killed it as 128 and the signal's number.
      const isKilled = signal !== null || (code !== null && code > 128);
      return isKilled
        ? { code: 'engine_died', message: `${template.program} died: ${words}` }
        : { code: 'command_failed', message: `${template.program} failed: ${words}` };
    }
  }
}

function muteOf({ template, output }: CommandSpec, end: ProgramEnd): EngineFailure {
  const said = end.kind === 'exited' ? ` ${exitWords(end.exit)}` : '';
  const expected =
    output === 'stdout'
      ? 'on its stdout (transcribe.commandOutput)'
      : `in {folder}, in a file that ends with ${OUTPUT_FORMS.map((form) => `.${form}`).join(', ')}`;
  return {
    code: 'command_mute',
    message: `${template.program} ended well and left no transcript ${expected}:${said}`,
  };
}

/** The file that tells most; null: none that can be read. */
async function writtenIn(folder: string): Promise<HeardText | null> {
  const names = (await readdir(folder)).sort();
  for (const form of OUTPUT_FORMS)
    for (const name of names.filter((one) => one.toLowerCase().endsWith(`.${form}`))) {
      const path = join(folder, name);
      const found = await lstat(path);
      if (!found.isFile() || found.size > OUTPUT_BYTES_MAX) continue;
      const heard = readEngineOutput(form, await readFile(path, 'utf8'));
      if (heard !== null) return heard;
    }
  return null;
}
