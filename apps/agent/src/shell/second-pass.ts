import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { ok, type Result } from '@podctl/domain/result.ts';
import {
  betterOf,
  isPoor,
  type JudgedHearing,
  judgedHearing,
  type Passes,
  SECOND_DECODING,
} from '../core/judged-hearing.ts';
import type { LoadedModel } from '../core/raw-transcript.ts';
import type { TranscribeWork } from '../core/transcript-of.ts';
import type { AudioInput } from './attempt-store.ts';
import type { Engine } from './engine.ts';
import { hear, type Listening } from './hearing.ts';
import type { JobContext } from './jobs.ts';

export interface HeardPasses {
  /** Of the pass that is kept. */
  readonly model: LoadedModel;
  readonly passes: Passes;
}

/** Of the progress of a job whose first pass may be followed by a second one. */
const FIRST_SHARE = 0.9;

/**
 * Has an engine listen, and once more in another way where what it heard is poor (`qualityMin` of the work). A second pass
 * that fails never loses the first; a job that is called off ends in either.
 */
export async function hearWell(
  engine: Engine,
  audio: AudioInput,
  work: TranscribeWork,
  context: JobContext,
  listening: Pick<Listening, 'languageHint' | 'long'> = {},
): Promise<Result<HeardPasses, ResultOutcome>> {
  const { qualityMin = 0 } = work;
  const mayRepeat = qualityMin > 0 && engine.capabilities.decoding;
  const share = mayRepeat ? FIRST_SHARE : 1;
  const heard = await hear(engine, audio, work, within(context, 0, share), listening);
  if (!heard.ok) return heard;
  const { model } = heard.value;
  const first = judgedHearing(work, heard.value.raw);
  if (!mayRepeat || !isPoor(first, qualityMin))
    return ok({ model, passes: { kind: 'one', kept: first } });
  const found = { model, first, engine, audio, work, listening };
  return hearAgain(found, within(context, share, 1));
}

interface FirstPass {
  readonly model: LoadedModel;
  readonly first: JudgedHearing;
  readonly engine: Engine;
  readonly audio: AudioInput;
  readonly work: TranscribeWork;
  readonly listening: Pick<Listening, 'languageHint' | 'long'>;
}

async function hearAgain(
  { model, first, engine, audio, work, listening }: FirstPass,
  context: JobContext,
): Promise<Result<HeardPasses, ResultOutcome>> {
  const { signal, log } = context;
  const qualityFirst = first.quality?.figure ?? null;
  log.info({ quality: qualityFirst }, 'The transcript is poor: the engine listens once more');
  // The language is found already: a second look would compare two languages, not two passes.
  const again = { ...work, language: work.language ?? first.raw.language };
  const second = await hear(engine, audio, again, context, {
    ...listening,
    decoding: SECOND_DECODING,
  });
  if (!second.ok) {
    if (signal.aborted) return second;
    const { error } = second;
    const code = error.kind === 'failed' ? error.code : error.kind;
    log.warn({ code }, 'The second pass failed: the first one is kept');
    return ok({ model, passes: { kind: 'failed', kept: first, code } });
  }
  const { languageProbability, languageBy, languageProbes } = first.raw;
  const isFound = first.raw.language !== null;
  const found = isFound ? { languageProbability, languageBy, languageProbes } : {};
  const judged = judgedHearing(again, { ...second.value.raw, ...found });
  const passes = betterOf(again, first, judged);
  const qualitySecond = passes.second.quality?.figure ?? null;
  log.info({ qualityFirst, qualitySecond, kept: passes.kept }, 'It has listened once more');
  const of = passes.kept === 1 ? model : second.value.model;
  return ok({ model: of, passes: { kind: 'two', passes } });
}

/** Never backwards, and within a part of the whole. */
function within(context: JobContext, from: number, to: number): JobContext {
  return {
    ...context,
    progress: (fraction) => context.progress(from + (to - from) * Math.min(1, fraction)),
  };
}
