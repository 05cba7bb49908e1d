import { formatAddress } from '@podctl/platform/endpoint.ts';
import { commandErrorFrom } from '../command-error.ts';
import { askReadiness } from './agent-readiness.ts';
import type { Installation } from './installation.ts';
import type { Enrolment, RunProgram } from './ports.ts';
import { unitState } from './service-control.ts';

/** What `agent status --json` prints. */
export interface AgentStatusView {
  readonly agentId: string | null;
  readonly mode: 'service' | 'foreground';
  readonly configFile: string;
  readonly stateDir: string;
  /** systemd's words (`active`, `failed`, …); null in the foreground. */
  readonly service: { readonly active: string; readonly enabled: string } | null;
  /** Null: this user may not look, or what is there is no credential. */
  readonly enrolled: boolean | null;
  /** Why `enrolled` is null. */
  readonly credentialProblem: string | null;
  /** ISO 8601; null: it does not expire, or there is none. */
  readonly credentialExpiresAt: string | null;
  readonly listen: string;
  /** It answers on `listen`. */
  readonly running: boolean;
  /** All its checks are good. */
  readonly ready: boolean;
  /** What it says of itself, or why it does not. */
  readonly checks: readonly string[];
}

export async function agentStatus(
  { paths, settings }: Installation,
  enrolment: Enrolment,
  run: RunProgram,
  signal: AbortSignal,
): Promise<AgentStatusView> {
  const listen = formatAddress(settings.agent.http.listen);
  const credential = await lookedAt(enrolment);
  const readiness = await askReadiness(listen, signal);
  const expiresAtMs = credential.state === 'enrolled' ? credential.expiresAtMs : null;
  return {
    agentId: settings.agent.id,
    mode: paths.mode,
    configFile: paths.configFile,
    stateDir: paths.stateDir,
    service: paths.mode === 'service' ? await unitState(run) : null,
    enrolled: credential.state === 'unreadable' ? null : credential.state === 'enrolled',
    credentialProblem: credential.state === 'unreadable' ? credential.why : null,
    credentialExpiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    listen,
    running: readiness.kind === 'answered',
    ready: readiness.kind === 'answered' && readiness.ready,
    checks: readiness.kind === 'answered' ? readiness.lines : [readiness.why],
  };
}

/** What this user may not read hides nothing else from them. */
async function lookedAt(enrolment: Enrolment) {
  try {
    return await enrolment.look();
  } catch (error) {
    return { state: 'unreadable', why: commandErrorFrom(error).message } as const;
  }
}

/** Health first. */
export function statusLines(view: AgentStatusView): readonly string[] {
  const { agentId, mode, service, running, ready, checks } = view;
  const state = ready ? 'ready' : running ? 'NOT READY' : 'NOT RUNNING';
  return [
    `agent       ${agentId ?? '(named after its host)'}: ${state}`,
    ...checks.map((check) => `            ${check}`),
    `service     ${service === null ? 'none: it runs in a terminal' : `${service.active}, ${service.enabled}`}`,
    `credential  ${credentialWords(view)}`,
    `installed   as a ${mode === 'service' ? 'service' : 'program in a terminal'}, settings in ${view.configFile}, data in ${view.stateDir}`,
  ];
}

function credentialWords({
  enrolled,
  credentialProblem,
  credentialExpiresAt: expiresAt,
}: AgentStatusView): string {
  if (enrolled === null) return credentialProblem ?? 'not readable';
  if (!enrolled) return 'NONE: this machine is in no fleet';
  return expiresAt === null ? 'does not expire' : `good until ${expiresAt}`;
}
