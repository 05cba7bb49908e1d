import { invariant } from '@podctl/domain/result.ts';
import type { Authority } from '@podctl/platform/authority/authority.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { applyEffect } from '../install/apply-effect.ts';
import type { Look } from '../install/checklist.ts';
import type { Effect } from '../install/effect.ts';
import type { MachineRoot } from '../install/machine-root.ts';
import type { RunProgram } from '../install/ports.ts';
import type { InitPlan } from './init-plan.ts';
import type { InvokingUser } from './invoking-user.ts';
import type { Wishes } from './wishes.ts';

/** What the steps of one `coordinator init` share. */
export interface InitContext {
  readonly plan: InitPlan;
  readonly root: MachineRoot;
  readonly wishes: Wishes;
  /** What `podctl.yaml` said at the beginning; null: it was not there. */
  readonly there: Settings | null;
  /** Null: no folder but the library of the settings, in the data folder. */
  readonly libraryDir: string | null;
  readonly run: RunProgram;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Whose context it becomes. */
  readonly user: InvokingUser;
  readonly contextName: string;
  /** Ids of the steps that have changed something; `nats-restart` besides when a running NATS server must be started anew. */
  readonly changed: Set<string>;
  /** Null until the step with the keys has found or made them. */
  readonly keys: { authority: Authority | null };
}

export function todo(missing: string): Look {
  return { state: 'todo', missing };
}

export function done(seen: string): Look {
  return { state: 'done', seen };
}

export function authorityOf({ keys }: InitContext): Authority {
  invariant(keys.authority !== null, 'the step with the keys is before all that need them');
  return keys.authority;
}

export async function applyAll(context: InitContext, id: string, effects: readonly Effect[]) {
  context.changed.add(id);
  for (const effect of effects) await applyEffect(effect, context);
}
