import { arch, hostname, platform } from 'node:os';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { type AgentBootstrap, readBootstrap } from '@podctl/platform/bootstrap.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import packageJson from '../package.json' with { type: 'json' };

/** Everything the agent is told, and what it knows of itself; resolved once. */
export interface AgentConfig extends AgentBootstrap {
  readonly agent: AgentId;
  readonly host: string;
  readonly os: string;
  readonly arch: string;
  readonly version: string;
}

/** From the file of the process that starts the agent. Rejects with `SettingsError`: one sentence. */
export async function loadAgentConfig(env: NodeJS.ProcessEnv): Promise<AgentConfig> {
  const bootstrap = await readBootstrap('agent', env);
  const agent = agentId(bootstrap.agentId);
  if (!agent.ok) throw new SettingsError(`agent.id: ${agent.error}`);
  return {
    ...bootstrap,
    agent: agent.value,
    host: hostname(),
    os: platform(),
    arch: arch(),
    version: packageJson.version,
  };
}
