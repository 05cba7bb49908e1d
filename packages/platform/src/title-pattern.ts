import { FILTER_LIMITS, type TitleTest } from '@podctl/domain/feed/episode-filter.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { RE2JS } from 're2js';

/**
 * A regular expression of somebody's, looked for anywhere in a title, without regard to case. RE2's language: its time grows
 * with the length of the text alone, so that no expression can hold up a coordinator; it knows no back references and no
 * look around. Errors are one sentence and do not quote the expression.
 */
export function titlePattern(expression: string): Result<TitleTest, string> {
  const { patternLengthMax } = FILTER_LIMITS;
  if (expression.length > patternLengthMax)
    return err(`it has ${expression.length} characters: give ${patternLengthMax} at most`);
  try {
    const compiled = RE2JS.compile(expression, RE2JS.CASE_INSENSITIVE);
    if (compiled.programSize() > PROGRAM_SIZE_MAX)
      return err('its repetitions make it too large: give smaller counts');
    return ok((title) => compiled.test(title));
  } catch {
    return err(
      'it is no regular expression that RE2 knows (no back references, no look around): mend it, or escape signs with a backslash',
    );
  }
}

/** Of nested counts such as (a{100}){100} a few characters make much. */
const PROGRAM_SIZE_MAX = 1_000;
