import { durationWords, sizeWords } from '../../render/words.ts';
import { type Check, type CheckId, fail, ok, skipped, unseenBy, warn, worstOf } from './check.ts';
import { aheadMs, clockCheck } from './clock-words.ts';
import { judgeCuda, judgeDriver } from './judge-cuda.ts';
import { judgeEngine, judgeGpu, judgeModel, judgePython } from './judge-engine.ts';
import type { AgentDiskFacts, CredentialFacts, MachineFacts } from './machine-facts.ts';

const DISK_BYTES_LOW = 200e6;
/** The audio of a long episode, twice. */
const DISK_BYTES_TOLD = 2e9;

/** Of the agent of this machine, from what it says of itself to what it needs. */
export function judgeMachine(facts: MachineFacts): readonly Check[] {
  return [
    readinessCheck(facts),
    serviceCheck(facts),
    diskChecks(facts.disks),
    judgePython(facts.python),
    judgeEngine(facts),
    facts.otherEngine === null
      ? judgeModel(facts.model)
      : skipped(
          'agent-model',
          `agent.engine is ${facts.otherEngine.kind}, which has models of its own`,
        ),
    judgeGpu(facts),
    judgeDriver(facts),
    judgeCuda(facts),
    ...fleetChecks(facts),
  ];
}

/** Where `--agent` asks for an agent and there is none. */
export function noAgentHere(): Check {
  return fail(
    'agent',
    'no agent is installed on this machine',
    'make it one: "podctl agent token create --print-command" prints the line for it',
  );
}

function readinessCheck({ readiness, place, service }: MachineFacts): Check {
  if (readiness.kind === 'answered') {
    if (readiness.ready) return ok('agent', `ready, at ${place.listen}`);
    const bad = readiness.lines.find((line) => line.startsWith('[-] '))?.slice(4);
    return fail(
      'agent',
      `it runs and is not ready: ${bad ?? 'it does not say why'}`,
      'look at the other checks here first, then into its log',
    );
  }
  const start = {
    service:
      'start it with "systemctl start podctl-agent"; "journalctl -u podctl-agent" says why it ended',
    foreground: 'start it with "podctl agent install --foreground", or "podctl agent run"',
    run: 'start it with "podctl agent run"',
    up: 'start it with "podctl up"',
  }[place.kind];
  if (place.listen === '')
    return skipped(
      'agent',
      'where it listens is not known: agent.http.listen has port 0',
      'set agent.http.listen to a port, such as "127.0.0.1:9091"',
    );
  // Of a service it is told whether it runs; there the silence is the finding.
  const runs = service?.active === 'active';
  return fail(
    'agent',
    runs ? `its service runs, and ${readiness.why}` : `it does not run: ${readiness.why}`,
    runs ? 'wait 10 s after a start; then look into "journalctl -u podctl-agent"' : start,
  );
}

function serviceCheck({ service, place }: MachineFacts): Check {
  if (service === null)
    return skipped(
      'agent-service',
      place.kind === 'up' ? '"podctl up" runs it' : 'it is not installed as a service',
    );
  const { active, enabled } = service;
  if (active === 'unknown') return skipped('agent-service', 'systemd does not run here');
  if (active !== 'active' && active !== 'activating')
    return fail(
      'agent-service',
      `podctl-agent.service is ${active}`,
      'run "systemctl start podctl-agent"; "journalctl -u podctl-agent" says why it ended',
    );
  if (enabled !== 'enabled')
    return warn(
      'agent-service',
      `podctl-agent.service is ${active}, and ${enabled}: it will not start with the machine`,
      'run "systemctl enable podctl-agent"',
    );
  return ok('agent-service', `podctl-agent.service is ${active} and enabled`);
}

function diskChecks(disks: readonly AgentDiskFacts[]): Check {
  const judged = disks.flatMap(({ path, freeBytes }): readonly Check[] => {
    if (freeBytes === null) return [];
    const words = `the disk of ${path} has ${sizeWords(freeBytes)} free`;
    const fix = 'free some space there, or move the data folder to another disk (dataDir)';
    if (freeBytes < DISK_BYTES_LOW) return [fail('agent-disk', words, fix)];
    return freeBytes < DISK_BYTES_TOLD ? [warn('agent-disk', words, fix)] : [];
  });
  const known = disks.filter(({ freeBytes }) => freeBytes !== null);
  if (known.length === 0) return skipped('agent-disk', 'its folders could not be looked at');
  return worstOf(judged, () =>
    ok(
      'agent-disk',
      known.map(({ path, freeBytes }) => `${path} ${sizeWords(freeBytes ?? 0)} free`).join(', '),
    ),
  );
}

const CONNECTED: readonly CheckId[] = ['agent-nats', 'agent-bytes', 'agent-clock'];

function fleetChecks(facts: MachineFacts): readonly Check[] {
  const { credential, place } = facts;
  if (credential.kind === 'absent') {
    const why = place.kind === 'up' ? '"podctl up" lets it in' : 'this machine was not enrolled';
    const first =
      place.kind === 'service' || place.kind === 'foreground'
        ? fail(
            'agent-credential',
            `there is no ${credential.path}: this machine is in no fleet`,
            'join with a fresh token: "podctl agent install --join-file -"',
          )
        : skipped('agent-credential', why);
    return [first, ...CONNECTED.map((id) => skipped(id, why))];
  }
  const first = credentialCheck(credential, facts.nowMs);
  if (first.outcome === 'fail')
    return [first, ...CONNECTED.map((id) => skipped(id, 'the credential cannot be used'))];
  return [first, natsCheck(facts), bytesCheck(facts), agentClock(facts)];
}

function credentialCheck(
  credential: CredentialFacts & { kind: 'broken' | 'there' },
  nowMs: number,
): Check {
  if (credential.kind === 'broken') {
    const told = unseenBy(credential.sentence);
    const { why, fix } = told.kind === 'unseen' ? told : { why: credential.sentence, fix: null };
    return fail('agent-credential', why, fix ?? 'run this as the user of the agent, or as root');
  }
  const { agent, path, issuedMs, expiresMs, mode } = credential;
  const left = expiresMs - nowMs;
  const days = durationWords(Math.abs(left) / 1_000);
  if (left <= 0)
    return fail(
      'agent-credential',
      `the credential of ${agent} has been over for ${days}`,
      `remove ${path}, and join anew with a fresh token`,
    );
  if ((mode & 0o077) !== 0)
    return fail(
      'agent-credential',
      `${path} holds keys, and others on this machine may read it`,
      `run "chmod 600 ${path}", then "podctl agent remove" and join anew if somebody may have read it`,
    );
  // It is renewed when a third of its life is left.
  if (left < (expiresMs - issuedMs) / 4)
    return warn(
      'agent-credential',
      `the credential of ${agent} is good for ${days} more, and was not renewed`,
      'look at the check agent-bytes: it is renewed there, by the agent while it runs',
    );
  return ok('agent-credential', `of ${agent}, good for ${days} more`);
}

function natsCheck({ nats }: MachineFacts): Check {
  if (nats === null) return skipped('agent-nats', 'it was not asked');
  if (nats.kind === 'seen')
    return ok('agent-nats', `${nats.value.server} ${nats.value.version}, over TLS`);
  return fail(
    'agent-nats',
    nats.why,
    nats.fix ?? 'open the port of NATS for this machine, and look whether the server runs',
  );
}

function bytesCheck({ bytes }: MachineFacts): Check {
  const good = bytes.filter(({ seen }) => seen.kind === 'seen');
  const bad = bytes.flatMap(({ url, seen }) => (seen.kind === 'seen' ? [] : [{ url, ...seen }]));
  const [first] = bad;
  if (first === undefined) return ok('agent-bytes', good.map(({ url }) => url).join(', '));
  const words = `${first.url}: ${first.why}`;
  const fix =
    first.fix ??
    'start that coordinator, or open the port of coordinator.bytes.listen for this machine';
  return good.length > 0 ? warn('agent-bytes', words, fix) : fail('agent-bytes', words, fix);
}

function agentClock({ bytes }: MachineFacts): Check {
  const aheads = bytes.flatMap(({ seen }) =>
    seen.kind === 'seen' ? [aheadMs(seen.value) ?? []].flat() : [],
  );
  const [first] = aheads.sort((a, b) => Math.abs(b) - Math.abs(a));
  if (first === undefined) return skipped('agent-clock', 'no coordinator told its time');
  return clockCheck('agent-clock', first, "the coordinator's clock", "this machine's");
}
