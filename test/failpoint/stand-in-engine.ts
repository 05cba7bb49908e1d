import { createInterface } from 'node:readline';

/**
 * Speaks protocol 1 of apps/agent/engines/README.md in the place of the real engine, and works by the clock: every audio
 * takes the same time, of which nothing is spent on a core.
 */
const WORK_MS = 60;
/** As long as the header of its audio says. */
const AUDIO_SECONDS = 34;

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({
  kind: 'hello',
  protocol: 1,
  engine: 'stand-in',
  version: '1',
  python: 'none',
  pid: process.pid,
});
const alive = setInterval(() => say({ kind: 'alive', id: null, uptimeMs: 0 }), 2_000);
const lines = createInterface({ input: process.stdin });
lines.once('close', () => clearInterval(alive));
lines.on('line', (text) => {
  const { kind, id, model } = JSON.parse(text) as { kind: string; id: string; model?: string };
  if (kind === 'load') loaded(id, model ?? '');
  if (kind === 'transcribe') transcribe(id);
});

function loaded(id: string, model: string): void {
  const revision = '0'.repeat(64);
  const how = { origin: 'path', path: '', fallback: false, device: 'cpu', computeType: 'int8' };
  say({ kind: 'loaded', id, model, revision, ...how, loadMs: 0, note: null });
}

function transcribe(id: string): void {
  say({ kind: 'position', id, seconds: 0, durationSeconds: AUDIO_SECONDS });
  setTimeout(() => {
    const words = [{ start: 0, end: 1, word: ' Tick', probability: 1 }];
    const quality = { avgLogprob: 0, noSpeechProb: 0 };
    say({ kind: 'segment', id, index: 0, start: 0, end: 1, text: 'Tick', ...quality, words });
    say({ kind: 'position', id, seconds: AUDIO_SECONDS, durationSeconds: AUDIO_SECONDS });
    const totals = { durationSeconds: AUDIO_SECONDS, speechSeconds: 1, segmentCount: 1 };
    const language = { language: 'en', languageProbability: 1 };
    say({ kind: 'done', id, ...language, ...totals, undecodablePackets: 0, elapsedMs: WORK_MS });
  }, WORK_MS);
}
