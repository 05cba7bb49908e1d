import { err, ok, type Result } from '@podctl/domain/result.ts';
import {
  type Decoding,
  LANGUAGE_WAYS,
  type LanguageProbe,
  type ProbedLanguage,
} from '../core/decoding.ts';
import { ENGINE_FAILURE_CODES, type EngineFailureCode } from '../core/engine-failure.ts';
import type {
  EngineParameters,
  LoadedModel,
  RawSegment,
  RawTranscript,
  RawWord,
} from '../core/raw-transcript.ts';

/** Protocol 1 of the faster-whisper engine, as apps/agent/engines/README.md has it. */
export const ENGINE_PROTOCOL = 1;

export type EngineLine =
  | {
      readonly kind: 'hello';
      readonly protocol: number;
      readonly engine: string;
      readonly version: string;
    }
  | { readonly kind: 'alive' }
  | {
      readonly kind: 'loaded';
      readonly id: string;
      readonly model: Omit<LoadedModel, 'engine' | 'engineVersion'>;
    }
  | {
      readonly kind: 'position';
      readonly id: string;
      readonly seconds: number;
      readonly durationSeconds: number | null;
    }
  | { readonly kind: 'segment'; readonly id: string; readonly segment: RawSegment }
  /** Its totals are those up to there. */
  | {
      readonly kind: 'checkpoint';
      readonly id: string;
      readonly totals: Omit<RawTranscript, 'segments'>;
    }
  | { readonly kind: 'done'; readonly id: string; readonly totals: Omit<RawTranscript, 'segments'> }
  | {
      readonly kind: 'failed';
      readonly id: string | null;
      readonly code: EngineFailureCode;
      readonly message: string;
    };

export type EngineRequest =
  | {
      readonly kind: 'load';
      readonly id: string;
      readonly model: string;
      /** Its folder; null: the engine finds it. */
      readonly path: string | null;
      readonly device: string;
      readonly computeType: string;
    }
  | {
      readonly kind: 'transcribe';
      readonly id: string;
      readonly audio: string;
      readonly language: string | null;
      readonly batchSize: number;
      readonly initialPrompt: string | null;
      readonly hotwords: string | null;
      readonly fromSeconds: number | null;
      readonly toSeconds: number | null;
      readonly windowSeconds: number | null;
      readonly decoding: Decoding | null;
      readonly languageProbe: LanguageProbe | null;
    }
  | { readonly kind: 'cancel'; readonly id: string };

/** One sentence when the line is none of the protocol. */
export function decodeEngineLine(text: string): Result<EngineLine, string> {
  try {
    return ok(lineFrom(new Fields(JSON.parse(text))));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return err(`The engine wrote a line that is not of its protocol: ${why}`);
  }
}

function lineFrom(fields: Fields): EngineLine {
  const kind = fields.text('kind');
  switch (kind) {
    case 'hello':
      return {
        kind,
        protocol: fields.number('protocol'),
        engine: fields.text('engine'),
        version: fields.text('version'),
      };
    case 'alive':
      return { kind };
    case 'loaded':
      return { kind, id: fields.text('id'), model: loadedFrom(fields) };
    case 'position':
      return {
        kind,
        id: fields.text('id'),
        seconds: fields.number('seconds'),
        durationSeconds: fields.numberOrNull('durationSeconds'),
      };
    case 'segment':
      return { kind, id: fields.text('id'), segment: segmentFrom(fields) };
    case 'checkpoint':
      return { kind, id: fields.text('id'), totals: totalsFrom(fields, 'seconds') };
    case 'done':
      return { kind, id: fields.text('id'), totals: totalsFrom(fields, 'durationSeconds') };
    case 'failed':
      return {
        kind,
        id: fields.textOrNull('id'),
        code: ENGINE_FAILURE_CODES.find((code) => code === fields.text('code')) ?? 'internal',
        message: fields.text('message'),
      };
    default:
      throw new Error(`kind is ${JSON.stringify(kind)}`);
  }
}

function loadedFrom(fields: Fields): Omit<LoadedModel, 'engine' | 'engineVersion'> {
  return {
    model: fields.text('model'),
    revision: fields.text('revision'),
    device: fields.text('device'),
    computeType: fields.text('computeType'),
    note: fields.textOrNull('note'),
  };
}

/** A segment as the engine writes it, which is also how it is kept. Throws with a field's name. */
export function decodeSegment(value: unknown): RawSegment {
  return segmentFrom(new Fields(value));
}

function segmentFrom(fields: Fields): RawSegment {
  return {
    start: fields.number('start'),
    end: fields.number('end'),
    text: fields.text('text'),
    avgLogprob: fields.numberOrNull('avgLogprob'),
    noSpeechProb: fields.numberOrNull('noSpeechProb'),
    words: fields.list('words').map(wordFrom),
  };
}

function wordFrom(value: unknown): RawWord {
  const fields = new Fields(value);
  return {
    start: fields.number('start'),
    end: fields.number('end'),
    word: fields.text('word'),
    probability: fields.numberOrNull('probability'),
  };
}

function probedFrom(value: unknown): ProbedLanguage {
  const fields = new Fields(value);
  return {
    atSeconds: fields.number('atSeconds'),
    language: fields.text('language'),
    probability: fields.number('probability'),
  };
}

function totalsFrom(fields: Fields, upTo: string): Omit<RawTranscript, 'segments'> {
  return {
    language: fields.textOrNull('language'),
    languageProbability: fields.numberOrNull('languageProbability'),
    languageBy: LANGUAGE_WAYS.find((way) => way === fields.textOrNull('languageBy')),
    languageProbes: fields.list('languageProbes').map(probedFrom),
    durationSeconds: fields.number(upTo),
    speechSeconds: fields.number('speechSeconds'),
    elapsedMs: fields.number('elapsedMs'),
    parameters: fields.scalars('parameters'),
  };
}

/** Throws with the field's name, which `decodeEngineLine` turns into a sentence. */
class Fields {
  readonly #value: Record<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null) throw new Error('it is no JSON object');
    this.#value = { ...value };
  }

  text(name: string): string {
    const value = this.#value[name];
    if (typeof value !== 'string') throw new Error(`${name} is no text`);
    return value;
  }

  textOrNull(name: string): string | null {
    return (this.#value[name] ?? null) === null ? null : this.text(name);
  }

  number(name: string): number {
    const value = this.#value[name];
    if (typeof value !== 'number') throw new Error(`${name} is no number`);
    return value;
  }

  numberOrNull(name: string): number | null {
    return (this.#value[name] ?? null) === null ? null : this.number(name);
  }

  /** Plain values alone; absent when there are none. */
  scalars(name: string): EngineParameters | undefined {
    const value = this.#value[name];
    if (typeof value !== 'object' || value === null) return undefined;
    const plain = Object.entries(value).slice(0, PARAMETERS_MAX).filter(isPlain);
    return plain.length === 0 ? undefined : Object.fromEntries(plain);
  }

  /** Absent is empty. */
  list(name: string): readonly unknown[] {
    const value = this.#value[name] ?? [];
    if (!Array.isArray(value)) throw new Error(`${name} is no list`);
    return value;
  }
}

const PARAMETERS_MAX = 100;

function isPlain(entry: [string, unknown]): entry is [string, string | number | boolean | null] {
  const [, value] = entry;
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
