import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A program that transcribes, for the tests: `MODEL AUDIO.wav OUTPUT TEXT`. What it hears is the text that it is given, unless
 * the audio is silent. The model `held` never ends. It does not listen to TERM, and has a child that does not either.
 */
const [model = '', wav = '', output = '', textPath = ''] = process.argv.slice(2);
const RATE_BYTES = 32_000;

const data = readFileSync(wav).subarray(44);
const seconds = data.length / RATE_BYTES;
process.on('SIGTERM', () => undefined);
process.stderr.write('progress =  10%\n');
if (model === 'held') {
  spawn('sh', ['-c', 'trap "" TERM; sleep 60'], { stdio: 'ignore' });
  setInterval(() => undefined, 1_000);
} else {
  const sentences = data.every((byte) => byte === 0)
    ? []
    : (readFileSync(textPath, 'utf8').match(/[^.!?]+[.!?]*/g) ?? []);
  const share = seconds / Math.max(1, sentences.length);
  const code = (at: number) =>
    `${new Date(Math.round(at * 1_000)).toISOString().slice(11, 23).replace('.', ',')}`;
  const cues = sentences.map(
    (text, i) => `${i + 1}\n${code(i * share)} --> ${code((i + 1) * share)}\n${text.trim()}\n`,
  );
  process.stderr.write('progress =  90%\n');
  writeFileSync(`${output}.srt`, cues.join('\n'));
}
