import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { parseStateKey } from '@podctl/domain/key.ts';
import { parseStaging } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import { decodeLeader } from '@podctl/platform/leader-record.ts';
import { feedRecord, sessionRecord } from '@podctl/platform/records.ts';
import {
  commandMessage,
  helloMessage,
  helloReply,
  resultMessage,
  resultReply,
} from '@podctl/platform/wire.ts';

/** What a write of a key means, in the words of the protocol: `download free->held`, `session live->lost`. */
export function stepName(key: string, before: Uint8Array | null, after: Uint8Array): string {
  const { kind } = parseStateKey(key);
  switch (kind) {
    case 'cluster':
      return 'cluster create';
    case 'feed':
      return feedStep(before, after);
    case 'session': {
      const from = before === null ? null : decodedOf(sessionRecord.decode(before));
      return `session ${from?.state ?? 'none'}->${decodedOf(sessionRecord.decode(after))?.state}`;
    }
    case 'cordon':
      return 'cordon';
    case 'host':
      return 'host';
    case 'feed_host':
      return 'feed host';
    case 'job':
      return episodeStep(before === null ? null : episodeOf(before), episodeOf(after));
    case 'unknown':
      return otherStep(key, after);
  }
}

function otherStep(key: string, after: Uint8Array): string {
  const leader = decodeLeader(after);
  if (leader !== null) return leader.epoch === null ? 'leader create' : 'leader renew';
  return key.split('.')[0] ?? key;
}

function feedStep(before: Uint8Array | null, after: Uint8Array): string {
  const from = before === null ? null : decodedOf(feedRecord.decode(before));
  if (from === null) return 'feed create';
  const to = decodedOf(feedRecord.decode(after));
  return (to?.generation ?? 0) > from.generation ? 'feed claim' : 'feed close';
}

function episodeStep(before: EpisodeState | null, after: EpisodeState | null): string {
  if (before === null) return 'episode create';
  for (const stage of STAGES) {
    const from = before.stages[stage];
    const to = after?.stages[stage];
    if (to !== undefined && to.done?.run !== from.done?.run)
      return `${stage} ${from.lock.state}->done`;
    if (to !== undefined && to.lock.state !== from.lock.state)
      return `${stage} ${from.lock.state}->${to.lock.state}`;
  }
  return 'episode change';
}

function episodeOf(value: Uint8Array): EpisodeState | null {
  return decodedOf(decodeEpisode(new TextDecoder().decode(value)));
}

/** `cmd start download`, `hello goodbye`, `res transcribe`, `hb`. */
export function messageName(subject: string, data: Uint8Array): string {
  const head = subject.split('.')[0] ?? subject;
  switch (head) {
    case 'cmd': {
      const command = decodedOf(commandMessage.decode(data));
      const stage = command !== null && 'job' in command ? ` ${command.job.stage}` : '';
      return `cmd ${command?.kind}${stage}`;
    }
    case 'hello':
      return `hello ${decodedOf(helloMessage.decode(data))?.kind}`;
    case 'res':
      return `res ${decodedOf(resultMessage.decode(data))?.job.stage}`;
    default:
      return head;
  }
}

/** `hello welcome`, `res accepted`, `cmd`. */
export function replyName(subject: string, data: Uint8Array): string {
  const head = subject.split('.')[0] ?? subject;
  if (head === 'hello') return `hello ${decodedOf(helloReply.decode(data))?.kind}`;
  if (head !== 'res') return head;
  const reply = decodedOf(resultReply.decode(data));
  return `res ${reply?.kind === 'verdict' ? reply.answer : reply?.kind}`;
}

/** `download audio` for a file of an attempt, `accepted transcribe manifest`, `view download`. */
export function fileName(path: string): string {
  const place = parseStaging(path);
  if (place !== null) return `${place.stage} ${place.rest.split('.')[0] || 'attempt'}`;
  const [root, , , stage, , name] = path.split('/');
  if (root === 'podcasts') return 'view';
  if (root !== 'episodes') return `${root} leftover`;
  return `accepted ${stage} ${name === MANIFEST_NAME ? 'manifest' : 'file'}`;
}

function decodedOf<T>(decoded: { ok: true; value: T } | { ok: false; error: string }): T | null {
  return decoded.ok ? decoded.value : null;
}
