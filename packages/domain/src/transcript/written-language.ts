import { spokenTokens } from './spoken-token.ts';

/** Words that a text of the language is full of, and that its neighbours do not have. */
const FUNCTION_WORDS: { readonly [language: string]: string } = {
  en: 'the and of to is that it you was for with this have are they what but not we be',
  de: 'und der die das ist nicht ich ein eine zu den mit sich auf wir auch es dass sie war',
  fr: 'le les des et est une dans que qui pas vous je nous pour ce sur avec mais cette on',
  es: 'el los las que y es una por con para del pero como muy está esto más porque lo hay',
  it: 'il che di è un gli della per non sono come anche più questo ma nel ci dei perché si',
  pt: 'o os que não uma em para com do da mais mas também você isso então muito ele são foi',
  nl: 'het een van en dat niet ik zijn voor met maar ook wat als bij nog naar wel deze heeft',
  sv: 'och att det som inte är jag på med för han var men den till hade om så ett vi',
};

/** ISO 15924-like names as Unicode has them; what is not here is written in Latin letters. */
const SCRIPTS: { readonly [script: string]: string } = {
  Cyrillic: 'ru uk be bg mk sr kk ky mn tg tt ba',
  Greek: 'el',
  Arabic: 'ar fa ur ps sd ug',
  Hebrew: 'he yi',
  Devanagari: 'hi mr ne sa',
  Bengali: 'bn as',
  Hangul: 'ko',
  Han: 'zh yue ja',
  Thai: 'th',
  Georgian: 'ka',
  Armenian: 'hy',
  Tamil: 'ta',
  Telugu: 'te',
  Kannada: 'kn',
  Malayalam: 'ml',
  Gujarati: 'gu',
  Gurmukhi: 'pa',
  Sinhala: 'si',
  Khmer: 'km',
  Lao: 'lo',
  Myanmar: 'my',
  Ethiopic: 'am',
  Tibetan: 'bo',
};

const LETTERS: readonly (readonly [string, RegExp])[] = [
  ['Latin', /\p{Script=Latin}/gu],
  // Japanese is written in three scripts, and one of them is Chinese's.
  ['Han', /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ...Object.keys(SCRIPTS)
    .filter((script) => script !== 'Han')
    .map((script) => [script, new RegExp(`\\p{Script=${script}}`, 'gu')] as const),
];
const SCRIPT_OF = new Map(
  Object.entries(SCRIPTS).flatMap(([script, languages]) =>
    languages.split(' ').map((language) => [language, script] as const),
  ),
);
const WORDS = Object.entries(FUNCTION_WORDS).map(
  ([language, words]) => [language, new Set(words.split(' '))] as const,
);

/** Fewer letters or words tell nothing. */
const LETTERS_MIN = 8;
const TOKENS_MIN = 8;
/** Of a language that is known here, about every third word is one of the twenty. */
const HIT_SHARE_MIN = 0.12;
const LEAD_MIN = 1.5;

/**
 * Whether a text is written in a language: null where it cannot be told. It looks at the letters, and among eight languages
 * in Latin ones at their commonest words: cheap, and enough to see a model that answers in another language than was spoken.
 */
export function isWrittenIn(text: string, language: string): boolean | null {
  const script = scriptOf(text);
  if (script === null) return null;
  if (script !== (SCRIPT_OF.get(language) ?? 'Latin')) return false;
  if (script !== 'Latin' || !(language in FUNCTION_WORDS)) return true;
  const guess = latinLanguage(text);
  return guess === null ? null : guess === language;
}

/** The script of more than half of the letters. */
function scriptOf(text: string): string | null {
  const counts = LETTERS.map(([script, letters]) => ({
    script,
    count: text.match(letters)?.length ?? 0,
  }));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const most = counts.find(({ count }) => count * 2 > total);
  return total < LETTERS_MIN || most === undefined ? null : most.script;
}

function latinLanguage(text: string): string | null {
  const tokens = spokenTokens(text);
  if (tokens.length < TOKENS_MIN) return null;
  const hits = WORDS.map(([language, words]) => ({
    language,
    count: tokens.filter((token) => words.has(token)).length,
  })).sort((a, b) => b.count - a.count);
  const [best, second] = hits;
  if (best === undefined || best.count < HIT_SHARE_MIN * tokens.length) return null;
  return best.count >= LEAD_MIN * (second?.count ?? 0) ? best.language : null;
}
