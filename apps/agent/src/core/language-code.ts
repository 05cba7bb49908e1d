/** The languages of Whisper, by their codes. */
const CODES =
  'af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh';

const names = new Intl.DisplayNames('en', { type: 'language' });
/** Where Whisper's own names are others than everybody's. */
const CODE_OF = new Map<string, string>([
  ...CODES.split(' ').map((code) => [(names.of(code) ?? code).toLowerCase(), code] as const),
  ['nynorsk', 'nn'],
  ['myanmar', 'my'],
  ['panjabi', 'pa'],
  ['pushto', 'ps'],
  ['sinhalese', 'si'],
  ['moldavian', 'ro'],
  ['moldovan', 'ro'],
  ['flemish', 'nl'],
  ['castilian', 'es'],
  ['valencian', 'ca'],
  ['letzeburgesch', 'lb'],
  ['tagalog', 'tl'],
  ['haitian creole', 'ht'],
  ['haitian', 'ht'],
  ['javanese', 'jw'],
  ['cantonese', 'yue'],
  ['bengali', 'bn'],
]);

/** A code, or a language's English name as OpenAI's server says it, as a code; null for what is neither. */
export function languageCode(told: string | null): string | null {
  const word = told?.trim().toLowerCase() ?? '';
  const named = CODE_OF.get(word);
  if (named !== undefined) return named;
  const [base = ''] = word.split(/[-_]/);
  return /^[a-z]{2,3}$/.test(base) ? base : null;
}
