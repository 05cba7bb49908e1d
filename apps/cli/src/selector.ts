import * as Flags from '@oclif/core/flags';
import { labelProblem } from '@podctl/domain/feed-choices.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { CommandError, EXIT } from './command-error.ts';

/** One condition of a selector: the label has this value, or has not. */
export interface LabelCondition {
  readonly label: string;
  readonly value: string;
  readonly isEqual: boolean;
}

const CONDITIONS_MAX = 32;
const conditionPattern = /^([^=!]+)(!=|==?)([^=!]*)$/;

/** Which feeds are meant, by their labels. */
export const selectorFlag = Flags.string({
  char: 'l',
  multiple: true,
  multipleNonGreedy: true,
  helpValue: 'K=V',
  description:
    'only feeds with this label, or without it: K!=V; several with commas between must all hold',
});

/** All conditions of the flag. Throws CommandError (usage). */
export function selectorOf(words: readonly string[] | undefined): readonly LabelCondition[] {
  if (words === undefined || words.length === 0) return [];
  const parsed = parseSelector(words.join(','));
  if (parsed.ok) return parsed.value;
  throw new CommandError(EXIT.usage, `--selector: ${parsed.error}`);
}

/** What a coordinator can choose by itself: the labels that must be equal. */
export function selectedLabels(conditions: readonly LabelCondition[]): { [key: string]: string } {
  const equal = conditions.filter(({ isEqual }) => isEqual);
  return Object.fromEntries(equal.map(({ label, value }) => [label, value]));
}

/** `k=v`, `k!=v`, or several with commas between, all of which must hold. The error is a sentence without its full stop. */
export function parseSelector(text: string): Result<readonly LabelCondition[], string> {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length > CONDITIONS_MAX)
    return err(`the selector has ${parts.length} conditions; give ${CONDITIONS_MAX} at most`);
  const conditions: LabelCondition[] = [];
  for (const part of parts) {
    const [, label, sign, value] = conditionPattern.exec(part) ?? [];
    if (label === undefined || value === undefined || labelProblem(label, value) !== null)
      return err(`${JSON.stringify(part)} is no condition; give e.g. topic=history or lang!=en`);
    conditions.push({ label, value, isEqual: sign !== '!=' });
  }
  return ok(conditions);
}

/** Whether labels satisfy every condition; a label that is absent is no value's equal. */
export function isSelected(
  labels: Readonly<Record<string, string>>,
  conditions: readonly LabelCondition[],
): boolean {
  return conditions.every(
    ({ label, value, isEqual }) =>
      (Object.hasOwn(labels, label) && labels[label] === value) === isEqual,
  );
}
