import { CommandError, EXIT } from '../command-error.ts';
import { installedHere } from '../install/installation.ts';
import { MachineRoot } from '../install/machine-root.ts';
import { agentIdOf } from '../up/bootstrap.ts';

/** The name of the agent that is installed on this machine. Rejects with CommandError when there is none. */
export async function installedAgentId(
  root: string,
  dataDir: string,
  isDataDirNamed: boolean,
  version: string,
): Promise<string> {
  const installation = await installedHere({
    root: new MachineRoot(root),
    dataDirFlag: isDataDirNamed ? dataDir : null,
    dataDirDefault: dataDir,
    version,
  });
  if (installation === null)
    throw new CommandError(
      EXIT.notFound,
      'no agent is installed on this machine, so --self is nobody; give its name instead: "podctl agent list" shows the names',
    );
  return agentIdOf(installation.settings);
}
