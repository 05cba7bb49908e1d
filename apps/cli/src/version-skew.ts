export type Skew = 'none' | 'client-older' | 'server-older' | 'unknown';

/** How the versions of this command and of a coordinator stand, by the numbers of `major.minor.patch`. */
export function skewOf(client: string, server: string): Skew {
  if (client === server) return 'none';
  const [own, other] = [numbersOf(client), numbersOf(server)];
  if (own === null || other === null) return 'unknown';
  for (const [i, number] of own.entries()) {
    const against = other[i] ?? 0;
    if (number !== against) return number < against ? 'client-older' : 'server-older';
  }
  return 'unknown';
}

/** What to do about it; null when nothing is to be done. */
export function skewWarning(client: string, server: string): string | null {
  switch (skewOf(client, server)) {
    case 'none':
      return null;
    case 'client-older':
      return `This command is older (${client}) than the coordinator (${server}): what is new there is not shown here; bring this one to ${server}.`;
    case 'server-older':
      return `The coordinator is older (${server}) than this command (${client}): it may not know a request; bring it to ${client}.`;
    case 'unknown':
      return `This command is ${client}, the coordinator ${server}: bring both to one version.`;
  }
}

function numbersOf(version: string): readonly number[] | null {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:[-+]|$)/.exec(version);
  return match === null ? null : match.slice(1).map(Number);
}
