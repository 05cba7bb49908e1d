import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textWidth } from './text-width.ts';
import { wrapped } from './wrapped.ts';

const piece = fc.record({
  text: fc
    .array(fc.constantFrom('a', 'clock', ' ', '時計', 'é', '  ', 'hardcore'), { maxLength: 8 })
    .map((words) => words.join('')),
  matched: fc.boolean(),
});

test('no word is broken and none is lost, and a line is too wide only for one long word', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.integer({ min: 1, max: 30 }),
      (parts, width) => {
        const lines = wrapped(parts, width);
        const words = parts
          .map(({ text }) => text)
          .join('')
          .split(/\s+/u)
          .filter((word) => word !== '');
        const text = lines.map((line) => line.map((one) => one.text).join(''));
        expect(
          text
            .join(' ')
            .split(' ')
            .filter((word) => word !== ''),
        ).toEqual(words);
        for (const line of text)
          if (line.includes(' ')) expect(textWidth(line)).toBeLessThanOrEqual(width);
        const matched = (these: typeof parts) =>
          these
            .filter((one) => one.matched)
            .map((one) => one.text.replace(/\s+/gu, ''))
            .join('');
        expect(matched(lines.flat())).toBe(matched(parts));
      },
    ),
    { numRuns: 300 },
  );
});
