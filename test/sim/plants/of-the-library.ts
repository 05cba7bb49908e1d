import { EPISODES_ROOT, PODCASTS_ROOT, STAGING_ROOT } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { KvEntry } from '@podctl/platform/kv.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import { ViewRepair } from '../../../apps/coordinator/src/shell/view-repair.ts';
import type { Plant } from '../plant.ts';
import { substitute, wrapKv, wrapLibrary } from './port-wrap.ts';

const LATE_MS = 5_000;

export const unmountedLooksEmpty: Plant = {
  what: 'library unmounted',
  coordinator: (ports, process) => {
    const isAway = () => process.host.libraryAway !== null;
    const missing = (path: string) => new LibraryError('missing', `${path} is not there`);
    const { library } = ports;
    const empty: Partial<Library> = {
      check: async () => ({ kind: 'online' }),
      stat: async (path) => (isAway() ? null : library.stat(path)),
      readSmall: async (path, bytesMax) => {
        if (isAway()) throw missing(path);
        return library.readSmall(path, bytesMax);
      },
      list: async (...of) => (isAway() ? [] : library.list(...of)),
    };
    return { ...ports, library: wrapLibrary(library, empty) };
  },
};

export const halfPublished: Plant = {
  what: 'a reader of a half-published attempt',
  coordinator: (ports, process) => {
    const underway = new Map<string, string>();
    const { library } = ports;
    const link = async (from: string, to: string) => {
      if (!to.startsWith(`${EPISODES_ROOT}/`) || to.endsWith(MANIFEST_NAME))
        return library.link(from, to);
      underway.set(to, from);
      void process.clock
        .sleep(LATE_MS, new AbortController().signal)
        .then(() => library.link(from, to))
        .then(() => underway.delete(to));
    };
    const stat = (path: string) => library.stat(underway.get(path) ?? path);
    return { ...ports, library: wrapLibrary(library, { link, stat }) };
  },
};

/** After it has linked, the promoter believes what it read before; and nobody compares the names later. */
export const noReRead: Plant = {
  what: 'promoter paused between link and re-read',
  coordinator: (ports) => {
    const { library, state } = ports;
    const linked = new Set<string>();
    const known = new Map<string, KvEntry | null>();
    const link = async (from: string, to: string) => {
      await library.link(from, to);
      if (!to.startsWith(`${PODCASTS_ROOT}/`)) return;
      const [, feed, episode] = from.split('/');
      linked.add(`job.${feed}.${episode}`);
    };
    const get = async (key: string, signal?: AbortSignal) => {
      const before = known.get(key);
      if (linked.delete(key) && before !== undefined) return before;
      const entry = await state.get(key, signal);
      known.set(key, entry);
      return entry;
    };
    return { ...ports, library: wrapLibrary(library, { link }), state: wrapKv(state, { get }) };
  },
  substitute: () =>
    substitute(
      ViewRepair.prototype as unknown as { turn: () => Promise<void> },
      'turn',
      () => async () => {},
    ),
};

/** The sweeper takes a checkpoint for what every other attempt leaves. */
export const checkpointUnknown: Plant = {
  what: 'a checkpoint taken for a leftover',
  coordinator: (ports) => {
    const { library } = ports;
    const list: Library['list'] = async (folder, ...of) => {
      const files = await library.list(folder, ...of);
      if (folder === STAGING_ROOT) return files;
      return files.filter(({ path }) => !path.includes('/checkpoint-'));
    };
    return { ...ports, library: wrapLibrary(library, { list }) };
  },
};
