import { withoutSecrets } from '../redaction.ts';
import { settingList } from './documentation.ts';
import { type Tree, valueAt } from './load.ts';

/** Where the value of a setting comes from. */
export type SettingOrigin = 'default' | 'file' | 'environment' | 'flag';

/** A setting as it counts, in the file's own words. */
export interface SettingWithOrigin {
  readonly setting: string;
  readonly value: unknown;
  readonly origin: SettingOrigin;
  /** The file, the variable or the flag; empty for a default. */
  readonly from: string;
}

/** One place that settings come from; the first that has one wins. */
export interface SettingSource {
  readonly origin: SettingOrigin;
  readonly from: string;
  readonly tree: Tree;
}

/** Every setting in the order of the documentation. What may be secret in a URL is masked. */
export function settingsWithOrigins(
  sources: readonly SettingSource[],
): readonly SettingWithOrigin[] {
  return settingList().map(({ name, otherwise }) => {
    const path = name.split('.');
    for (const { origin, from, tree } of sources) {
      const value = valueAt(tree, path);
      if (value !== undefined) return { setting: name, value: masked(value), origin, from };
    }
    return { setting: name, value: otherwise, origin: 'default', from: '' };
  });
}

function masked(value: unknown): unknown {
  return typeof value === 'string' ? withoutSecrets(value) : value;
}
