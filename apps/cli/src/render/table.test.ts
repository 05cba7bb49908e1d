import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { fit } from './cell.ts';
import { type Column, lowered, tableLines } from './table.ts';
import { durationWords, percentWords, sizeWords } from './words.ts';

interface Row {
  readonly name: string;
  readonly count: number;
}
const columns: readonly Column<Row>[] = [
  { head: 'NAME', cell: (row) => row.name },
  { head: 'COUNT', cell: (row) => String(row.count), align: 'right' },
  { head: 'MORE', cell: () => 'x', wide: true },
];
const plain = { heads: true, wide: false };

test('a long list looks as a short one does', () => {
  const some = Array.from({ length: 200 }, (_, i) => ({ name: `feed-${i}`, count: i }));
  const more = [...some, { name: '火', count: 1 }];
  const drawn = tableLines(columns, some, plain);
  const padded = tableLines(columns, more, plain);
  expect(padded.slice(0, 201)).toEqual(drawn);
  expect(padded[201]).toBe(`火${' '.repeat(12)}1`);
});

test('10,000 rows take less than a second', () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => ({ name: `feed-${i}`, count: i }));
  const began = performance.now();
  expect(tableLines(columns, rows, plain)).toHaveLength(10_001);
  expect(performance.now() - began).toBeLessThan(1_000);
});

test('wide columns and heads come only when asked for', () => {
  const rows = [{ name: 'a', count: 1 }];
  expect(tableLines(columns, rows, { heads: false, wide: false })).toEqual(['a  1']);
  expect(tableLines(columns, rows, { heads: true, wide: true })[0]).toContain('MORE');
  expect(tableLines(columns, [], { heads: false, wide: false })).toEqual([]);
});

test('cells are cut by what they show, and control characters never reach the terminal', () => {
  expect(fit('火曜日', 4)).toBe('火… ');
  expect(fit('abc', 5, 'right')).toBe('  abc');
  expect(fit('a\u001b[31m\nb', 8)).toBe('a [31m b');
});

test('durations, sizes and percents read as people say them', () => {
  expect([0, 59, 250, 11_100, 183_600].map(durationWords)).toEqual([
    '0s',
    '59s',
    '4m10s',
    '3h05m',
    '2d03h',
  ]);
  expect([512, 24_000, 1_400_000, 210_000_000].map(sizeWords)).toEqual([
    '512 B',
    '24 kB',
    '1.4 MB',
    '210 MB',
  ]);
  expect([0, 0.999, 1].map(percentWords)).toEqual(['0', '99', '100']);
});

test('on a narrow terminal the widest cells are cut, the name of the row last, and no line is wider', () => {
  const wordy: readonly Column<Row>[] = [
    { head: 'NAME', cell: (row) => row.name },
    { head: 'TITLE', cell: () => 'A rather long title of a show about 火曜日 and clocks' },
    { head: 'COUNT', cell: (row) => String(row.count), align: 'right' },
  ];
  for (const count of [3, 300])
    for (const widthMax of [20, 40, 60, 80]) {
      const rows = Array.from({ length: count }, (_, i) => ({ name: 'the-clockmakers', count: i }));
      const lines = tableLines(wordy, rows, { ...plain, widthMax });
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(widthMax);
      if (widthMax === 40 || widthMax === 60)
        expect(lines[1]).toMatch(/^the-clockmakers {2}A rather.*… +0$/);
    }
  expect(tableLines(wordy, [{ name: 'x', count: 1 }], plain)[1]).toContain('and clocks');
});

test('columns are lowered from the widest down, and none below its least', () => {
  expect(lowered([10, 30, 20], [10, 8, 8], 60)).toEqual([10, 30, 20]);
  expect(lowered([10, 30, 20], [10, 8, 8], 50)).toEqual([10, 20, 20]);
  const even = lowered([10, 30, 20], [10, 8, 8], 40);
  expect(even.reduce((sum, width) => sum + width, 0)).toBe(40);
  expect(Math.abs((even[1] ?? 0) - (even[2] ?? 0))).toBeLessThanOrEqual(1);
  expect(lowered([10, 30, 20], [10, 8, 8], 5)).toEqual([10, 8, 8]);
});
