import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * Speaks protocol 1 of apps/agent/engines/README.md in the place of the real engine, and works by the clock. How long an
 * audio takes is in the file that PODCTL_HOSTS_PACE names, and is read again while it works: a test can let it hurry.
 */
const AUDIO_SECONDS = 60;
const TICK_MS = 100;
const PACE_FILE = process.env.PODCTL_HOSTS_PACE ?? '';

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const about = { engine: 'stand-in', version: '1', python: 'none', pid: process.pid };
say({ kind: 'hello', protocol: 1, ...about });
const alive = setInterval(() => say({ kind: 'alive', id: null, uptimeMs: 0 }), 2_000);
const lines = createInterface({ input: process.stdin });
lines.once('close', () => {
  clearInterval(alive);
  process.exit(0);
});
const cancelled = new Set<string>();
lines.on('line', (text) => {
  const { kind, id, model } = JSON.parse(text) as { kind: string; id: string; model?: string };
  if (kind === 'load') loaded(id, model ?? '');
  if (kind === 'transcribe') transcribe(id);
  if (kind === 'cancel') cancelled.add(id);
});

function loaded(id: string, model: string): void {
  const revision = '0'.repeat(64);
  const how = { origin: 'path', path: '', fallback: false, device: 'cpu', computeType: 'int8' };
  say({ kind: 'loaded', id, model, revision, ...how, loadMs: 0, note: null });
}

function transcribe(id: string): void {
  const beganMs = performance.now();
  say({ kind: 'position', id, seconds: 0, durationSeconds: AUDIO_SECONDS });
  const timer = setInterval(() => {
    const share = Math.min(1, (performance.now() - beganMs) / paceMs());
    if (cancelled.delete(id)) {
      clearInterval(timer);
      say({ kind: 'failed', id, code: 'cancelled', message: 'as asked' });
    } else if (share < 1) {
      say({ kind: 'position', id, seconds: AUDIO_SECONDS * share, durationSeconds: AUDIO_SECONDS });
    } else {
      clearInterval(timer);
      finish(id, performance.now() - beganMs);
    }
  }, TICK_MS);
}

function finish(id: string, tookMs: number): void {
  const words = [{ start: 0, end: 1, word: ' Tick', probability: 1 }];
  const quality = { avgLogprob: 0, noSpeechProb: 0 };
  say({ kind: 'segment', id, index: 0, start: 0, end: 1, text: 'Tick', ...quality, words });
  say({ kind: 'position', id, seconds: AUDIO_SECONDS, durationSeconds: AUDIO_SECONDS });
  const totals = { durationSeconds: AUDIO_SECONDS, speechSeconds: 1, segmentCount: 1 };
  const language = { language: 'en', languageProbability: 1 };
  const elapsedMs = Math.round(tookMs);
  say({ kind: 'done', id, ...language, ...totals, undecodablePackets: 0, elapsedMs });
}

function paceMs(): number {
  try {
    return Number(readFileSync(PACE_FILE, 'utf8')) || 1;
  } catch {
    return 1;
  }
}
