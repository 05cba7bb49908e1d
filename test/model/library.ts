import { CLUSTERS, type Model } from './model.ts';
import {
  currentRun,
  FILES,
  isNamed,
  type State,
  stageOf,
  type TokenRecord,
  tokenAt,
} from './state.ts';

/**
 * The token whose staging folder this one's really is. Names carry the cluster.id, so it is its own;
 * without that, the numbers of an older world come again.
 */
export function folderOf(model: Model, state: State, index: number): number {
  if (model.fault !== 'cluster-ignored') return index;
  const { stage, number } = tokenAt(state, index);
  return state.tokens.findIndex((other) => other.stage === stage && other.number === number);
}

/** What lies staged for the token that holds a lock, as the leader finds it. */
export function filesOf(model: Model, state: State, index: number): number {
  if (model.fault !== 'one-cluster') return tokenAt(state, folderOf(model, state, index)).staged;
  const world = CLUSTERS.indexOf(state.value.episode.cluster);
  const token = tokenAt(state, index);
  const named = state.tokens.find((other) => isOneFolder(other, { ...token, world }));
  return named?.staged ?? FILES.none;
}

/** Whether linking the files of an attempt would find its name taken by another world's attempt. */
export function isNameTaken(model: Model, state: State, index: number): boolean {
  if (model.fault !== 'accepted-name-without-cluster') return false;
  const { stage, run, number } = tokenAt(state, index);
  return state.tokens.some(
    (other, i) =>
      i !== index &&
      other.stage === stage &&
      other.run === run &&
      other.number === number &&
      other.named === FILES.full,
  );
}

/** What the sweeper must leave: held, committed, or a checkpoint of the current run. */
export function isNeeded(model: Model, state: State, index: number): boolean {
  const token = tokenAt(state, index);
  if (model.fault === 'one-cluster') {
    const { lock } = stageOf(state.value, token.stage);
    const holds = lock.state === 'held' || lock.state === 'committed';
    const isOfValue = CLUSTERS[token.world] === state.value.episode.cluster;
    return holds && isOfValue && lock.token === token.number;
  }
  if (state.value.lockOf[token.stage] === index) return true;
  return model.fault !== 'checkpoint-swept' && isCurrentCheckpoint(state, token);
}

export function isCurrentCheckpoint(state: State, token: TokenRecord): boolean {
  return (
    token.checkpoint &&
    token.world === state.world &&
    token.run === currentRun(state.value, token.stage)
  );
}

/** There is something that the sweeper would remove. */
export function isSweepable(model: Model, state: State, index: number): boolean {
  const { staged, named, checkpoint } = tokenAt(state, index);
  if (model.fault === 'sweep-final' && named !== FILES.none) return !isNamed(state, index);
  return staged !== FILES.none || checkpoint;
}

function isOneFolder(a: TokenRecord, b: { stage: number; number: number; world: number }): boolean {
  return a.stage === b.stage && a.number === b.number && a.world === b.world;
}
