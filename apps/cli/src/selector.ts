import { err, ok, type Result } from '@podctl/domain/result.ts';

/** One condition of a selector: the label has this value, or has not. */
export interface LabelCondition {
  readonly label: string;
  readonly value: string;
  readonly isEqual: boolean;
}

const CONDITIONS_MAX = 32;
const conditionPattern =
  /^([a-z0-9](?:[a-z0-9._/-]{0,61}[a-z0-9])?)(!=|==?)([A-Za-z0-9._-]{0,63})$/;

/** `k=v`, `k!=v`, or several with commas between, all of which must hold. The error is a sentence without its full stop. */
export function parseSelector(text: string): Result<readonly LabelCondition[], string> {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length > CONDITIONS_MAX)
    return err(`the selector has ${parts.length} conditions; give ${CONDITIONS_MAX} at most`);
  const conditions: LabelCondition[] = [];
  for (const part of parts) {
    const [, label, sign, value] = conditionPattern.exec(part) ?? [];
    if (label === undefined || value === undefined)
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
