import type { Library } from '@podctl/platform/library.ts';
import type { Failpoints } from './failpoints.ts';
import { fileName } from './site-name.ts';

/** The same object with some of its methods replaced; the rest keeps what is private to it. */
export function replaced<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (object, key) => {
      if (Object.hasOwn(methods, key)) return Reflect.get(methods, key);
      const value: unknown = Reflect.get(object, key, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}

/** A library whose changes are points; `during` a write its file is there in part. */
export function watchedLibrary<T extends Library>(library: T, points: Failpoints): T {
  const methods: Pick<Library, 'write' | 'link' | 'removeStaging' | 'remove'> = {
    write: (path, source, signal) => {
      const site = `library.write ${fileName(path)}`;
      const watched = inTheMidst(source, () => points.pass({ site, moment: 'during' }));
      return points.around(site, () => library.write(path, watched, signal));
    },
    link: (from, to) => points.around(`library.link ${fileName(to)}`, () => library.link(from, to)),
    remove: (path) => points.around(`library.remove ${fileName(path)}`, () => library.remove(path)),
    removeStaging: (folder) =>
      points.around(`library.removeStaging ${fileName(folder)}`, () =>
        library.removeStaging(folder),
      ),
  };
  return replaced(library, methods as Partial<T>);
}

/** Calls back when the first bytes were taken, and written, and more are asked for. */
async function* inTheMidst(source: AsyncIterable<Uint8Array>, midst: () => void) {
  let isFirst = true;
  for await (const chunk of source) {
    yield chunk;
    if (isFirst) midst();
    isFirst = false;
  }
}
