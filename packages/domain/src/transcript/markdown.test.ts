import fc from 'fast-check';
import { lexer, type Token } from 'marked';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type EpisodeHeading, renderMarkdown } from './markdown.ts';
import type { Transcript, TranscriptSegment } from './transcript.ts';

function transcript(said: readonly string[], title = 'x'): Transcript {
  const provenance = {
    engine: 'faster-whisper',
    engineVersion: '1.2.1',
    model: 'tiny.en',
    modelRevision: '1a5a',
    computeType: 'int8',
    device: 'cpu',
    parameters: { beamSize: 5, prompt: title, vad: true, prefix: null },
    audioSha256: 'ab',
    agent: 'gpu-1',
    startedAtMs: Date.UTC(2026, 2, 1, 9, 5, 7, 900),
    finishedAtMs: Date.UTC(2026, 2, 1, 9, 6, 0),
  };
  const segments = said.map((text, i): TranscriptSegment => {
    const of = { avgLogprob: null, noSpeechProbability: null, words: [] };
    return { startSeconds: i * 3_000, endSeconds: i * 3_000 + 5, text, ...of };
  });
  const about = { language: 'en', languageProbability: 0.9877, durationSeconds: 7_384.6 };
  return { ...about, segments, provenance };
}

const episode: EpisodeHeading = {
  feedTitle: 'The Clockmakers',
  title: 'Water & <drips>',
  publishedMs: Date.UTC(2026, 0, 5),
  link: 'https://example.org/clocks/1',
};

/** What a reader of Markdown shows of a block. */
function shown(token: Token): string {
  const parts = 'tokens' in token ? token.tokens : undefined;
  if (parts !== undefined && parts.length > 0) return parts.map(shown).join('');
  return 'text' in token ? String(token.text) : '';
}

function read(markdown: string) {
  const [, front = '', body = ''] = /^---\n(.*?)\n---\n(.*)$/s.exec(markdown) ?? [];
  const blocks = lexer(body).filter(({ type }) => type !== 'space');
  return { front: parse(front), types: blocks.map(({ type }) => type), texts: blocks.map(shown) };
}

const spaced = (text: string) => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
const hostile = fc.constantFrom(
  ...['# no heading', '---', '> no quote', '- [ ] no task', '1. no list', '```', '| a | b |'],
  ...['**no** _em_ ~~strike~~', '<script>alert(1)</script>', '<!-- -->', '&amp; &copy;', '$x^2$'],
  ...[
    '[link](http://a.b)',
    '![image](x)',
    '[1]: x',
    ':smile:',
    '#tag ==mark== %%no%%',
    '\\',
    'a  \nb',
  ],
  ...['title: "', '...', '\u2028---\u2028', '{{ x }}', '{% raw %}', '`'],
);
const anyText = fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 40 }), fc.lorem());

describe('Markdown', () => {
  test('has what is known of the episode and of how it was made, then the text with its times', () => {
    const long = `${'So it goes on and on. '.repeat(40)}`;
    expect(renderMarkdown(transcript(['It ticks.', 'Still.']), episode)).toBe(
      [
        '---',
        'title: "Water & <drips>"',
        'feed: "The Clockmakers"',
        'published: "2026-01-05"',
        'link: "https://example.org/clocks/1"',
        'length: "2:03:04"',
        'language: "en"',
        'languageProbability: 0.9877',
        'engine: "faster-whisper 1.2.1"',
        'model: "tiny.en"',
        'modelRevision: "1a5a"',
        'computeType: "int8"',
        'device: "cpu"',
        'parameters: {"beamSize":5,"prompt":"x","vad":true,"prefix":null}',
        'audioSha256: "ab"',
        'agent: "gpu-1"',
        'startedAt: "2026-03-01T09:05:07Z"',
        'finishedAt: "2026-03-01T09:06:00Z"',
        '---',
        '',
        '# Water \\& \\<drips\\>',
        '',
        '*The Clockmakers, 2026-01-05*',
        '',
        '<https://example.org/clocks/1>',
        '',
        '**0:00:00** It ticks.',
        '',
        '**0:50:00** Still.',
        '',
      ].join('\n'),
    );
    expect(read(renderMarkdown(transcript([long]), episode)).texts.length).toBeGreaterThan(4);
  });

  test('of silence says so, and where nothing is known of the episode it is still a document', () => {
    const { types, texts } = read(renderMarkdown(transcript([]), null));
    expect([types, texts]).toEqual([
      ['heading', 'paragraph'],
      ['Untitled', 'No speech was found.'],
    ]);
  });

  test('a reader of Markdown shows every title and every word as it is, whatever it is', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.array(anyText, { maxLength: 4 }), (title, feed, said) => {
        const about = { ...episode, title, feedTitle: feed };
        const { types, texts } = read(renderMarkdown(transcript(said), about));
        const kept = said.map(spaced).filter((text) => text !== '');
        expect(types).toEqual(['heading', ...types.slice(1).map(() => 'paragraph')]);
        expect(texts[0]).toBe(spaced(title) || 'Untitled');
        expect(texts[1]).toBe([spaced(feed), '2026-01-05'].filter(Boolean).join(', '));
        const paragraphs = texts.slice(3).map((text) => text.replace(/^\d+:\d\d:\d\d /, ''));
        expect(paragraphs).toEqual(kept.length === 0 ? ['No speech was found.'] : kept);
      }),
      { numRuns: 200 },
    );
  });

  test('a reader of YAML finds every title as it is', () => {
    fc.assert(
      fc.property(anyText, anyText, (title, feedTitle) => {
        const { front } = read(
          renderMarkdown(transcript([], title), { ...episode, title, feedTitle }),
        );
        expect([front.title ?? '', front.feed ?? '']).toEqual([title, feedTitle]);
        expect(front.parameters.prompt).toBe(title);
        expect(front.link).toBe(episode.link);
      }),
      { numRuns: 200 },
    );
  });

  test('a link that is none is left out', () => {
    const link = 'javascript:alert(1)';
    expect(renderMarkdown(transcript([]), { ...episode, link })).not.toContain('javascript');
  });
});
