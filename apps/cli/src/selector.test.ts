import { expect, test } from 'vitest';
import { isSelected, parseSelector, selectedLabels, selectorOf } from './selector.ts';

const selects = (text: string, labels: Record<string, string>) => {
  const parsed = parseSelector(text);
  return parsed.ok ? isSelected(labels, parsed.value) : parsed.error;
};

test('all conditions must hold, and an absent label is unequal to every value', () => {
  const labels = { topic: 'history', lang: 'en' };
  expect(selects('topic=history', labels)).toBe(true);
  expect(selects('topic==history, lang!=de', labels)).toBe(true);
  expect(selects('topic=history,lang=de', labels)).toBe(false);
  expect(selects('host!=x', labels)).toBe(true);
  expect(selects('constructor=x', labels)).toBe(false);
});

test('what is no condition is refused with an example', () => {
  for (const text of ['', 'topic', '=x', 'a=b,,c=d', 'A=b'])
    expect(selects(text, {})).toContain('give e.g. topic=history');
});

test('of the flag all words hold, and a coordinator is asked for what is to be equal', () => {
  const conditions = selectorOf(['topic=history,lang!=de', 'host=x']);
  expect(conditions).toHaveLength(3);
  expect(selectedLabels(conditions)).toEqual({ topic: 'history', host: 'x' });
  expect(selectorOf(undefined)).toEqual([]);
  expect(() => selectorOf(['topic'])).toThrow('--selector: "topic" is no condition');
});
