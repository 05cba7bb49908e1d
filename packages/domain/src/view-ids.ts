/** Every place of a name where the first 8 characters of an episode's id may stand: titles and templates may touch them. */
const idPlaces = /(?=([a-z2-7]{8}))/g;

/**
 * What in the last part of a readable path may be the beginning of an episode's id, eight characters each. Names of older
 * titles and of other templates are known by it, since a template without the id is refused.
 */
export function shortIdsIn(path: string): string[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return [...name.matchAll(idPlaces)].map(([, id = '']) => id);
}
