import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * A podcast host: `/<name>/<episodes>.xml` is a feed, and no two episodes have the same bytes. Started on a host of its
 * own: `node audio-site.ts ADDRESS PORT`. Feeds whose name begins with `sample` have the real recordings, whole.
 */
const AUDIO_BYTES = 40_000;
const [, , address = '127.0.0.1', port = '8080'] = process.argv;
const sample = (number: number) =>
  readFileSync(
    new URL(`../../examples/sample/the-clockmakers/clock-0${number}.mp3`, import.meta.url),
  );
const head = sample(1).subarray(0, AUDIO_BYTES);

const server = createServer((request, response) => {
  const path = request.url ?? '';
  const feed = /^\/([a-z0-9-]+)\/(\d+)\.xml$/.exec(path);
  const recording = /^\/sample[a-z0-9-]*\/(\d)\.mp3$/.exec(path);
  if (feed !== null) {
    response.setHeader('content-type', 'application/rss+xml');
    response.end(rss(feed[1] ?? '', Number(feed[2])));
  } else if (recording !== null) {
    response.end(sample(Number(recording[1]) + 1));
  } else {
    response.end(Buffer.concat([head, Buffer.from(path)]));
  }
});
server.listen(Number(port), address, () => process.stdout.write('ready\n'));

function rss(name: string, episodes: number): string {
  const items = Array.from({ length: episodes }, (_, i) => {
    const url = `http://${address}:${port}/${name}/${i}.mp3`;
    const enclosure = `<enclosure url="${url}" type="audio/mpeg" length="1"/>`;
    return `<item><title>Episode ${i}</title><guid>${name}-${i}</guid>${enclosure}</item>`;
  });
  return `<rss version="2.0"><channel><title>${name}</title>${items.join('')}</channel></rss>`;
}
