import { createInterface } from 'node:readline';

/**
 * Speaks protocol 1 of apps/agent/engines/README.md in the place of the real engine, and works until the test has seen
 * enough: a transcription ends at SIGUSR2, and the load of a model called `held` never does.
 */
const AUDIO_SECONDS = 4;

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const about = { engine: 'held', version: '1', python: 'none', pid: process.pid };
let atWork: string | null = null;
process.on('SIGUSR2', () => {
  if (atWork !== null) finish(atWork);
  atWork = null;
});
say({ kind: 'hello', protocol: 1, ...about });
setInterval(() => say({ kind: 'alive', id: null, uptimeMs: 0 }), 2_000);
const lines = createInterface({ input: process.stdin });
lines.once('close', () => process.exit(0));
lines.on('line', (text) => {
  const { kind, id, model } = JSON.parse(text) as { kind: string; id: string; model?: string };
  if (kind === 'load') load(id, model ?? '');
  if (kind === 'transcribe') transcribe(id);
});

function load(id: string, model: string): void {
  process.stderr.write(`engine ${process.pid} loads ${model}\n`);
  if (model === 'held') return;
  const revision = '0'.repeat(64);
  const how = { origin: 'path', path: '', fallback: false, device: 'cpu', computeType: 'int8' };
  say({ kind: 'loaded', id, model, revision, ...how, loadMs: 0, note: null });
}

function transcribe(id: string): void {
  atWork = id;
  say({ kind: 'position', id, seconds: 1, durationSeconds: AUDIO_SECONDS });
  process.stderr.write(`engine ${process.pid} is at work\n`);
}

function finish(id: string): void {
  const words = [{ start: 0, end: 1, word: ' Tick', probability: 1 }];
  const quality = { avgLogprob: 0, noSpeechProb: 0 };
  say({ kind: 'segment', id, index: 0, start: 0, end: 1, text: 'Tick', ...quality, words });
  const totals = { durationSeconds: AUDIO_SECONDS, speechSeconds: 1, segmentCount: 1 };
  const language = { language: 'en', languageProbability: 1 };
  say({ kind: 'done', id, ...language, ...totals, undecodablePackets: 0, elapsedMs: 1 });
}
