import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CommandValues,
  fillCommand,
  hasField,
  parseCommandTemplate,
} from './command-template.ts';
import { invariant } from './result.ts';

const VALUES: CommandValues = {
  audio: '/run/audio.mp3',
  wav: '/run/audio.wav',
  model: 'tiny.en',
  language: null,
  output: '/run/transcript',
  folder: '/run',
  prompt: null,
  hotwords: null,
};

function filled(template: unknown, values: Partial<CommandValues> = {}) {
  const parsed = parseCommandTemplate(template);
  invariant(parsed.ok, 'a template');
  return fillCommand(parsed.value, { ...VALUES, ...values });
}

describe('the template of a command', () => {
  test('gives each field its value, in whole arguments and in parts of them', () => {
    const template = [
      'whisper-cli',
      '-m',
      '/models/ggml-{model}.bin',
      '-f',
      '{wav}',
      '-of',
      '{output}',
    ];
    expect(filled(template)).toEqual([
      ...['-m', '/models/ggml-tiny.en.bin', '-f', '/run/audio.wav', '-of', '/run/transcript'],
    ]);
  });

  test('leaves out a list whose field has no value, and says auto for a language outside of one', () => {
    const template = ['whisper', '{audio}', ['--language', '{language}'], '-l', '{language}'];
    expect(filled(template)).toEqual(['/run/audio.mp3', '-l', 'auto']);
    expect(filled(template, { language: 'de' })).toEqual([
      ...['/run/audio.mp3', '--language', 'de', '-l', 'de'],
    ]);
  });

  test('never makes an option, nor another field, of what a value holds', () => {
    const template = ['x', '{audio}', ['--prompt', '{prompt}']];
    const args = filled(template, { prompt: '--model=/etc/passwd {audio}' });
    expect(args).toEqual(['/run/audio.mp3', '--prompt', ' --model=/etc/passwd {audio}']);
  });

  test('a value is always one argument', () => {
    void fc.assert(
      fc.property(fc.string(), (prompt) => {
        const args = filled(['x', '{audio}', '--prompt={prompt}', '{prompt}'], { prompt });
        expect(args).toHaveLength(3);
        expect(args[1]).toBe(`--prompt=${prompt}`);
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    [[], 'it is no list with a program'],
    ['whisper {audio}', 'it is no list with a program'],
    [['{audio}'], 'it does not begin with a program'],
    [['x', '{model}'], 'it has neither {audio} nor {wav}'],
    [['x', '{audio}', '{speed}'], '{speed} is no field'],
    [['x', '{audio}', 5], 'one of its arguments is no text'],
    [['x', '{audio}', ['-l', null]], 'one of its arguments is no text'],
    [['x', '{audio}', ...Array.from({ length: 100 }, () => 'y')], 'it is too long'],
  ])('%j is refused', (template, error) => {
    expect(parseCommandTemplate(template)).toEqual({ ok: false, error });
  });

  test('braces that are no field stay', () => {
    expect(filled(['x', '{audio}', '{"a": 1}'])).toEqual(['/run/audio.mp3', '{"a": 1}']);
  });

  test('tells which fields it has', () => {
    const parsed = parseCommandTemplate(['x', '{audio}', ['-l', '{language}']]);
    invariant(parsed.ok, 'a template');
    expect(hasField(parsed.value, 'language')).toBe(true);
    expect(hasField(parsed.value, 'prompt')).toBe(false);
  });
});
