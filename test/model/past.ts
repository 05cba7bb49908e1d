import { requested } from './client.ts';
import type { Model } from './model.ts';
import type { State } from './state.ts';
import { ANSWER, END, FILES, tokenAt } from './state.ts';
import { writeSteps } from './writes.ts';

/** Requests for the download that came before those that the world counts. */
const EARLIER = 3;
const SECOND = 2;

/** The first state of a world in which one run of the download is done and a second one wanted: by the model's own steps, so that it is a legal one. */
export function downloaded(model: Model): State {
  const issued = (1 << EARLIER) | (1 << SECOND);
  const asked = requested(model, { ...model.first(), issued }, EARLIER, 0);
  const held = written(model, asked, { kind: 'assign', session: 1 });
  const whole = model.withToken(held, 0, { staged: FILES.full, begun: true });
  const committed = written(model, whole, { kind: 'settle', token: 0, end: END.accepted });
  const named = model.withToken(committed, 0, { staged: FILES.none, named: FILES.full });
  const done = written(model, named, { kind: 'publish', token: 0 });
  if (!tokenAt(done, 0).accepted) throw new Error('the model did not accept its first download');
  const settled = model.withToken(done, 0, { answers: ANSWER.accepted });
  return requested(model, settled, SECOND, 0);
}

function written(model: Model, state: State, parts: Parameters<Model['taken']>[1]): State {
  const begun = model.taken(state, parts);
  let after: State | null = null;
  if (begun !== null)
    writeSteps(model, begun, (_helps, _words, next) => {
      after ??= next;
    });
  if (after === null) throw new Error('the model could not write the past of its world');
  return after;
}
