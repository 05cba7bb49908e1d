import { AGENT_USER, COORDINATOR_USER } from './install-paths.ts';
import { agentUnit, coordinatorUnit, natsUnit } from './systemd-unit.ts';

const PODCTL = '/usr/local/bin/podctl';

/** The units of deploy/systemd, by their names: for whoever installs with other tools than podctl. */
export function unitExamples(): Readonly<Record<string, string>> {
  return {
    'podctl-agent.service': agentUnit({
      command: [
        ...[PODCTL, 'agent', 'run'],
        ...['--config', '/etc/podctl/agent.yaml', '--data-dir', '/var/lib/podctl'],
      ],
      environment: {
        XDG_CACHE_HOME: '/var/cache/podctl',
        HF_HOME: '/var/cache/podctl/huggingface',
        CUDA_CACHE_PATH: '/var/cache/podctl/cuda',
        ORT_DISABLE_TELEMETRY: '1',
      },
      user: AGENT_USER,
      supplementaryGroups: ['video', 'render'],
      drainMs: 600_000,
      stateDir: '/var/lib/podctl',
      managed: true,
    }),
    'podctl-coordinator.service': coordinatorUnit({
      command: [PODCTL, 'coordinator', 'run', '--config', '/etc/podctl/podctl.yaml'],
      environment: {},
      user: COORDINATOR_USER,
      libraryDir: null,
    }),
    'podctl-nats.service': natsUnit({
      command: ['/usr/local/bin/nats-server', '-c', 'nats-server.conf'],
      user: COORDINATOR_USER,
    }),
  };
}
