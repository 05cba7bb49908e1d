/** The Python of an environment that has the engine. The global set-up of the tests prepares it. */
export function testPython(): string {
  const path = process.env.PODCTL_TEST_PYTHON;
  if (path === undefined || path === '')
    throw new Error(
      'PODCTL_TEST_PYTHON names no Python: run the tests through npm test, which prepares one',
    );
  return path;
}
