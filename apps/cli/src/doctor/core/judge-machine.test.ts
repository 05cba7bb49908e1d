import { describe, expect, it } from 'vitest';
import { seen, unseen } from './check.ts';
import { doctorGpus } from './gpu-facts.ts';
import { judgeMachine } from './judge-machine.ts';
import type { CredentialFacts, MachineFacts } from './machine-facts.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const HASH = '1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a';

const credential: CredentialFacts & { kind: 'there' } = {
  kind: 'there',
  path: '/var/lib/podctl/agent/credential.json',
  agent: 'gpu1',
  ...{ issuedMs: NOW - 10 * DAY, expiresMs: NOW + 20 * DAY, mode: 0o600 },
};
const model = {
  name: 'tiny.en',
  path: '/cache/tiny',
  origin: 'cache',
  sha256: HASH,
  sha256Expected: HASH,
};
const engine = { python: '3.11.7', fasterWhisper: '1.2.1', ctranslate2: '4.8.5', cudaDevices: 1 };
const clock = { askedAtMs: NOW, answeredAtMs: NOW + 5, otherMs: NOW, stepMs: 1_000 };

const well: MachineFacts = {
  nowMs: NOW,
  place: { kind: 'service', stateDir: '/var/lib/podctl', listen: '127.0.0.1:9091' },
  readiness: { kind: 'answered', ready: true, welcomed: true, lines: ['[+] session: welcomed'] },
  service: { active: 'active', enabled: 'enabled' },
  disks: [{ path: '/var/lib/podctl', freeBytes: 80e9 }],
  python: { root: '/var/lib/podctl', folder: '/var/lib/podctl/python-0123456789ab', others: 0 },
  engine: seen(engine),
  model: seen(model),
  otherEngine: null,
  gpu: { kind: 'gpus', names: ['NVIDIA H100'] },
  cuda: {
    gpus: doctorGpus('0, 580.159.04, 81559, 480, Disabled, 9.0'),
    ...{ cublas: { loads: true, said: 'opened' }, libraries: null, isOnBus: true },
  },
  device: 'auto',
  credential,
  nats: seen({ server: 'n1:4222', version: '2.15.1' }),
  bytes: [{ url: 'https://c1:7080', seen: seen(clock) }],
};

function said(id: string, change: Partial<MachineFacts> = {}): string {
  const check = judgeMachine({ ...well, ...change }).find((one) => one.id === id);
  const fix = check?.fix ?? null;
  return `${check?.outcome}: ${check?.seen}${fix === null ? '' : ` -> ${fix}`}`;
}

const url = 'http://127.0.0.1:8000/v1';
const server = { kind: 'openai', url, answer: seen({ status: 200 }), tokenFile: null } as const;
const tokenFile = { path: '/etc/podctl/token', mode: 0o600 };
const silent = { kind: 'unreachable', why: 'nothing listens on 127.0.0.1:9091' } as const;
const journal = '"journalctl -u podctl-agent" says why it ended';
const again =
  'run "podctl agent install" again, which repairs it ("podctl up" does so for its own agent)';

const cases: readonly (readonly [string, Partial<MachineFacts>, string])[] = [
  [
    'agent-engine',
    { otherEngine: { kind: 'command', program: 'whisper-cli', path: '/usr/bin/whisper-cli' } },
    'ok: the program /usr/bin/whisper-cli (transcribe.command)',
  ],
  [
    'agent-engine',
    { otherEngine: { kind: 'command', program: 'whisper-cli', path: null } },
    'fail: there is no program whisper-cli that may be run (transcribe.command) -> install it, or give its whole path; the PATH of a service is not that of your shell',
  ],
  [
    'agent-engine',
    { otherEngine: server },
    `ok: the server at ${url} answers (transcribe.openai.url)`,
  ],
  [
    'agent-engine',
    { otherEngine: { ...server, answer: unseen('nothing listens there') } },
    `fail: ${url}: nothing listens there -> start the server, or correct transcribe.openai.url`,
  ],
  [
    'agent-engine',
    { otherEngine: { ...server, answer: seen({ status: 401 }), tokenFile } },
    `fail: ${url} refuses the token (401) -> correct transcribe.openai.tokenFile`,
  ],
  [
    'agent-engine',
    { otherEngine: { ...server, tokenFile: { ...tokenFile, mode: 0o644 } } },
    'warn: /etc/podctl/token holds a token, and others on this machine may read it -> run "chmod 600 /etc/podctl/token"',
  ],
  [
    'agent-engine',
    { otherEngine: { ...server, tokenFile: { ...tokenFile, mode: null } } },
    'fail: /etc/podctl/token cannot be read, or holds no token (transcribe.openai.tokenFile) -> write the token into it, and nothing else; run this as the user of the agent',
  ],
  [
    'agent-engine',
    { otherEngine: { ...server, url: 'http://gpu1:8000/v1', tokenFile } },
    'warn: http://gpu1:8000/v1 gets the token in the clear -> reach the server over https://, or through a tunnel',
  ],
  [
    'agent-model',
    { otherEngine: server },
    'skipped: agent.engine is openai, which has models of its own',
  ],
  [
    'agent',
    {
      readiness: {
        kind: 'answered',
        ready: false,
        welcomed: false,
        lines: ['[+] a: b', '[-] nats: refused'],
      },
    },
    'fail: it runs and is not ready: nats: refused -> look at the other checks here first, then into its log',
  ],
  [
    'agent',
    { readiness: silent, service: { active: 'failed', enabled: 'enabled' } },
    `fail: it does not run: nothing listens on 127.0.0.1:9091 -> start it with "systemctl start podctl-agent"; ${journal}`,
  ],
  [
    'agent',
    { readiness: silent },
    'fail: its service runs, and nothing listens on 127.0.0.1:9091 -> wait 10 s after a start; then look into "journalctl -u podctl-agent"',
  ],
  [
    'agent',
    { readiness: silent, place: { ...well.place, listen: '' } },
    'skipped: where it listens is not known: agent.http.listen has port 0 -> set agent.http.listen to a port, such as "127.0.0.1:9091"',
  ],
  [
    'agent-service',
    { service: { active: 'failed', enabled: 'enabled' } },
    `fail: podctl-agent.service is failed -> run "systemctl start podctl-agent"; ${journal}`,
  ],
  [
    'agent-service',
    { service: { active: 'active', enabled: 'disabled' } },
    'warn: podctl-agent.service is active, and disabled: it will not start with the machine -> run "systemctl enable podctl-agent"',
  ],
  [
    'agent-service',
    { service: { active: 'unknown', enabled: 'unknown' } },
    'skipped: systemd does not run here',
  ],
  [
    'agent-disk',
    { disks: [{ path: '/d', freeBytes: 1e6 }] },
    'fail: the disk of /d has 1.0 MB free -> free some space there, or move the data folder to another disk (dataDir)',
  ],
  [
    'agent-disk',
    { disks: [{ path: '/d', freeBytes: 1e9 }] },
    'warn: the disk of /d has 1.0 GB free -> free some space there, or move the data folder to another disk (dataDir)',
  ],
  [
    'agent-python',
    { python: { root: '/d', folder: null, others: 0 } },
    `fail: there is no Python environment in /d -> ${again}`,
  ],
  [
    'agent-python',
    { python: { root: '/d', folder: null, others: 1 } },
    `fail: 1 Python environment in /d, none whole and of this version's requirements -> ${again}`,
  ],
  ['agent-engine', { engine: null }, 'skipped: there is no Python environment for it'],
  [
    'agent-engine',
    { engine: unseen('its Python ended with code 1 (ImportError: libcudnn)') },
    `fail: its Python ended with code 1 (ImportError: libcudnn) -> ${again}`,
  ],
  [
    'agent-model',
    { model: seen({ ...model, sha256: 'ff'.repeat(32) }) },
    'fail: tiny.en has SHA-256 ffffffffffff… where 1a5afae06a4d… was expected: its file is broken -> remove /cache/tiny, then run "podctl agent install" again',
  ],
  [
    'agent-model',
    { model: seen({ ...model, sha256Expected: null }) },
    'ok: tiny.en, SHA-256 1a5afae06a4d…; what it should be is not known here',
  ],
  [
    'agent-model',
    { model: unseen('The model large-v3 is not in the local cache', 'choose tiny.en') },
    'fail: The model large-v3 is not in the local cache -> choose tiny.en',
  ],
  [
    'agent-gpu',
    { engine: seen({ ...engine, cudaDevices: 0 }) },
    'warn: nvidia-smi lists NVIDIA H100, and the engine finds none -> look at the check agent-driver; in a container, give it the GPU (--gpus all)',
  ],
  [
    'agent-gpu',
    { gpu: { kind: 'none', why: 'there is no nvidia-smi' }, device: 'cuda' },
    'fail: transcribe.device is cuda, and there is no nvidia-smi -> install the driver of NVIDIA, or set transcribe.device to auto',
  ],
  [
    'agent-gpu',
    { gpu: { kind: 'broken', why: '"nvidia-smi -L" ended with code 9' } },
    'warn: "nvidia-smi -L" ended with code 9: the work is done on the CPU -> mend the driver of NVIDIA, or restart the machine',
  ],
  ['agent-gpu', { device: 'cpu' }, 'ok: NVIDIA H100, not used: transcribe.device is cpu'],
  [
    'agent-credential',
    { credential: { ...credential, expiresMs: NOW - DAY } },
    'fail: the credential of gpu1 has been over for 1d00h -> remove /var/lib/podctl/agent/credential.json, and join anew with a fresh token',
  ],
  [
    'agent-credential',
    { credential: { ...credential, mode: 0o644 } },
    'fail: /var/lib/podctl/agent/credential.json holds keys, and others on this machine may read it -> run "chmod 600 /var/lib/podctl/agent/credential.json", then "podctl agent remove" and join anew if somebody may have read it',
  ],
  [
    'agent-credential',
    { credential: { ...credential, expiresMs: NOW + 2 * DAY } },
    'warn: the credential of gpu1 is good for 2d00h more, and was not renewed -> look at the check agent-bytes: it is renewed there, by the agent while it runs',
  ],
  [
    'agent-credential',
    { credential: { kind: 'broken', sentence: '/c is no credential of an agent; remove it' } },
    'fail: /c is no credential of an agent -> remove it',
  ],
  [
    'agent-nats',
    { nats: unseen('the server refuses', 'join anew') },
    'fail: the server refuses -> join anew',
  ],
  [
    'agent-bytes',
    { bytes: [{ url: 'https://c1:7080', seen: unseen('connect ECONNREFUSED') }] },
    'fail: https://c1:7080: connect ECONNREFUSED -> start that coordinator, or open the port of coordinator.bytes.listen for this machine',
  ],
  [
    'agent-clock',
    { bytes: [{ url: 'https://c1:7080', seen: seen({ ...clock, otherMs: NOW - 600_000 }) }] },
    'fail: the coordinator\'s clock is 9m59s behind this machine\'s, and at most 60 s go -> let both machines set their clocks by NTP, e.g. with "timedatectl set-ntp true"',
  ],
];

describe('the agent of a machine', () => {
  it('is well', () => {
    expect(judgeMachine(well).filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  });

  it.each(cases.map(([id, change, words]) => ({ id, change, words })))(
    '$id says "$words"',
    ({ id, change, words }) => {
      expect(said(id, change)).toBe(words);
    },
  );

  it('without a credential has nothing asked with it', () => {
    const gone = { credential: { kind: 'absent', path: '/c' }, nats: null, bytes: [] } as const;
    expect(said('agent-credential', gone)).toBe(
      'fail: there is no /c: this machine is in no fleet -> join with a fresh token: "podctl agent install --join-file -"',
    );
    for (const id of ['agent-nats', 'agent-bytes', 'agent-clock'])
      expect(said(id, gone)).toBe('skipped: this machine was not enrolled');
    const place = { ...well.place, kind: 'up' } as const;
    expect(said('agent-credential', { ...gone, place })).toBe('skipped: "podctl up" lets it in');
  });
});
