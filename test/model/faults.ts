import type { InvariantName } from './invariants.ts';
import type { WorldName } from './worlds.ts';

export interface Fault {
  /** The sentence of the design that is dropped, and what is done instead. */
  readonly sentence: string;
  /** A small world in which it shows. */
  readonly world: WorldName;
  readonly breaks: InvariantName;
}

/** Sentences of the design, each dropped: the model must find what goes wrong, or the sentence is not needed. */
export const FAULTS = {
  'no-token-check': {
    sentence:
      'The leader checks the token: a verdict commits whatever is asked for while some lock is held',
    world: 'crash',
    breaks: 'holder',
  },
  'commit-not-cas': {
    sentence: 'ONE CAS held → committed: the commit is a plain put',
    world: 'crash',
    breaks: 'holder',
  },
  'revoke-committed': {
    sentence: 'Only held can be revoked: loss revokes a committed lock too',
    world: 'crash',
    breaks: 'kept',
  },
  'sweep-before-read': {
    sentence: 'The sweeper lists first, then reads the key: it reads, then lists',
    world: 'crash',
    breaks: 'whole',
  },
  'create-over-marker': {
    sentence:
      'The held lock is the value, never written by create: a late create wins a lock that was given back',
    world: 'crash',
    breaks: 'once',
  },
  'delete-on-fenced': {
    sentence: 'No verdict deletes anything: a refused one deletes the staging files',
    world: 'crash',
    breaks: 'whole',
  },
  'done-overwrites-wanted': {
    sentence: 'The pointer flips in one CAS: done is a plain put of the value that was read before',
    world: 'runs',
    breaks: 'requests',
  },
  'verdict-after-done-is-fenced': {
    sentence:
      'Token equal to the committed or done one: accepted, again and again: only while committed',
    world: 'crash',
    breaks: 'answers',
  },
  'stale-session-accepted': {
    sentence: 'Hints and verdicts are bound to a session: they are not',
    world: 'crash',
    breaks: 'whole',
  },
  'pointer-before-files': {
    sentence: 'The files get their final names, then done flips the pointer: the other way round',
    world: 'crash',
    breaks: 'whole',
  },
  'verdict-from-snapshot': {
    sentence: 'Later writers re-read by leader get: a verdict answers from the tailed snapshot',
    world: 'crash',
    breaks: 'answers',
  },
  'loss-without-manifest': {
    sentence:
      'Loss commits complete manifests, and revokes the other locks: it commits without a look',
    world: 'crash',
    breaks: 'whole',
  },
  'finish-needs-session': {
    sentence:
      'Committed is finished by any leader, whatever became of the session: only while it lives',
    world: 'crash',
    breaks: 'progress',
  },
  'superseded-kept': {
    sentence: 'A superseded session’s locks are revoked: they are kept',
    world: 'crash',
    breaks: 'progress',
  },
  'view-once': {
    sentence:
      'After the rename the key is read again, and the view is compared now and then: it is linked once',
    world: 'view',
    breaks: 'progress',
  },
  'view-of-held': {
    sentence:
      'Readable names follow the pointer: they show an attempt that is complete, and not accepted yet',
    world: 'view',
    breaks: 'readers',
  },
  'assigned-unasked': {
    sentence: 'Assigned only if done.run < wanted: whenever the lock is free',
    world: 'crash',
    breaks: 'wanted',
  },
  'hint-before-ack': {
    sentence:
      'A hint goes out only after the acknowledgement: rivals who try one token both hint it',
    world: 'agents',
    breaks: 'whole',
  },
  'goodbye-before-result': {
    sentence: 'Finished tokens are judged at goodbye before anything is revoked: all are revoked',
    world: 'goodbye',
    breaks: 'finished',
  },
  'old-hello-supersedes': {
    sentence: 'A delayed hello supersedes nothing: the process of the record is not pinged first',
    world: 'hello',
    breaks: 'alive',
  },
  'losses-not-counted': {
    sentence: 'Losses are counted: a lost session leaves no trace in the lock',
    world: 'losses',
    breaks: 'tries',
  },
  'failures-not-counted': {
    sentence: 'Failures are counted: a failed attempt leaves no trace in the lock',
    world: 'failures',
    breaks: 'tries',
  },
  'goodbye-counted-as-loss': {
    sentence: 'What is handed back is held against nobody: a goodbye counts as a loss',
    world: 'goodbye',
    breaks: 'tries',
  },
  'tries-forgotten': {
    sentence: 'An assignment carries the counts on: each one starts them anew',
    world: 'failures',
    breaks: 'tries',
  },
  'dead-is-assigned': {
    sentence: 'A dead run waits until somebody asks again: it is assigned all the same',
    world: 'failures',
    breaks: 'limit',
  },
  'retry-leaves-dead': {
    sentence: 'A request revives the dead run: it only counts one more',
    world: 'failures',
    breaks: 'requests',
  },
  'checkpoint-swept': {
    sentence: 'The sweeper leaves a checkpoint of the current run: it looks at the lock alone',
    world: 'checkpoint',
    breaks: 'checkpoint',
  },
  'checkpoint-of-another-run': {
    sentence: 'An attempt resumes a checkpoint of its own run only: of any run',
    world: 'checkpoint-runs',
    breaks: 'ownRun',
  },
  'checkpoint-of-another-world': {
    sentence: 'A checkpoint’s name carries the cluster.id: that of an older world is resumed',
    world: 'restored-checkpoint',
    breaks: 'ownRun',
  },
  'cluster-ignored': {
    sentence:
      'A new cluster.id is a new world, in every token, session and staging name: nobody compares it',
    world: 'restore',
    breaks: 'whole',
  },
  'restore-beside-sweeper': {
    sentence:
      'No coordinator of the old world acts after a restore: a paused sweeper removes what it had listed',
    world: 'restored-sweep',
    breaks: 'whole',
  },
} as const satisfies { readonly [name: string]: Fault };

/** Readings of the text, or of the code, to the letter, that leave a hole. The model holds the repair. */
export const HOLES = {
  'one-slot': {
    sentence: 'done is a record of its own: assigning run 2 overwrites the done run 1',
    world: 'runs',
    breaks: 'pointer',
  },
  'superseded-fenced': {
    sentence: 'A token of a run below done.run is over: it is fenced like any other',
    world: 'runs',
    breaks: 'answers',
  },
  'held-fenced': {
    sentence: 'A held token is never answered fenced: it is, when another session asks',
    world: 'crash',
    breaks: 'answers',
  },
  'hint-again': {
    sentence:
      'An agent begins a token at most once: again, when it is hinted again after its settlement',
    world: 'crash',
    breaks: 'whole',
  },
  'stale-cancel': {
    sentence:
      'A snapshot at a revision not above the token may not judge it: it cancels what it has not heard of',
    world: 'crash',
    breaks: 'progress',
  },
  'request-by-nonce': {
    sentence:
      'The ids of requests are kept: a timed-out one is known by the nonce of the last write only',
    world: 'runs',
    breaks: 'requests',
  },
  'sweep-final': {
    sentence: 'The sweeper removes under staging/ only: under the accepted names too',
    world: 'runs',
    breaks: 'whole',
  },
  'accepted-name-without-cluster': {
    sentence:
      'Accepted names carry the cluster.id: after a restore the name is taken by a forgotten result',
    world: 'restore',
    breaks: 'whole',
  },
  'one-cluster': {
    sentence:
      'Each lock carries its own cluster.id: the episode has one, which an assignment of the other stage overwrites',
    world: 'restored-stages-sweep',
    breaks: 'finished',
  },
} as const satisfies { readonly [name: string]: Fault };

export type FaultName = keyof typeof FAULTS | keyof typeof HOLES;

export const ALL_FAULTS: { readonly [F in FaultName]: Fault } = { ...FAULTS, ...HOLES };

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(ALL_FAULTS, name);
}
