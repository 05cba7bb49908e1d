const ones = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen ' +
  'sixteen seventeen eighteen nineteen'
).split(' ');
const tens = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** Lower case, no punctuation, numerals as words: of English, since Whisper writes both `27` and `twenty seven`. */
export function normalizedWords(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/(\d),(\d{3})/g, '$1$2')
    .replace(/\d+/g, (digits) => ` ${numberWords(Number(digits))} `)
    .replace(/[’']/g, '')
    .replace(/[^a-z\s]/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** 0 to 999,999 in English. */
export function numberWords(n: number): string {
  if (n < 20) return ones[n] ?? '';
  if (n < 100) return `${tens[Math.floor(n / 10)]} ${n % 10 === 0 ? '' : ones[n % 10]}`.trim();
  const [unit, word] = n < 1_000 ? [100, 'hundred'] : [1_000, 'thousand'];
  const rest = n % unit === 0 ? '' : numberWords(n % unit);
  return `${numberWords(Math.floor(n / unit))} ${word} ${rest}`.trim();
}

/** Words to insert, delete or replace (Levenshtein). */
export function wordErrors(expected: readonly string[], heard: readonly string[]): number {
  let row = Array.from({ length: heard.length + 1 }, (_, i) => i);
  for (const [i, word] of expected.entries()) {
    const next = [i + 1];
    for (const [j, other] of heard.entries())
      next.push(
        Math.min(
          (row[j] ?? 0) + (word === other ? 0 : 1),
          (row[j + 1] ?? 0) + 1,
          (next[j] ?? 0) + 1,
        ),
      );
    row = next;
  }
  return row[heard.length] ?? 0;
}

/** Pooled over all pairs: all errors by all expected words. */
export function wordErrorRate(pairs: readonly { expected: string; heard: string }[]): number {
  let errors = 0;
  let words = 0;
  for (const { expected, heard } of pairs) {
    const known = normalizedWords(expected);
    errors += wordErrors(known, normalizedWords(heard));
    words += known.length;
  }
  return words === 0 ? 1 : errors / words;
}
