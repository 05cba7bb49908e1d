import { lstat, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findPythonEnvs } from '@podctl/platform/python-env.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { requirementsPath } from '../up/bootstrap.ts';
import { prepareToolchain } from '../up/toolchain.ts';
import { applyEffect } from './apply-effect.ts';
import type { Step } from './checklist.ts';
import type { Effect } from './effect.ts';
import { type EngineModel, EngineSession } from './engine-session.ts';
import { AGENT_USER } from './install-paths.ts';
import { type InstallContext, todo } from './install-steps.ts';
import { KNOWN_CLIP } from './known-clip.ts';
import { judgeSelfTest } from './self-test.ts';
import { givenTo } from './user-step.ts';

/** What `auto` stands for; the agent has it so (apps/agent/src/shell/transcribe.ts). */
const MODEL_DEFAULT = 'tiny.en';
/** The clip is one window. */
const BATCH_SIZE = 8;
/** Beside the requirements. */
const ENGINE_SCRIPT = 'whisper_engine.py';

/** Whether the engine's environment is complete there. */
export async function hasPythonEnv(root: string): Promise<boolean> {
  return (await findPythonEnvs(root, [requirementsPath()])).folder !== null;
}

/** The Python environment and the model: both there, and the engine loads them. */
export function engineStep(context: InstallContext, pythonRoot: string): Step {
  const model = modelOf(context);
  let hasEnv = false;
  const makeEnv: Effect = {
    kind: 'other',
    words: `make a Python environment in ${context.plan.paths.stateDir} from ${requirementsPath()} (about 210 MB)`,
  };
  return {
    ...{ id: 'engine', title: 'Engine and model' },
    effects: () => [
      ...(hasEnv ? [] : [makeEnv]),
      {
        kind: 'other',
        words: `fetch the model ${model} into ${context.plan.paths.cacheDir}, unless it is there`,
      },
    ],
    async look() {
      hasEnv = await hasPythonEnv(pythonRoot);
      if (!hasEnv) return todo('there is no Python environment with it yet');
      if (context.dryRun) return todo('its Python environment is there; the model would be loaded');
      try {
        // Without the hub: what is fetched is fetched by `act`. A fallback is the only note, and it is known here.
        const model = await loadedModel(
          context,
          pythonRoot,
          { HF_HUB_OFFLINE: '1' },
          () => undefined,
        );
        return { state: 'done', seen: modelWords({ ...model, note: null }) };
      } catch (error) {
        context.signal.throwIfAborted();
        return todo(error instanceof Error ? error.message : String(error));
      }
    },
    async act(tell) {
      context.changed.add('engine');
      // A cache folder that was made anew a moment ago, e.g.
      if ((await runnerOf(context)).length > 0) await giveFolders(context);
      return modelWords(await loadedModel(context, pythonRoot, {}, tell));
    },
  };
}

async function loadedModel(
  context: InstallContext,
  pythonRoot: string,
  env: NodeJS.ProcessEnv,
  tell: (text: string) => void,
): Promise<EngineModel> {
  const runner = await runnerOf(context);
  const session = await startEngine(context, pythonRoot, env, tell, runner);
  try {
    const { device, computeType } = context.settings.transcribe;
    return await session.load(modelOf(context), device, computeType);
  } finally {
    await session.stop();
  }
}

function modelWords({ model, device, note }: EngineModel): string {
  const about = note === null ? '' : ` (${note.replace(/\.$/, '')})`;
  return `faster-whisper with ${model} on ${device}${about}`;
}

/** A known clip through the installed engine, as the user that the service has. */
export function selfTestStep(context: InstallContext, pythonRoot: string): Step {
  return {
    ...{ id: 'self-test', title: 'Self-test' },
    effects: () => [
      { kind: 'other', words: `transcribe ${KNOWN_CLIP.audio} and compare it with its known text` },
    ],
    // What works must be seen, each time.
    look: async () => todo('the engine has not been tried yet'),
    async act(tell) {
      const { gpu, settings } = context;
      const seen = await gpu.look();
      const memoryBefore = await gpu.memoryUsedMib();
      const session = await startEngine(context, pythonRoot, {}, tell, asAgentUser(context));
      try {
        const { device, computeType, batchSize } = settings.transcribe;
        const model = await session.load(modelOf(context), device, computeType);
        const heard = await session.transcribe(
          KNOWN_CLIP.audio,
          'en',
          batchSize === 'auto' ? BATCH_SIZE : batchSize,
        );
        const memoryWith = await gpu.memoryUsedMib();
        const judged = judgeSelfTest({
          ...{ heard, model, memoryBefore, memoryWith },
          expected: await readFile(KNOWN_CLIP.text, 'utf8'),
          deviceWanted: device,
          gpus: seen.kind === 'gpus' ? seen.names.length : 0,
        });
        if (!judged.ok) throw new CommandError(EXIT.failed, judged.error);
        return judged.value;
      } finally {
        await session.stop();
      }
    },
  };
}

async function startEngine(
  context: InstallContext,
  pythonRoot: string,
  env: NodeJS.ProcessEnv,
  tell: (text: string) => void,
  runner: readonly string[],
): Promise<EngineSession> {
  const { plan, signal } = context;
  const wasThere = await hasPythonEnv(pythonRoot);
  const report = { progress: tell, line: tell, end: () => undefined };
  const { device } = context.settings.transcribe;
  const quiet = () => undefined;
  const toolchain = await prepareToolchain(pythonRoot, report, quiet, signal, device).catch(
    (error: unknown) => {
      if (!(error instanceof PythonEnvError)) throw error;
      throw new CommandError(EXIT.failed, error.message, error);
    },
  );
  // What root has just made is the user's before the user runs it.
  if (runner.length > 0 && !wasThere) await giveFolders(context);
  const argv = [...runner, toolchain.python, join(dirname(requirementsPath()), ENGINE_SCRIPT)];
  const libraries =
    toolchain.cudaLibraries === null ? {} : { LD_LIBRARY_PATH: toolchain.cudaLibraries };
  return EngineSession.start(
    { argv, env: { ...process.env, ...plan.environment, ...libraries, ...env } },
    signal,
  );
}

/** Files of the service's user could have been changed by who broke into the service: root runs none of them. */
async function runnerOf(context: InstallContext): Promise<readonly string[]> {
  const { plan, root } = context;
  const user = await root.user(AGENT_USER);
  if (user === null) return [];
  const owner = await lstat(root.at(plan.paths.stateDir)).catch(() => null);
  return owner?.uid === user.uid ? asAgentUser(context) : [];
}

async function giveFolders(context: InstallContext): Promise<void> {
  const { plan, root } = context;
  const user = await root.user(AGENT_USER);
  if (user !== null) await applyEffect(givenTo(plan.giveFolders, user, root), context);
}

/** What root can reach says nothing of what the service can. */
function asAgentUser({ plan, root }: InstallContext): readonly string[] {
  if (plan.paths.mode === 'foreground' || root.path !== '/') return [];
  return [
    'setpriv',
    `--reuid=${AGENT_USER}`,
    `--regid=${AGENT_USER}`,
    '--init-groups',
    '--no-new-privs',
    '--',
  ];
}

function modelOf({ settings }: InstallContext): string {
  return settings.transcribe.model === 'auto' ? MODEL_DEFAULT : settings.transcribe.model;
}
