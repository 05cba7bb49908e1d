import { invariant } from '@podctl/domain/result.ts';
import { expect, it } from 'vitest';
import { CoordinatorWorld, rss } from '../../../test/support/coordinator-world.ts';

const OFFER = '<podcast:transcript url="http://127.0.0.1:9/a.vtt" type="text/vtt" language="de"/>';

it('what a feed offers goes with the download, what was kept with the transcription, and not where a model is asked for', async () => {
  const transcripts = { keepPublisher: true, preferPublisher: true };
  const world = await CoordinatorWorld.start({ transcripts });
  const space = 'xmlns:podcast="https://podcastindex.org/namespace/1.0"';
  const body = rss('alpha', 1)
    .replace('<rss ', `<rss ${space} `)
    .replace('</item>', `${OFFER}</item>`);
  await world.addFeed('alpha', 1, body);
  const agent = world.agent('a1');
  await agent.hello();
  const download = await agent.nextStart('download');
  expect(download.work).toMatchObject({
    transcripts: [{ url: 'http://127.0.0.1:9/a.vtt', type: 'text/vtt', language: 'de' }],
  });
  const files = { 'audio.mp3': 'sound', 'metadata.json': '{}', 'publisher.vtt': 'WEBVTT' };
  const manifestSha256 = await agent.finish(download, files, 30);
  await agent.verdict(download.job, { kind: 'finished', manifestSha256 });
  const transcribe = await agent.nextStart('transcribe');
  expect(transcribe.work).toMatchObject({
    publisher: { path: expect.stringMatching(/\/publisher\.vtt$/), sizeBytes: 6, language: null },
  });
  await agent.complete(transcribe);
  const row = world.episodes('alpha')[0];
  invariant(row !== undefined, 'the feed has an episode');
  const run = { feed: row.feed, episode: row.episode, stage: 'transcribe', run: 1 } as const;
  await world.until(() => world.episodes('alpha')[0]?.state.stages.transcribe.done?.run === 1);
  await world.coordinator.orders.repeatRuns('again', [run], 'small');
  const again = await agent.nextStart('transcribe');
  expect(again.work).toMatchObject({ model: 'small' });
  expect(again.work).not.toHaveProperty('publisher');
  await world.stop();
});
