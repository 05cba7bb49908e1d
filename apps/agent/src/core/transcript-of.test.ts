import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { expect, test } from 'vitest';
import { WHISPER_CAPABILITIES } from './engine-capabilities.ts';
import { type TranscribeWork, transcriptOf } from './transcript-of.ts';

const agent = agentId('local');
invariant(agent.ok, 'an agent id');
const by = { agent: agent.value, startedAtMs: 1, finishedAtMs: 2 };
const rest = { engine: 'e', engineVersion: '1', revision: 'r', device: 'd', computeType: 'c' };
const loaded = { ...rest, model: 'm', note: null };
const times = { durationSeconds: 1, speechSeconds: 1, elapsedMs: 1 };
const raw = { segments: [], language: 'en', languageProbability: 0.9, ...times };
const work: TranscribeWork = {
  ...{ kind: 'transcribe', audioPath: 'a', audioSha256: 'b', audioSeconds: 1, model: 'm' },
  ...{ language: 'de', prompt: 'Names', hotwords: 'Words' },
};

test('a transcript says of its making what its engine was told, and nothing that is beyond it', () => {
  const { parameters } = transcriptOf(work, loaded, raw, by, WHISPER_CAPABILITIES).provenance;
  expect(parameters).toEqual({ language: 'de', prompt: 'Names', hotwords: 'Words' });
  const less = { ...WHISPER_CAPABILITIES, language: false, hotwords: false };
  const transcript = transcriptOf(work, loaded, raw, by, less);
  expect(transcript.provenance.parameters).toEqual({ language: null, prompt: 'Names' });
  // It was not told: what it heard was found out.
  expect(transcript).toMatchObject({ language: 'en', languageProbability: 0.9 });
});
