import { decodeEpisode, encodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeState, Lock } from '@podctl/domain/episode-state.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { Bus, BusMessage } from '@podctl/platform/bus.ts';
import type { Kv, KvEntry } from '@podctl/platform/kv.ts';
import type { Library } from '@podctl/platform/library.ts';

/** A bucket with some of its methods replaced. */
export function wrapKv(kv: Kv, other: Partial<Kv>): Kv {
  return {
    get: (...of) => kv.get(...of),
    cas: (...of) => kv.cas(...of),
    remove: (...of) => kv.remove(...of),
    put: (...of) => kv.put(...of),
    tail: (...of) => kv.tail(...of),
    ...other,
  };
}

export function wrapLibrary(library: Library, other: Partial<Library>): Library {
  return {
    id: library.id,
    place: library.place,
    names: library.names,
    check: () => library.check(),
    stat: (...of) => library.stat(...of),
    readSmall: (...of) => library.readSmall(...of),
    read: (...of) => library.read(...of),
    write: (...of) => library.write(...of),
    link: (...of) => library.link(...of),
    recorded: (...of) => library.recorded(...of),
    hash: (...of) => library.hash(...of),
    list: (...of) => library.list(...of),
    removeStaging: (...of) => library.removeStaging(...of),
    dropUnfinished: (...of) => library.dropUnfinished(...of),
    remove: (...of) => library.remove(...of),
    space: () => library.space(),
    ...other,
  };
}

/** Sees each message of some subjects first; true keeps it from the real handler. */
export function wrapBus(
  bus: Bus,
  subject: string,
  first: (message: BusMessage) => Promise<boolean>,
): Bus {
  return {
    publish: (...of) => bus.publish(...of),
    request: (...of) => bus.request(...of),
    subscribe: (pattern, handler) =>
      bus.subscribe(pattern, (message) => {
        if (!pattern.startsWith(subject)) return handler(message);
        void first(message).then((isTaken) => {
          if (!isTaken) handler(message);
        });
      }),
  };
}

export function stateOf(entry: KvEntry | null): EpisodeState | null {
  if (entry?.kind !== 'value') return null;
  const state = decodeEpisode(new TextDecoder().decode(entry.value));
  return state.ok ? state.value : null;
}

export function encoded(state: EpisodeState): Uint8Array {
  return new TextEncoder().encode(encodeEpisode(state));
}

export function withLock(state: EpisodeState, stage: Stage, lock: Lock): EpisodeState {
  return { ...state, stages: { ...state.stages, [stage]: { ...state.stages[stage], lock } } };
}

/** The stages of a state whose lock fits. */
export function locksOf(
  state: EpisodeState,
): readonly { readonly stage: Stage; readonly lock: Lock }[] {
  return STAGES.map((stage) => ({ stage, lock: state.stages[stage].lock }));
}

/** Puts another method into a class for as long as the plant stands; gives back what undoes it. */
export function substitute<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (original: T[K]) => T[K],
): () => void {
  const original = prototype[name];
  prototype[name] = make(original);
  return () => {
    prototype[name] = original;
  };
}
