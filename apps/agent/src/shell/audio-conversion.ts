import { dirname } from 'node:path';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { ENGINE_FAILURE_CODES, type EngineFailure } from '../core/engine-failure.ts';
import { exitWords, runProgram } from './program-run.ts';

/** Our own Python, which reads all audio that there is (apps/agent/engines/audio_conversion.py). */
export interface Converter {
  readonly python: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly lockFd: number | null;
  readonly clock: Clock;
}

const ANSWER_BYTES_MAX = 100_000;

/** @param target ends with .wav or .ogg, and lies in a folder of the run's own. Gives the seconds of audio. */
export async function convertAudio(
  converter: Converter,
  source: string,
  target: string,
  said: (line: string) => void,
  signal: AbortSignal,
): Promise<Result<number, EngineFailure>> {
  const { python: command, script, env, lockFd, clock } = converter;
  let last = '';
  const end = await runProgram(
    {
      ...{ name: 'the conversion of audio', command, args: ['-B', script, source, target] },
      ...{ folder: dirname(target), uncounted: [target.slice(dirname(target).length + 1)] },
      ...{ env, lockFd, clock, said, outputBytesMax: ANSWER_BYTES_MAX },
      onLine: (line) => {
        last = line;
      },
    },
    signal,
  );
  switch (end.kind) {
    case 'cancelled':
      return err({ code: 'cancelled', message: 'The transcription was cancelled.' });
    case 'unstartable':
      return err({ code: 'engine_missing', message: end.message });
    case 'boundless':
      return err({ code: 'internal', message: end.message });
    case 'exited':
      return (
        answerIn(last) ??
        err({ code: 'internal', message: `The conversion of audio died: ${exitWords(end.exit)}` })
      );
  }
}

function answerIn(line: string): Result<number, EngineFailure> | null {
  try {
    const { kind, durationSeconds, code, message } = JSON.parse(line) as Record<string, unknown>;
    if (kind === 'done' && typeof durationSeconds === 'number') return ok(durationSeconds);
    if (kind !== 'failed') return null;
    const known = ENGINE_FAILURE_CODES.find((one) => one === code) ?? 'internal';
    return err({ code: known, message: String(message).slice(0, 500) });
  } catch {
    return null;
  }
}
